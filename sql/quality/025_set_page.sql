-- quality/025_set_page.sql
-- Purpose: where the page of a report lies.
-- Input:   report_id, page (below the directory of reports)
-- Writes:  quality.report
update quality.report set page = :page where id = :report_id
