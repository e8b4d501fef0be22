-- quality/090_write_log_problems.sql
-- Purpose: keep what is wrong with the audit log.
-- Input:   report_id, kinds, details (lists of one length)
-- Writes:  quality.log_problem
insert into quality.log_problem (report_id, position, kind, detail)
select :report_id, u.position, u.kind, u.detail
from unnest(cast(:kinds as text[]), cast(:details as text[])) with ordinality as u (kind, detail, position)
