-- mirror/105_skip_overtaken_pages.sql
-- Purpose: pages of a walk that a newer complete walk of the slice has overtaken are not taken over any more: they
--          would make assets newer than that walk although they say less.
-- Writes:  landing.listing_page
update landing.listing_page as p
set applied_at = clock_timestamp()
from landing.listing_run as l
where
  p.applied_at is null and l.id = p.listing_run_id
  and exists (
    select from landing.listing_run as n
    where
      n.resource_type = l.resource_type and n.delivery_type = l.delivery_type
      and n.id > l.id and n.state in ('complete', 'held', 'closed')
  )
