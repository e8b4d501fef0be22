-- reads/780_find_listing_wish.sql
-- Purpose: the newest wish for a full listing that no complete walk of every slice settled.
-- Input:   resource_types, delivery_types (side by side: the slices)
-- Output:  at most one row; is_due: no walk that could have settled it began within the last hour
select
  w.reason, w.wished_at,
  not exists (
    select from landing.listing_run as l
    where l.touch_low > w.touch and l.started_at > clock_timestamp() - interval '1 hour'
  ) as is_due
from landing.listing_wish as w
where
  exists (
    select from unnest(cast(:resource_types as text[]), cast(:delivery_types as text[])) as s (resource_type, delivery_type)
    where
      not exists (
        select from landing.listing_run as l
        where
          l.resource_type = s.resource_type and l.delivery_type = s.delivery_type
          and l.state in ('complete', 'held', 'closed') and l.touch_low > w.touch
      )
  )
order by w.touch desc
limit 1
