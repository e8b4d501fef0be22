-- reads/560_find_runs.sql
-- Purpose: our side of Dagster runs.
-- Input:   dagster_run_ids                              Output: one row each, for those that are known
select r.id, r.dagster_run_id, r.state, r.counts, r.error, r.started_at, r.finished_at
from ops.run as r
where r.dagster_run_id = any(cast(:dagster_run_ids as text[]))
order by r.id
