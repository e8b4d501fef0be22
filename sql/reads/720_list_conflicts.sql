-- reads/720_list_conflicts.sql
-- Purpose: fields that changed on both sides, with the three values and the edit that met it.
-- Input:   conflict_id (null for all open ones), row_limit (null for all)
-- Output:  one row a conflict, the oldest first; total_count repeats on every row
select
  c.id, c.asset_id, m.public_id, m.resource_type, m.delivery_type, c.field, c.key, c.base, c.local, c.remote, c.state,
  c.opened_at, c.resolved_at, c.resolved_by, o.id as operation_id, o.kind as operation_kind, o.actor, o.reason,
  count(*) over () as total_count
from outbox.conflict as c
inner join outbox.operation as o on c.operation_id = o.id
inner join public.media_assets as m on c.asset_id = m.asset_id
where case when cast(:conflict_id as bigint) is null then c.state = 'open' else c.id = cast(:conflict_id as bigint) end
order by c.id
limit cast(:row_limit as bigint)
