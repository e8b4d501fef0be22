-- push/150_end_attempts.sql
-- Purpose: the end of some tries.                       Input: operation_ids, lease, result, request_id, detail
-- Writes:  outbox.attempt
update outbox.attempt
set finished_at = clock_timestamp(), result = :result, request_id = :request_id, detail = :detail
where operation_id = any(cast(:operation_ids as bigint[])) and lease = cast(:lease as uuid) and finished_at is null
