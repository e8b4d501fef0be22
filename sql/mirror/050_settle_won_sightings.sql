-- mirror/050_settle_won_sightings.sql
-- Purpose: an asset that was seen again is no longer what a person approved, and bad records of it are history.
-- Input:   touch (of 030_win_sightings)
-- Writes:  mirror.verify_queue, mirror.quarantine
-- Cost:    one primary key look-up for each approved or quarantined asset: few
with resolved as (
  update mirror.quarantine as b
  set resolved_at = clock_timestamp()
  where
    b.resolved_at is null and (select s.touch from mirror.asset_sighting as s where s.asset_id = b.asset_id) = :touch
)

update mirror.verify_queue as q
set hold_id = null
where q.hold_id is not null and (select s.touch from mirror.asset_sighting as s where s.asset_id = q.asset_id) = :touch
