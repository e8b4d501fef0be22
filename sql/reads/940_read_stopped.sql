-- reads/940_read_stopped.sql
-- Purpose: what waits for a person, and edits that were tried often and are not done.
-- Input:   attempt_count                                Output: one row; oldest_at is null where nothing waits
select
  h.hold_count,
  p.held_plan_count,
  least(h.oldest_at, p.oldest_at) as oldest_at,
  (
    select count(*) from outbox.operation as o
    where o.state in ('pending', 'unknown') and o.attempt_count >= :attempt_count
  ) as stuck_operation_count
from (select count(*) as hold_count, min(h.opened_at) as oldest_at from ops.hold as h where h.state = 'open') as h
cross join (
  select count(*) as held_plan_count, min(p.planned_at) as oldest_at from outbox.push_plan as p where p.state = 'held'
) as p
