-- listing/100_find_open_window.sql
-- Purpose: a walk through a time that was interrupted and may go on at its cursor.
-- Input:   kind, low_at and high_at (of a recent one both null: it knows its own)
-- Output:  at most one row
select
  w.id, w.low_at, w.high_at, w.cursor, w.page_count, w.found_count, w.hinted_count, w.quarantined_count, w.missing_count,
  w.restart_count,
  w.started_at > clock_timestamp() - interval '24 hours' as is_fresh
from landing.change_window as w
where
  w.state = 'open' and w.kind = :kind
  and (
    w.kind = 'recent'
    or (w.low_at = cast(:low_at as timestamptz) and w.high_at = cast(:high_at as timestamptz))
  )
