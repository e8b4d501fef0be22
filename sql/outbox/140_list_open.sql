-- outbox/140_list_open.sql
-- Purpose: the open operations of some assets, in the order in which they were recorded.
-- Input:   asset_ids                                    Output: one row an operation
-- Locks:   outbox.operation
select o.id, o.asset_id, o.kind, k.field, o.state, o.base, o.wanted, o.attempt_count
from outbox.operation as o
inner join outbox.operation_kind as k on o.kind = k.kind
where o.asset_id = any(cast(:asset_ids as text[])) and o.state in ('pending', 'leased', 'unknown', 'sent')
order by o.asset_id, o.id
for update of o
