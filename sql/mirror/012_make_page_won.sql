-- mirror/012_make_page_won.sql
-- Purpose: the assets for which this read is newer than everything known.  Output: temp table, emptied at commit
create temporary table if not exists page_won (asset_id text collate "C" primary key) on commit delete rows
