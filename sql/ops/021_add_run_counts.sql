-- ops/021_add_run_counts.sql
-- Purpose: keep what a step counted, while the run goes on.
-- Input:   run_id, counts (JSON text)                   Output: nothing
-- Writes:  ops.run
update ops.run set counts = counts || cast(:counts as jsonb) where id = :run_id
