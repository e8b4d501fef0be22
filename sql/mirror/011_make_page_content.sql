-- mirror/011_make_page_content.sql
-- Purpose: what a read showed, wide: only records whose bytes we have not seen.  Output: temp table, emptied at commit
create temporary table if not exists page_content (
  asset_id text collate "C",
  resource_type text collate "C",
  delivery_type text collate "C",
  public_id text collate "C",
  format text,
  version bigint,
  created_at timestamptz,
  size_bytes bigint,
  width_px integer,
  height_px integer,
  asset_folder text collate "C",
  display_name text,
  tags text[],
  context jsonb,
  metadata jsonb,
  access_mode text,
  access_control jsonb,
  moderation_kind text,
  moderation_status text,
  is_placeholder boolean,
  is_backed_up boolean,
  secure_url text,
  fingerprint bytea,
  document jsonb,
  document_digest bytea
) on commit delete rows
