-- upkeep/100_remove_push_plans.sql
-- Purpose: a batch of push plans that ended long ago; which of them may go, the policy of the role says.
-- Input:   cutoff, after (key of the last row of the batch before, as texts; empty: the first batch), row_limit
-- Output:  next_after (null: the end), removed_count
-- Writes:  outbox.push_plan
with batch as materialized (
  select p.id
  from outbox.push_plan as p
  where
    p.finished_at < :cutoff
    and p.id > coalesce(cast((cast(:after as text[]))[1] as bigint), 0)
  order by p.id
  limit :row_limit
),

removed as (
  delete from outbox.push_plan as p
  using batch as b
  where p.id = b.id
  returning p.id
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
