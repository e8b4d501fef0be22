-- push/150_end_attempt.sql
-- Purpose: the end of a try.                            Input: operation_id, lease, result, request_id, detail
-- Writes:  outbox.attempt
update outbox.attempt
set finished_at = clock_timestamp(), result = :result, request_id = :request_id, detail = :detail
where operation_id = :operation_id and lease = cast(:lease as uuid) and finished_at is null
