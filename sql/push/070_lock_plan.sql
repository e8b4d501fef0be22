-- push/070_lock_plan.sql
-- Purpose: a plan that somebody decides.                Input: push_plan_id
select p.id, p.state, p.part, encode(p.digest, 'hex') as digest, p.operation_count
from outbox.push_plan as p
where p.id = :push_plan_id
for update
