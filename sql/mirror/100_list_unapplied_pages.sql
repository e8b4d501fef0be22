-- mirror/100_list_unapplied_pages.sql
-- Purpose: landed pages whose assets were not taken over yet, oldest first.
select p.listing_run_id, p.page_number
from landing.listing_page as p
where p.applied_at is null
order by p.listing_run_id, p.page_number
