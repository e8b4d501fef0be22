-- ops/260_settle_hold.sql
-- Purpose: the approved assets were handed on.          Writes: ops.hold
update ops.hold set settled_at = clock_timestamp() where id = :hold_id and settled_at is null
