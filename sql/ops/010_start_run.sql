-- ops/010_start_run.sql
-- Purpose: one row for a run; the same Dagster run gets the same row again.
-- Input:   kind, actor, dagster_run_id (may be null)   Output: id
-- Writes:  ops.run
insert into ops.run (kind, actor, dagster_run_id)
values (:kind, :actor, :dagster_run_id)
on conflict (dagster_run_id) where dagster_run_id is not null do update set actor = excluded.actor
returning id
