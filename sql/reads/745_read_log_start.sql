-- reads/745_read_log_start.sql
-- Purpose: how far back the log reaches: what lies before is archived.          Output: start_at (null: to its beginning)
select max(m.end_at) as start_at from audit.archived_month as m
