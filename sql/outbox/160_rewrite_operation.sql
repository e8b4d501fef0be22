-- outbox/160_rewrite_operation.sql
-- Purpose: what is left of an operation over a newer remote state.
-- Input:   operation_id, base, wanted                   Writes: outbox.operation
update outbox.operation as o
set base = :base, wanted = :wanted
where o.id = :operation_id and o.state = 'pending'
