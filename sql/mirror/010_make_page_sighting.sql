-- mirror/010_make_page_sighting.sql
-- Purpose: what a read showed, narrow: every good record.  Output: temp table, emptied at commit
create temporary table if not exists page_sighting (
  asset_id text collate "C" primary key,
  resource_type text collate "C" not null,
  delivery_type text collate "C" not null,
  document_digest bytea not null
) on commit delete rows
