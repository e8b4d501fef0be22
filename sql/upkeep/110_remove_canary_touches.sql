-- upkeep/110_remove_canary_touches.sql
-- Purpose: a batch of touches of the canary from long ago; which of them may go, the policy of the role says.
-- Input:   cutoff, after (key of the last row of the batch before, as texts; empty: the first batch), row_limit
-- Output:  next_after (null: the end), removed_count
-- Writes:  ops.canary_touch
with batch as materialized (
  select t.id
  from ops.canary_touch as t
  where
    t.touched_at < :cutoff
    and t.id > coalesce(cast((cast(:after as text[]))[1] as bigint), 0)
  order by t.id
  limit :row_limit
),

removed as (
  delete from ops.canary_touch as t
  using batch as b
  where t.id = b.id
  returning t.id
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
