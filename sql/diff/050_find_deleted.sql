-- diff/050_find_deleted.sql
-- Purpose: live rows of media_assets whose asset is proved deleted.
-- Writes:  diff.change
insert into diff.change (change_set_id, asset_id, kind)
select :change_set_id, m.asset_id, 'deleted'
from mirror.asset_sighting as s
inner join public.media_assets as m on s.asset_id = m.asset_id
where s.state = 'tombstone' and m.deleted_at is null
order by m.asset_id
