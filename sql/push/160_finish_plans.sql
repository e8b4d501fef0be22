-- push/160_finish_plans.sql
-- Purpose: approved plans of which nothing waits any more.      Writes: outbox.push_plan
update outbox.push_plan as p
set state = 'applied', finished_at = clock_timestamp()
where
  p.state = 'approved'
  and not exists (select from outbox.push_plan_item as i where i.push_plan_id = p.id and i.state = 'planned')
