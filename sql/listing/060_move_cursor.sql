-- listing/060_move_cursor.sql
-- Purpose: the checkpoint, in the transaction of its page; the last page completes the walk.
-- Input:   listing_run_id, page_number, cursor, next_cursor, asset_count
-- Output:  no row means that another process moved it: stop
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
returning id
