-- listing/140_break_window.sql
-- Purpose: a walk that comes to no end; the next one begins anew.       Writes: landing.change_window
update landing.change_window
set state = 'broken', broken_reason = :reason, finished_at = clock_timestamp()
where id = :change_window_id and state = 'open'
