-- reads/550_list_newest_walks.sql
-- Purpose: the newest walk of every slice that was ever listed.
-- Output:  one row a slice; is_whole where it reached the last page
select distinct on (l.resource_type, l.delivery_type)
  l.resource_type, l.delivery_type, l.id, l.state, l.state in ('complete', 'held', 'closed') as is_whole,
  l.page_count, l.asset_count, l.broken_reason, l.started_at
from landing.listing_run as l
order by l.resource_type asc, l.delivery_type asc, l.id desc
