-- push/170_list_later_edits.sql
-- Purpose: what a deletion may ignore when it compares with its base: fields that our own operations changed since.
-- Input:   operation_ids (deletions)                    Output: operation_id, fields
select d.id as operation_id, array_agg(distinct k.field) as fields
from outbox.operation as d
inner join outbox.operation as e on d.asset_id = e.asset_id and e.kind <> 'delete' and e.state in ('sent', 'done')
inner join outbox.operation_kind as k on e.kind = k.kind and k.field is not null
where d.id = any(cast(:operation_ids as bigint[])) and coalesce(e.finished_at, 'infinity') >= d.recorded_at
group by d.id
