-- reads/710_list_plan_items.sql
-- Purpose: the operations of a plan.                    Input: push_plan_id, row_limit
select
  o.id as operation_id, o.kind, i.state, o.state as operation_state, o.asset_id,
  coalesce(m.public_id, o.wanted ->> 'public_id') as public_id, o.base, o.wanted, o.actor,
  o.outcome
from outbox.push_plan_item as i
inner join outbox.operation as o on i.operation_id = o.id
left join public.media_assets as m on o.media_asset_id = m.id
where i.push_plan_id = :push_plan_id
order by o.id
limit :row_limit
