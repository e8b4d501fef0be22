-- bench/040_merge_pages.sql
-- Purpose: the shortest way from raw pages to a current table. Compares every column, writes only what differs.
merge into floor.media_assets as m
using (
  select
    r.asset_id, r.resource_type, r.type as delivery_type, r.public_id, r.format, r.version, r.created_at,
    r.bytes as size_bytes, r.width as width_px, r.height as height_px, r.asset_folder, r.display_name,
    coalesce(r.tags, '{}') as tags,
    coalesce(r.context -> 'custom', '{}') as context,
    coalesce(r.metadata, '{}') as metadata,
    r.access_mode, r.access_control, r.moderation_kind, r.moderation_status,
    coalesce(r.placeholder, false) as is_placeholder,
    coalesce(r.backup, false) as is_backed_up,
    r.secure_url
  from
    floor.page as p,
    json_to_recordset(p.body -> 'resources') as r (
      asset_id text, resource_type text, type text, public_id text, format text, version bigint, created_at timestamptz,
      bytes bigint, width integer, height integer, asset_folder text, display_name text, tags text[], context jsonb,
      metadata jsonb, access_mode text, access_control jsonb, moderation_kind text, moderation_status text,
      placeholder boolean, backup boolean, secure_url text
    )
) as r
on m.asset_id = r.asset_id
when matched and (
  m.resource_type, m.delivery_type, m.public_id, m.format, m.version, m.created_at, m.size_bytes, m.width_px, m.height_px,
  m.asset_folder, m.display_name, m.tags, m.context, m.metadata, m.access_mode, m.access_control, m.moderation_kind,
  m.moderation_status, m.is_placeholder, m.is_backed_up, m.secure_url
) is distinct from (
  r.resource_type, r.delivery_type, r.public_id, r.format, r.version, r.created_at, r.size_bytes, r.width_px, r.height_px,
  r.asset_folder, r.display_name, r.tags, r.context, r.metadata, r.access_mode, r.access_control, r.moderation_kind,
  r.moderation_status, r.is_placeholder, r.is_backed_up, r.secure_url
) then update set
  resource_type = r.resource_type, delivery_type = r.delivery_type, public_id = r.public_id, format = r.format,
  version = r.version, created_at = r.created_at, size_bytes = r.size_bytes, width_px = r.width_px, height_px = r.height_px,
  asset_folder = r.asset_folder, display_name = r.display_name, tags = r.tags, context = r.context, metadata = r.metadata,
  access_mode = r.access_mode, access_control = r.access_control, moderation_kind = r.moderation_kind,
  moderation_status = r.moderation_status, is_placeholder = r.is_placeholder, is_backed_up = r.is_backed_up,
  secure_url = r.secure_url, row_version = m.row_version + 1, updated_at = now()
when not matched then insert (
  asset_id, resource_type, delivery_type, public_id, format, version, created_at, size_bytes, width_px, height_px,
  asset_folder, display_name, tags, context, metadata, access_mode, access_control, moderation_kind, moderation_status,
  is_placeholder, is_backed_up, secure_url, applied_fingerprint
) values (
  r.asset_id, r.resource_type, r.delivery_type, r.public_id, r.format, r.version, r.created_at, r.size_bytes, r.width_px,
  r.height_px, r.asset_folder, r.display_name, r.tags, r.context, r.metadata, r.access_mode, r.access_control,
  r.moderation_kind, r.moderation_status, r.is_placeholder, r.is_backed_up, r.secure_url, '\x'
)
