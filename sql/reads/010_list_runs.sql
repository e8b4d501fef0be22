-- reads/010_list_runs.sql
-- Purpose: the last runs, newest first.
-- Input:   row_limit                                    Cost: index ops.run_started_at_idx
select r.id, r.kind, r.state, r.actor, r.dagster_run_id, r.started_at, r.finished_at, r.error
from ops.run as r
order by r.started_at desc, r.id desc
limit :row_limit
