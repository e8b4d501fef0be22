-- diff/050_find_deleted.sql
-- Purpose: live rows of media_assets whose asset is proved deleted.
-- Writes:  diff.change
insert into diff.change (change_set_id, asset_id, kind)
select :change_set_id, m.asset_id, 'deleted'
from mirror.asset_sighting as s
inner join public.media_assets as m on s.asset_id = m.asset_id
where
  s.state = 'tombstone' and m.deleted_at is null
  -- What people restore is expected to be missing until Cloudinary has it again.
  and not exists (
    select from outbox.operation as o
    where o.asset_id = m.asset_id and o.kind = 'restore' and o.state in ('pending', 'leased', 'unknown', 'sent')
  )
order by m.asset_id
