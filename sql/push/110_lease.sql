-- push/110_lease.sql
-- Purpose: claim approved operations, at most one of an asset; committed before any call is made. Those of an asset keep
--          their order, except that edits of different fields may overtake each other: they touch nothing in common.
-- Input:   kinds, lease, lease_seconds, row_limit       Output: one row an operation
-- Writes:  outbox.operation     Locks: its rows, skipping those of other pushers
with due as (
  select o.id, p.id as push_plan_id
  from outbox.operation as o
  inner join outbox.push_plan_item as i on o.id = i.operation_id and i.state = 'planned'
  inner join outbox.push_plan as p on i.push_plan_id = p.id and p.state = 'approved'
  where
    o.state = 'pending' and o.kind = any(cast(:kinds as text[])) and o.not_before <= clock_timestamp()
    and i.digest = outbox.operation_digest(o.id, o.kind, o.asset_id, o.base, o.wanted)
    and not exists (
      select from outbox.operation as e
      where
        e.asset_id = o.asset_id and e.id < o.id
        and (
          e.state in ('leased', 'unknown')
          or (e.state = 'pending' and (e.kind = any(cast(:kinds as text[])) or 'delete' in (e.kind, o.kind)))
          or (e.state = 'pending' and 'restore' in (e.kind, o.kind))
          or (e.state = 'sent' and e.kind in (o.kind, 'restore'))
        )
    )
  order by o.id
  limit :row_limit
  for update of o skip locked
),

taken as (
  update outbox.operation as o
  set
    state = 'leased', lease = cast(:lease as uuid), attempt_count = o.attempt_count + 1,
    leased_until = clock_timestamp() + make_interval(secs => :lease_seconds)
  from due
  where o.id = due.id
  returning o.id, o.kind, o.asset_id, o.base, o.wanted, o.attempt_count, due.push_plan_id
)

select t.id, t.kind, k.field, t.asset_id, t.base, t.wanted, t.attempt_count, t.push_plan_id
from taken as t
inner join outbox.operation_kind as k on t.kind = k.kind
order by t.id
