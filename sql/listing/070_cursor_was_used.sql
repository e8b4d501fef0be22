-- listing/070_cursor_was_used.sql
-- Purpose: whether a walk was already at this cursor, which would make it run in a circle.
select exists(
  select from landing.listing_page where listing_run_id = :listing_run_id and cursor = :next_cursor
) as was_used
