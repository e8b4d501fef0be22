-- listing/110_begin_window.sql
-- Purpose: a new walk through a time.
-- Input:   run_id, kind, low_at, high_at (null for a recent one)        Output: its row
-- Writes:  landing.change_window
insert into landing.change_window (run_id, kind, low_at, high_at)
values (:run_id, :kind, :low_at, :high_at)
returning
  id, low_at, high_at, cursor, page_count, found_count, hinted_count, quarantined_count, missing_count, restart_count
