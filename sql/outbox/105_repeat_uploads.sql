-- outbox/105_repeat_uploads.sql
-- Purpose: uploads that no read by id can settle. One whose answer was lost is made again, since nothing is overwritten
--          and a repeat answers that it exists; one whose asset was gone when it was read comes to its end.
-- Input:   attempts (after so many it ends)             Output: operation_id, state, outcome each
-- Writes:  outbox.operation
update outbox.operation as o
set
  state = e.state, outcome = e.outcome,
  finished_at = case when e.state = 'refused' then clock_timestamp() end
from outbox.operation as p
cross join lateral (
  select
    case when p.state = 'unknown' and p.attempt_count < :attempts then 'pending' else 'refused' end as state,
    case when p.state = 'unknown' then p.outcome else 'the asset was gone when it was read' end as outcome
) as e
where
  o.id = p.id and p.kind = 'upload'
  and (
    (p.state = 'unknown' and p.asset_id is null)
    or (
      p.state = 'sent'
      and not exists (select from mirror.verify_queue as q where q.asset_id = p.asset_id)
      and not exists (select from mirror.remote_asset as r where r.asset_id = p.asset_id)
    )
  )
returning o.id as operation_id, o.asset_id, o.state, o.outcome
