-- push/180_list_asked_backups.sql
-- Purpose: operations for which Cloudinary's backup was asked; that they wait again shows that it had none.
-- Input:   operation_ids                                Output: operation_id each
select a.operation_id
from outbox.attempt as a
where a.operation_id = any(cast(:operation_ids as bigint[])) and a.result = 'sent'
group by a.operation_id
order by a.operation_id
