-- quality/050_read_mirrored.sql
-- Purpose: what the mirror has of some assets that are live in it.
-- Input:   asset_ids                                     Output: all mirrored fields, fingerprint and touch
select r.*, s.touch
from mirror.remote_asset as r
inner join mirror.asset_sighting as s on r.asset_id = s.asset_id
where r.asset_id = any(cast(:asset_ids as text[])) and s.state = 'live'
