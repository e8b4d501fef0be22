-- mirror/110_read_page.sql
-- Purpose: one landed page with what its walk was.
select p.touch_low, p.body, p.request_id, l.resource_type, l.delivery_type
from landing.listing_page as p
inner join landing.listing_run as l on p.listing_run_id = l.id
where p.listing_run_id = :listing_run_id and p.page_number = :page_number and p.applied_at is null
