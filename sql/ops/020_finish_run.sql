-- ops/020_finish_run.sql
-- Purpose: end a run that is still running.
-- Input:   run_id, state, counts (JSON text), error     Output: nothing
-- Writes:  ops.run
update ops.run
set state = :state, counts = counts || cast(:counts as jsonb), error = :error, finished_at = clock_timestamp()
where id = :run_id and state = 'running'
