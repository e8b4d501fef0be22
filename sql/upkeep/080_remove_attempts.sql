-- upkeep/080_remove_attempts.sql
-- Purpose: a batch of attempts of operations that ended long ago; which of them may go, the policy of the role says.
-- Input:   cutoff, after (key of the last row of the batch before, as texts; empty: the first batch), row_limit
-- Output:  next_after (null: the end), removed_count
-- Writes:  outbox.attempt
with batch as materialized (
  select a.id
  from outbox.attempt as a
  inner join outbox.operation as o on a.operation_id = o.id
  where
    o.finished_at < :cutoff
    and a.id > coalesce(cast((cast(:after as text[]))[1] as bigint), 0)
  order by a.id
  limit :row_limit
),

removed as (
  delete from outbox.attempt as a
  using batch as b
  where a.id = b.id
  returning a.id
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
