-- ops/250_decide_hold.sql
-- Purpose: a person's decision.                         Writes: ops.hold
update ops.hold
set state = :state, decided_at = clock_timestamp(), decided_by = :decided_by
where id = :hold_id and state = 'open'
