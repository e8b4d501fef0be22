-- mirror/210_lock_run.sql
-- Purpose: a complete walk, with what is needed to conclude from it.
-- Output:  has_same_scope: the complete walk before it asked for the same. Without one nothing counts as absent.
select
  l.id, l.resource_type, l.delivery_type, l.touch_low, l.asset_count, l.quarantined_count, l.page_count,
  coalesce((
    select b.scope = l.scope
    from landing.listing_run as b
    where
      b.resource_type = l.resource_type and b.delivery_type = l.delivery_type
      and b.id < l.id and b.state in ('held', 'closed')
    order by b.id desc
    limit 1
  ), false) as has_same_scope,
  exists(
    select from landing.listing_run as n
    where
      n.resource_type = l.resource_type and n.delivery_type = l.delivery_type
      and n.id > l.id and n.state in ('complete', 'held', 'closed')
  ) as has_newer
from landing.listing_run as l
where l.id = :listing_run_id and l.state = 'complete'
for update
