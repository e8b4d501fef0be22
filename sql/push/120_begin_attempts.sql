-- push/120_begin_attempts.sql
-- Purpose: a trace of each try, before it is made; the item is no longer waiting.
-- Input:   operation_ids, push_plan_ids, lease, run_id  Writes: outbox.attempt, outbox.push_plan_item
with begun as (
  insert into outbox.attempt (operation_id, push_plan_id, lease, run_id)
  select t.operation_id, t.push_plan_id, cast(:lease as uuid), cast(:run_id as bigint)
  from unnest(cast(:operation_ids as bigint[]), cast(:push_plan_ids as bigint[])) as t (operation_id, push_plan_id)
  returning operation_id, push_plan_id
)

update outbox.push_plan_item as i
set state = 'taken'
from begun as b
where i.operation_id = b.operation_id and i.push_plan_id = b.push_plan_id
