-- mirror/218_find_suspects.sql
-- Purpose: live assets of a slice that a complete walk did not show and that nothing touched since it began. Where no
--          live asset is left anywhere, those that it showed as remnants, too: nothing could serve as canary for them.
-- Input:   resource_type, delivery_type, listing_run_id, touch_low      Output: temp table suspect
-- Cost:    one pass over the narrow table
insert into suspect (asset_id)
select s.asset_id
from mirror.asset_sighting as s
where
  s.resource_type = :resource_type and s.delivery_type = :delivery_type and s.state <> 'tombstone'
  and (
    (s.seen_listing_run_id is distinct from :listing_run_id and s.touch < :touch_low)
    or (
      s.seen_listing_run_id = :listing_run_id and s.state = 'suspect'
      and exists (select from mirror.remote_asset as r where r.asset_id = s.asset_id)
      and not exists (select from mirror.asset_sighting as l where l.state = 'live')
    )
  )
order by s.asset_id
for update
