-- outbox/170_end_operation.sql
-- Purpose: an operation comes to an end, or back to pending after it had no effect.
-- Input:   operation_id, state, outcome                 Writes: outbox.operation
update outbox.operation as o
set
  state = :state, outcome = :outcome, lease = null, leased_until = null,
  finished_at = case when :state in ('done', 'refused', 'conflict', 'cancelled') then clock_timestamp() end
where o.id = :operation_id
