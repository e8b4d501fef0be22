-- mirror/200_list_unsettled_runs.sql
-- Purpose: complete walks, all of whose pages are applied, from which nothing was concluded yet.
select l.id
from landing.listing_run as l
where
  l.state = 'complete'
  and not exists (
    select from landing.listing_page as p where p.listing_run_id = l.id and p.applied_at is null
  )
order by l.id
