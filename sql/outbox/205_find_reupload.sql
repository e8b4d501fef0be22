-- outbox/205_find_reupload.sql
-- Purpose: what is known of an asset that was uploaded anew for one that is gone.              Input: asset_id
-- Output:  is_queued (a read of it is still to come), is_live
select q.asset_id is not null as is_queued, coalesce(s.state = 'live' and r.asset_id is not null, false) as is_live
from (select cast(:asset_id as text) as asset_id) as w
left join mirror.verify_queue as q on w.asset_id = q.asset_id
left join mirror.asset_sighting as s on w.asset_id = s.asset_id
left join mirror.remote_asset as r on w.asset_id = r.asset_id
