-- mirror/010_make_page_sighting.sql
-- Purpose: what a read showed, narrow: every good record.  Output: temp table, emptied at commit
-- Why:     without a key, whose index would be made anew at every commit; an asset is in it once
create temporary table if not exists page_sighting (
  asset_id text collate "C" not null,
  resource_type text collate "C" not null,
  delivery_type text collate "C" not null,
  document_digest bytea not null
) on commit delete rows
