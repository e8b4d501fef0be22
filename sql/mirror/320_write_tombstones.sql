-- mirror/320_write_tombstones.sql
-- Purpose: proved deleted. The row stays. A read from before the latest touch proves nothing.
-- Input:   asset_ids, touch_low                         Output: asset_id each
-- Writes:  mirror.asset_sighting
update mirror.asset_sighting as s
set
  state = 'tombstone',
  touch = nextval('mirror.touch_seq'),
  verified_at = clock_timestamp(),
  approved_hold_id = (select q.hold_id from mirror.verify_queue as q where q.asset_id = s.asset_id)
from (
  select l.asset_id from mirror.asset_sighting as l
  where l.asset_id = any(cast(:asset_ids as text[]))
  order by l.asset_id
  for update
) as locked
where s.asset_id = locked.asset_id and s.touch < :touch_low and s.state <> 'tombstone'
returning s.asset_id
