-- reads/725_list_settled_conflicts.sql
-- Purpose: conflicts that a policy or a person settled lately, the newest first.
-- Input:   days                                         Output: as reads/720, without its count
select
  c.id, c.asset_id, m.public_id, m.resource_type, m.delivery_type, c.field, c.key, c.base, c.local, c.remote, c.state,
  c.opened_at, c.resolved_at, c.resolved_by, o.id as operation_id, o.kind as operation_kind, o.actor, o.reason
from outbox.conflict as c
inner join outbox.operation as o on c.operation_id = o.id
inner join public.media_assets as m on c.asset_id = m.asset_id
where c.state <> 'open' and c.resolved_at > clock_timestamp() - make_interval(days => :days)
order by c.resolved_at desc, c.id desc
