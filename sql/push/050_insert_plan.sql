-- push/050_insert_plan.sql
-- Purpose: a plan, held, or approved by the guard or by whom approved its operations before.
-- Output:  its id
-- Writes:  outbox.push_plan
insert into outbox.push_plan (
  part, state, digest, operation_count, admin_call_count, upload_call_count, estimated_seconds, reason, run_id,
  decided_at, decided_by
)
values (
  :part, :state, :digest, :operation_count, :admin_call_count, :upload_call_count, :estimated_seconds, :reason,
  cast(:run_id as bigint),
  case when cast(:decided_by as text) is not null then clock_timestamp() end, :decided_by
)
returning id
