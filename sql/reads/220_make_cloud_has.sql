-- reads/220_make_cloud_has.sql
-- Purpose: the assets that the cloud showed, so that a comparison of any size needs no memory of its own.
-- Output:  temp table of this session
create temporary table if not exists cloud_has (asset_id text collate "C" primary key)
