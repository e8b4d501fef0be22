-- push/130_extend_lease.sql
-- Purpose: the claim before a call; what another pusher holds by now is not ours to call for.
-- Input:   operation_ids, lease, lease_seconds          Output: id of each that still is ours
-- Writes:  outbox.operation
update outbox.operation as o
set leased_until = clock_timestamp() + make_interval(secs => :lease_seconds)
where
  o.id = any(cast(:operation_ids as bigint[])) and o.state = 'leased' and o.lease = cast(:lease as uuid)
  and o.leased_until > clock_timestamp()
returning o.id
