-- mirror/220_count_suspects.sql
-- Purpose: the suspects of a walk beside the live assets of its slice.
-- Input:   resource_type, delivery_type; temp table suspect
select
  (
    select count(*) from mirror.asset_sighting as s
    where
      s.resource_type = :resource_type and s.delivery_type = :delivery_type
      and (s.state = 'live' or s.asset_id in (select e.asset_id from suspect as e))
  ) as live_count,
  count(*) as suspect_count,
  sha256(convert_to(coalesce(string_agg(e.asset_id, ',' order by e.asset_id), ''), 'UTF8')) as ids_digest
from suspect as e
