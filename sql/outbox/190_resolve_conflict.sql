-- outbox/190_resolve_conflict.sql
-- Purpose: somebody decided, or both sides became equal.
-- Input:   conflict_id, state, resolved_by              Output: the conflict, if it was open
-- Writes:  outbox.conflict
update outbox.conflict as c
set state = :state, resolved_by = :resolved_by, resolved_at = clock_timestamp()
where c.id = :conflict_id and c.state = 'open'
returning c.id, c.asset_id, c.operation_id, c.field, c.key, c.base, c.local, c.remote
