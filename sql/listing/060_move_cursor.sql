-- listing/060_move_cursor.sql
-- Purpose: the checkpoint, in the transaction of its page; the last page completes the walk.
-- Input:   listing_run_id, page_number, cursor, next_cursor, asset_count
-- Output:  next_touch_low, the low end of the window of reads that begin from now on; no row means that another
--          process moved it, or that the walk was at next_cursor already (070_cursor_was_used): stop
-- Writes:  landing.listing_run
update landing.listing_run
set
  cursor = cast(:next_cursor as text),
  page_count = :page_number,
  asset_count = asset_count + :asset_count,
  state = case when cast(:next_cursor as text) is null then 'complete' else 'open' end,
  finished_at = case when cast(:next_cursor as text) is null then clock_timestamp() end
where
  id = :listing_run_id and state = 'open'
  and page_count = :page_number - 1
  and cursor is not distinct from cast(:cursor as text)
  and not exists (
    select from landing.listing_page as p where p.listing_run_id = listing_run.id and p.cursor = cast(:next_cursor as text)
  )
returning nextval('mirror.touch_seq') as next_touch_low
