-- push/060_insert_items.sql
-- Purpose: the operations of a plan, each with what it is to do.
-- Input:   push_plan_id, operation_ids                  Writes: outbox.push_plan_item
insert into outbox.push_plan_item (push_plan_id, operation_id, digest)
select :push_plan_id, o.id, outbox.operation_digest(o.id, o.kind, o.asset_id, o.base, o.wanted)
from outbox.operation as o
where o.id = any(cast(:operation_ids as bigint[]))
