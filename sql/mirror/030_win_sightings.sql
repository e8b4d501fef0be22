-- mirror/030_win_sightings.sql
-- Purpose: the window rule. A read counts for an asset only if nothing touched the asset since the read began;
--          touch moves even when the content is equal, else two overlapping reads could apply in the wrong order.
-- Input:   touch_low, listing_run_id (null for point reads); temp table page_sighting
-- Output:  touch: one number for the whole read, by which the assets that it won are known; has_lost: there are others
-- Writes:  mirror.asset_sighting      Locks: its rows, in order of asset_id
with moment as materialized (
  select nextval('mirror.touch_seq') as touch, clock_timestamp() as verified_at
),

won as (
  insert into mirror.asset_sighting as s (
    asset_id, resource_type, delivery_type, state, touch, seen_listing_run_id, verified_at
  )
  select
    p.asset_id, p.resource_type, p.delivery_type, 'live', m.touch, cast(:listing_run_id as bigint), m.verified_at
  from page_sighting as p
  cross join moment as m
  order by p.asset_id
  on conflict (asset_id) do update
    set
      resource_type = excluded.resource_type,
      delivery_type = excluded.delivery_type,
      state = 'live',
      touch = excluded.touch,
      seen_listing_run_id = coalesce(excluded.seen_listing_run_id, s.seen_listing_run_id),
      verified_at = excluded.verified_at,
      approved_hold_id = null
    where s.touch < :touch_low
  returning s.touch
)

select m.touch, (select count(*) from won) < (select count(*) from page_sighting) as has_lost
from moment as m
