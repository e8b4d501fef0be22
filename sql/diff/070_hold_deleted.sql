-- diff/070_hold_deleted.sql
-- Purpose: the deletions of a slice that wait for a person.    Output: asset_id each
-- Writes:  diff.change
update diff.change as c
set state = 'held'
from public.media_assets as m, mirror.asset_sighting as s
where
  c.change_set_id = :change_set_id and c.kind = 'deleted' and c.state = 'pending'
  and m.asset_id = c.asset_id and m.resource_type = :resource_type and m.delivery_type = :delivery_type
  and s.asset_id = c.asset_id and s.approved_hold_id is null
returning c.asset_id
