-- push/080_list_rejected.sql
-- Purpose: operations of a rejected plan that still are what was rejected.     Input: push_plan_id
-- Output:  operation_id, asset_id each
select o.id as operation_id, o.asset_id
from outbox.push_plan_item as i
inner join outbox.operation as o on i.operation_id = o.id
where
  i.push_plan_id = :push_plan_id and o.state = 'pending'
  and i.digest = outbox.operation_digest(o.id, o.kind, o.asset_id, o.base, o.wanted)
order by o.asset_id, o.id
for update of o
