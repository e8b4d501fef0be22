-- upkeep/125_remove_quality_reports.sql
-- Purpose: a batch of quality reports from long ago, each with its results; which of them may go, the policy of the
--          role says.
-- Input:   cutoff, after (key of the last row of the batch before, as texts; empty: the first batch), row_limit
-- Output:  next_after (null: the end), removed_count
-- Writes:  quality.report
with batch as materialized (
  select q.id
  from quality.report as q
  where
    q.started_at < :cutoff
    and q.id > coalesce(cast((cast(:after as text[]))[1] as bigint), 0)
  order by q.id
  limit :row_limit
),

removed as (
  delete from quality.report as q
  using batch as b
  where q.id = b.id
  returning q.id
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
