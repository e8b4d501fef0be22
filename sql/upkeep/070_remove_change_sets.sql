-- upkeep/070_remove_change_sets.sql
-- Purpose: a batch of change sets that were done with long ago; which of them may go, the policy of the role says.
-- Input:   cutoff, after (key of the last row of the batch before, as texts; empty: the first batch), row_limit
-- Output:  next_after (null: the end), removed_count
-- Writes:  diff.change_set
with batch as materialized (
  select s.id
  from diff.change_set as s
  where
    s.finished_at < :cutoff
    and s.id > coalesce(cast((cast(:after as text[]))[1] as bigint), 0)
  order by s.id
  limit :row_limit
),

removed as (
  delete from diff.change_set as s
  using batch as b
  where s.id = b.id
  returning s.id
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
