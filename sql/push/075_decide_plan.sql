-- push/075_decide_plan.sql
-- Purpose: the decision of a person.                    Input: push_plan_id, state, decided_by
-- Writes:  outbox.push_plan
update outbox.push_plan as p
set
  state = :state, decided_by = :decided_by, decided_at = clock_timestamp(),
  finished_at = case when :state = 'rejected' then clock_timestamp() end
where p.id = :push_plan_id and p.state = 'held'
