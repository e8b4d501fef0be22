-- reads/945_list_newest_runs.sql
-- Purpose: of every kind of run, the newest one in each state.
-- Output:  api_call_count, failure (the class of what it raised) and finished_at are null where a run has none
-- Cost:    reads ops.run whole; runs are removed after the retention
select distinct on (r.kind, r.state)
  r.kind, r.state, r.started_at, r.finished_at,
  (r.counts -> 'total' ->> 'api_calls')::bigint as api_call_count,
  r.counts -> 'total' ->> 'failure' as failure
from ops.run as r
order by r.kind asc, r.state asc, r.started_at desc, r.id desc
