-- upkeep/090_remove_push_plan_items.sql
-- Purpose: a batch of operations of plans that ended long ago; which of them may go, the policy of the role says.
-- Input:   cutoff, after (key of the last row of the batch before, as texts; empty: the first batch), row_limit
-- Output:  next_after (null: the end), removed_count
-- Writes:  outbox.push_plan_item
with batch as materialized (
  select i.push_plan_id, i.operation_id
  from outbox.push_plan_item as i
  inner join outbox.push_plan as p on i.push_plan_id = p.id
  inner join outbox.operation as o on i.operation_id = o.id
  where
    p.finished_at < :cutoff and o.finished_at < :cutoff
    and (i.push_plan_id, i.operation_id) > (
      coalesce(cast((cast(:after as text[]))[1] as bigint), 0),
      coalesce(cast((cast(:after as text[]))[2] as bigint), 0)
    )
  order by i.push_plan_id, i.operation_id
  limit :row_limit
),

removed as (
  delete from outbox.push_plan_item as i
  using batch as b
  where i.push_plan_id = b.push_plan_id and i.operation_id = b.operation_id
  returning i.push_plan_id
),

last as (
  select array[cast(b.push_plan_id as text), cast(b.operation_id as text)] as next_after
  from batch as b
  order by b.push_plan_id desc, b.operation_id desc
  limit 1
)

select
  (select l.next_after from last as l) as next_after,
  (select count(*) from removed) as removed_count
