-- diff/060_count_deleted.sql
-- Purpose: deletions of a change set that no person approved yet, a slice each, beside its live rows.
-- Input:   change_set_id                                Output: one row a slice that has such deletions
select
  d.resource_type, d.delivery_type, d.deleted_count, d.ids_digest,
  (
    select count(*) from public.media_assets as m
    where m.resource_type = d.resource_type and m.delivery_type = d.delivery_type and m.deleted_at is null
  ) as live_count
from (
  select
    m.resource_type, m.delivery_type, count(*) as deleted_count,
    sha256(convert_to(string_agg(c.asset_id, ',' order by c.asset_id), 'UTF8')) as ids_digest
  from diff.change as c
  inner join public.media_assets as m on c.asset_id = m.asset_id
  inner join mirror.asset_sighting as s on c.asset_id = s.asset_id
  where c.change_set_id = :change_set_id and c.kind = 'deleted' and s.approved_hold_id is null
  group by m.resource_type, m.delivery_type
) as d
order by d.resource_type, d.delivery_type
