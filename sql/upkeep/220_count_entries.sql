-- upkeep/220_count_entries.sql
-- Purpose: the entries of a month.                      Input: from_at, end_at
-- Output:  entry_count, unsealed_count                  Cost: one pass over its partition
select
  count(*) as entry_count,
  count(*) filter (
    where (l.xid, l.id) > (
      coalesce((select s.through_xid from public.media_sync_log_seal as s order by s.id desc limit 1), cast('0' as xid8)),
      coalesce((select s.through_id from public.media_sync_log_seal as s order by s.id desc limit 1), 0)
    )
  ) as unsealed_count
from public.media_sync_log as l
where l.recorded_at >= :from_at and l.recorded_at < :end_at
