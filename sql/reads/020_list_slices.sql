-- reads/020_list_slices.sql
-- Purpose: of every slice that was ever walked, the last complete walk and how the last walk of all ended.
-- Cost:    two steps in index landing.listing_run_slice_idx a slice
select
  s.resource_type, s.delivery_type,
  c.finished_at as complete_at, c.page_count, c.asset_count,
  l.state as last_state, l.started_at as last_started_at, l.broken_reason
from (select distinct w.resource_type, w.delivery_type from landing.listing_run as w) as s
cross join lateral (
  select w.state, w.started_at, w.broken_reason
  from landing.listing_run as w
  where w.resource_type = s.resource_type and w.delivery_type = s.delivery_type
  order by w.id desc
  limit 1
) as l
left join lateral (
  select w.finished_at, w.page_count, w.asset_count
  from landing.listing_run as w
  where
    w.resource_type = s.resource_type and w.delivery_type = s.delivery_type
    and w.state in ('complete', 'held', 'closed')
  order by w.id desc
  limit 1
) as c on true
order by s.resource_type, s.delivery_type
