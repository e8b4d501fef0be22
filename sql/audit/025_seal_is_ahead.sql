-- audit/025_seal_is_ahead.sql
-- Purpose: whether the last seal covers transactions that this server has not reached: the database was restored
--          into another one.
-- Output:  is_ahead
select coalesce((
  select s.through_xid >= pg_snapshot_xmin(pg_current_snapshot())
  from public.media_sync_log_seal as s
  order by s.id desc
  limit 1
), false) as is_ahead
