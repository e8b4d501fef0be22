-- mirror/300_claim_verifications.sql
-- Purpose: entries to read now; a reader that dies leaves them due again after the lease.
-- Input:   row_limit, lease_seconds
-- Output:  needs_approval: to call it deleted is news, and no deletion of ours was accepted by Cloudinary
-- Writes:  mirror.verify_queue     Locks: its rows, skipping those of other readers
update mirror.verify_queue as q
set not_before = clock_timestamp() + make_interval(secs => :lease_seconds), attempt_count = q.attempt_count + 1
from (
  select d.asset_id
  from mirror.verify_queue as d
  where d.not_before <= clock_timestamp()
  order by d.not_before, d.asset_id
  limit :row_limit
  for update skip locked
) as due
where q.asset_id = due.asset_id
returning
  q.asset_id, q.hold_id,
  exists (select from mirror.asset_sighting as s where s.asset_id = q.asset_id and s.state <> 'tombstone')
  and exists (select from mirror.remote_asset as r where r.asset_id = q.asset_id)
  and not exists (
    select from outbox.operation as o where o.asset_id = q.asset_id and o.kind = 'delete' and o.state = 'sent'
  ) as needs_approval
