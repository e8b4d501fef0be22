-- listing/130_restart_window.sql
-- Purpose: from the first page again, after the cursor was rejected; hints that were given stay.
-- Output:  its row                                      Writes: landing.change_window
update landing.change_window
set cursor = null, found_count = 0, restart_count = restart_count + 1
where id = :change_window_id and state = 'open'
returning
  id, low_at, high_at, cursor, page_count, found_count, hinted_count, quarantined_count, missing_count, restart_count
