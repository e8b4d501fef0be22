-- push/140_record_result.sql
-- Purpose: what came of an attempt; void without the lease under which it was made.
-- Input:   operation_id, lease, state, outcome, pause_seconds, counts (whether it counts as an attempt)
-- Output:  asset_id, if the lease was valid             Writes: outbox.operation
update outbox.operation as o
set
  state = :state, outcome = :outcome, lease = null, leased_until = null,
  not_before = case
    when :state = 'pending' then clock_timestamp() + make_interval(secs => :pause_seconds) else o.not_before
  end,
  attempt_count = o.attempt_count - case when :counts then 0 else 1 end,
  finished_at = case when :state in ('refused', 'conflict') then clock_timestamp() end
where o.id = :operation_id and o.state = 'leased' and o.lease = cast(:lease as uuid)
returning o.asset_id
