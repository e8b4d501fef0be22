-- mirror/030_win_sightings.sql
-- Purpose: the window rule. A read counts for an asset only if nothing touched the asset since the read began;
--          touch moves even when the content is equal, else two overlapping reads could apply in the wrong order.
-- Input:   touch_low, listing_run_id (null for point reads); temp table page_sighting
-- Output:  temp table page_won
-- Writes:  mirror.asset_sighting      Locks: its rows, in order of asset_id
with won as (
  insert into mirror.asset_sighting as s (
    asset_id, resource_type, delivery_type, state, touch, seen_listing_run_id, verified_at
  )
  select
    p.asset_id, p.resource_type, p.delivery_type, 'live', nextval('mirror.touch_seq'),
    cast(:listing_run_id as bigint), clock_timestamp()
  from page_sighting as p
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
  returning s.asset_id
)

insert into page_won (asset_id) select won.asset_id from won
