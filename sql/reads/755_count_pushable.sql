-- reads/755_count_pushable.sql
-- Purpose: whether a push has something to do now: operations that wait for no other one of their asset, past their pause
--          and the time to undo them, in no held plan; and claims whose pusher died.
-- Input:   undo_seconds                                 Output: operation_count
-- Why:     what push/110_lease would not take must not ask for a push again and again.
select count(*) as operation_count
from outbox.operation as o
where
  (o.state = 'leased' and o.leased_until < clock_timestamp())
  or (
    o.state = 'pending' and o.not_before <= clock_timestamp()
    and (o.kind <> 'delete' or o.edited_at <= clock_timestamp() - make_interval(secs => :undo_seconds))
    and not exists (
      select from outbox.operation as e
      where
        e.asset_id = o.asset_id and e.id < o.id
        and (
          e.state in ('leased', 'unknown')
          or (
            e.state = 'pending'
            and (e.kind = 'rename', e.kind in ('upload', 'replace')) = (o.kind = 'rename', o.kind in ('upload', 'replace'))
          )
          or (e.state = 'pending' and ('delete' in (e.kind, o.kind) or 'restore' in (e.kind, o.kind)))
          or (e.state = 'sent' and e.kind in (o.kind, 'restore'))
        )
    )
    and not exists (
      select from outbox.push_plan_item as i
      inner join outbox.push_plan as p on i.push_plan_id = p.id
      where
        i.operation_id = o.id and p.state = 'held'
        and i.digest = outbox.operation_digest(o.id, o.kind, o.asset_id, o.base, o.wanted)
    )
  )
