-- reads/700_list_plans.sql
-- Purpose: push plans, newest first.                    Input: push_plan_id (null for any), only_held
select
  p.id, p.part, p.state, encode(p.digest, 'hex') as digest, p.operation_count, p.admin_call_count, p.upload_call_count,
  p.estimated_seconds, p.reason, p.planned_at, p.decided_at, p.decided_by, p.finished_at
from outbox.push_plan as p
where p.id = coalesce(cast(:push_plan_id as bigint), p.id) and (p.state = 'held' or not :only_held)
order by p.id desc
limit 100
