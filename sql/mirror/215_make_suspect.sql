-- mirror/215_make_suspect.sql
-- Purpose: the suspects of one walk, so that counting, holding and queueing speak of one set.  Output: temp table
create temporary table if not exists suspect (asset_id text collate "C" primary key) on commit delete rows
