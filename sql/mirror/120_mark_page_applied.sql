-- mirror/120_mark_page_applied.sql
-- Purpose: this page is taken over, in the transaction that took it over.
-- Output:  no row means that another process did it: roll back
-- Writes:  landing.listing_page
update landing.listing_page
set applied_at = clock_timestamp()
where listing_run_id = :listing_run_id and page_number = :page_number and applied_at is null
returning page_number
