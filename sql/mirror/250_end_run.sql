-- mirror/250_end_run.sql
-- Purpose: what a complete walk led to.                 Writes: landing.listing_run
update landing.listing_run
set state = :state, suspect_count = :suspect_count
where id = :listing_run_id and state in ('complete', 'held')
