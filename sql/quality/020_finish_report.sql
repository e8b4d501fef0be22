-- quality/020_finish_report.sql
-- Purpose: all results of a report are there.
-- Input:   report_id
-- Writes:  quality.report
update quality.report set finished_at = clock_timestamp() where id = :report_id
