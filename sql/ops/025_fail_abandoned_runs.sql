-- ops/025_fail_abandoned_runs.sql
-- Purpose: end the runs whose process is gone: a living one holds the lock 'run <id>' on a connection of its own.
-- Input:   error                                        Output: the ids
-- Why:     a row is there a moment before its lock is, hence the minute.
-- Writes:  ops.run        Locks: takes each free run lock until the end of the transaction
update ops.run
set state = 'failed', error = :error, finished_at = clock_timestamp()
where
  state = 'running' and started_at < clock_timestamp() - interval '1 minute'
  and pg_try_advisory_xact_lock(hashtextextended('media_pipeline run ' || id::text, 0))
returning id
