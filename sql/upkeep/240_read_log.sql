-- upkeep/240_read_log.sql
-- Purpose: what a person should know of the log: old entries without a seal, and those of months without a partition.
-- Output:  unsealed_count (older than a day), other_count
-- Cost:    reads what is not sealed, and the partition for others
select
  (
    select count(*) from public.media_sync_log as l
    where
      l.recorded_at < now() - interval '1 day'
      and (l.xid, l.id) > (
        coalesce((select s.through_xid from public.media_sync_log_seal as s order by s.id desc limit 1), cast('0' as xid8)),
        coalesce((select s.through_id from public.media_sync_log_seal as s order by s.id desc limit 1), 0)
      )
  ) as unsealed_count,
  (select count(*) from audit.media_sync_log_other) as other_count
