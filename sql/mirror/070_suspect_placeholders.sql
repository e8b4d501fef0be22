-- mirror/070_suspect_placeholders.sql
-- Purpose: a listed remnant is either a deletion or e.g. a rejected moderation; only a read by id tells.
--          A remnant of an asset that is proved deleted already needs no second proof.
-- Input:   asset_ids, resource_types, delivery_types, listing_run_id       Output: asset_id each
-- Writes:  mirror.asset_sighting
insert into mirror.asset_sighting as s (asset_id, resource_type, delivery_type, state, touch, seen_listing_run_id)
select p.asset_id, p.resource_type, p.delivery_type, 'suspect', nextval('mirror.touch_seq'), cast(:listing_run_id as bigint)
from unnest(cast(:asset_ids as text[]), cast(:resource_types as text[]), cast(:delivery_types as text[]))
  as p (asset_id, resource_type, delivery_type)
order by p.asset_id
on conflict (asset_id) do update
  set state = 'suspect', seen_listing_run_id = excluded.seen_listing_run_id
  where s.state <> 'tombstone'
returning s.asset_id
