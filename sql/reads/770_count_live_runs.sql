-- reads/770_count_live_runs.sql
-- Purpose: runs of some kinds whose process lives, whoever started it: it holds the lock 'run <id>'.
-- Input:   kinds                                        Output: run_count
-- Why:     a row is there a moment before its lock is, hence the minute; a lock on one 64-bit key shows in pg_locks as
--          two halves and objsubid 1.
select count(*) as run_count
from ops.run as r
where
  r.state = 'running' and r.kind = any(cast(:kinds as text[]))
  and (
    r.started_at > clock_timestamp() - interval '1 minute'
    or exists (
      select from pg_catalog.pg_locks as l
      where
        l.locktype = 'advisory' and l.objsubid = 1 and l.granted
        and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = current_database())
        and ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended('media_pipeline run ' || r.id::text, 0)
    )
  )
