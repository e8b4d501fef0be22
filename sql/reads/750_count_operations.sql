-- reads/750_count_operations.sql
-- Purpose: how many edits are where on their way to Cloudinary.
-- Output:  one row; held and leased ones are among the pending ones
select
  count(*) filter (where o.state in ('pending', 'leased')) as pending_count,
  count(*) filter (
    where o.state = 'pending' and exists (
      select from outbox.push_plan_item as i
      inner join outbox.push_plan as p on i.push_plan_id = p.id
      where
        i.operation_id = o.id and p.state = 'held'
        and i.digest = outbox.operation_digest(o.id, o.kind, o.asset_id, o.base, o.wanted)
    )
  ) as held_count,
  count(*) filter (where o.state = 'leased') as leased_count,
  max(o.leased_until) filter (where o.state = 'leased') as leased_until,
  count(*) filter (where o.state in ('sent', 'unknown')) as unconfirmed_count,
  (select count(*) from outbox.conflict as c where c.state = 'open') as conflict_count,
  min(o.recorded_at) as oldest_at
from outbox.operation as o
where o.state in ('pending', 'leased', 'unknown', 'sent')
