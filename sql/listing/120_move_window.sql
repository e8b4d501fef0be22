-- listing/120_move_window.sql
-- Purpose: the checkpoint, in the transaction of the page's hints.
-- Input:   change_window_id, page_number, next_cursor, is_last, answered_at (may be null), counts of the page;
--          missing_count is 0 before the last page
-- Output:  its row; none means that another process moved it: stop     Writes: landing.change_window
update landing.change_window
set
  cursor = cast(:next_cursor as text),
  high_at = coalesce(high_at, greatest(low_at, :answered_at)),
  page_count = :page_number,
  found_count = found_count + :found_count,
  hinted_count = hinted_count + :hinted_count,
  quarantined_count = quarantined_count + :quarantined_count,
  missing_count = :missing_count,
  state = case when :is_last then 'complete' else 'open' end,
  finished_at = case when :is_last then clock_timestamp() end
where id = :change_window_id and state = 'open' and page_count = :page_number - 1
returning
  id, low_at, high_at, cursor, page_count, found_count, hinted_count, quarantined_count, missing_count, restart_count
