-- outbox/175_merge_into_pending.sql
-- Purpose: an operation that had no effect waits again, within the later one of its kind where there is one.
-- Input:   operation_id, base, wanted                   Output: one row if there is a later one
-- Writes:  outbox.operation
update outbox.operation as o
set base = o.base || cast(:base as jsonb), wanted = cast(:wanted as jsonb) || o.wanted
from outbox.operation as p
where p.id = :operation_id and o.asset_id = p.asset_id and o.kind = p.kind and o.id > p.id and o.state = 'pending'
returning o.id
