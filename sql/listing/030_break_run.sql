-- listing/030_break_run.sql
-- Purpose: a walk that proves nothing; its pages stay.  Writes: landing.listing_run
update landing.listing_run
set state = 'broken', broken_reason = :reason, finished_at = clock_timestamp()
where id = :listing_run_id and state = 'open'
