-- reads/225_note_cloud_has.sql
-- Purpose: the cloud showed these assets.
-- Input:   asset_ids                                    Output: asset_id of those that are new here
-- Writes:  temp table cloud_has
insert into cloud_has (asset_id)
select distinct e.asset_id
from unnest(cast(:asset_ids as text[])) as e (asset_id)
on conflict (asset_id) do nothing
returning asset_id
