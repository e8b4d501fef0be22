-- mirror/115_repeat_page.sql
-- Purpose: a page with the same records as one that was taken over whole. Content is written only by a read that wins,
--          and that moves touch; so an asset that has still the touch of that page is as the page says.
-- Input:   resource_type, delivery_type, records_digest, listing_run_id, touch_low (the window rule)
-- Output:  touch, as of 030_win_sightings; is_whole: no asset was touched since, else roll back and look into the page
-- Writes:  mirror.asset_sighting, mirror.proved_page      Locks: their rows, the assets in order
with moment as materialized (
  select nextval('mirror.touch_seq') as touch, clock_timestamp() as verified_at
),

won as (
  update mirror.asset_sighting as s
  set
    state = 'live',
    touch = m.touch,
    seen_listing_run_id = :listing_run_id,
    verified_at = m.verified_at,
    approved_hold_id = null
  from moment as m, (
    select e.touch, unnest(e.asset_ids) as asset_id
    from mirror.proved_page as e
    where
      e.resource_type = :resource_type and e.delivery_type = :delivery_type and e.records_digest = :records_digest
  ) as p
  where s.asset_id = p.asset_id and s.touch = p.touch and s.touch < :touch_low
  returning s.asset_id
),

repeated as (
  update mirror.proved_page as e
  set touch = m.touch
  from moment as m
  where
    e.resource_type = :resource_type and e.delivery_type = :delivery_type and e.records_digest = :records_digest
    and cardinality(e.asset_ids) = (select count(*) from won)
  returning e.touch
)

select m.touch, exists(select from repeated) as is_whole
from moment as m
