-- mirror/050_settle_won_sightings.sql
-- Purpose: an asset that was seen again is no longer what a person approved, and bad records of it are history.
-- Input:   touch (of 030_win_sightings)
-- Writes:  mirror.verify_queue, mirror.quarantine
with resolved as (
  update mirror.quarantine as b
  set resolved_at = clock_timestamp()
  from mirror.asset_sighting as s
  where s.asset_id = b.asset_id and s.touch = :touch and b.resolved_at is null
)

update mirror.verify_queue as q
set hold_id = null
from mirror.asset_sighting as s
where s.asset_id = q.asset_id and s.touch = :touch and q.hold_id is not null
