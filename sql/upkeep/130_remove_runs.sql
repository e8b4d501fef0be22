-- upkeep/130_remove_runs.sql
-- Purpose: a batch of runs of the pipeline that ended long ago; which of them may go, the policy of the role says.
-- Input:   cutoff, after (key of the last row of the batch before, as texts; empty: the first batch), row_limit
-- Output:  next_after (null: the end), removed_count
-- Writes:  ops.run
-- Why:     no run goes before its months of the log, so the many that are younger need not be looked at every night
with batch as materialized (
  select r.id
  from ops.run as r
  where
    r.finished_at < least(:cutoff, (select max(m.end_at) from audit.archived_month as m))
    and r.id > coalesce(cast((cast(:after as text[]))[1] as bigint), 0)
  order by r.id
  limit :row_limit
),

removed as (
  delete from ops.run as r
  using batch as b
  where r.id = b.id
  returning r.id
),

last as (
  select array[cast(b.id as text)] as next_after
  from batch as b
  order by b.id desc
  limit 1
)

select
  (select l.next_after from last as l) as next_after,
  (select count(*) from removed) as removed_count
