-- audit/160_find_added_entries.sql
-- Purpose: entries in a place of which everything was archived: they were put there afterwards.
-- Input:   settled_seal_id, row_limit
-- Output:  one row an entry; total_count repeats on every row
select l.id, cast(l.xid as text) as xid, l.recorded_at, l.action, l.asset_id, l.media_asset_id, count(*) over () as total_count
from public.media_sync_log as l
where
  (l.xid, l.id) <= (
    (select s.through_xid from public.media_sync_log_seal as s where s.id = :settled_seal_id),
    (select s.through_id from public.media_sync_log_seal as s where s.id = :settled_seal_id)
  )
order by l.xid, l.id
limit :row_limit
