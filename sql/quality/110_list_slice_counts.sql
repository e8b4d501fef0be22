-- quality/110_list_slice_counts.sql
-- Purpose: both counts of every slice in one report.
-- Input:   report_id
select c.resource_type || '/' || c.delivery_type as slice, c.cloud_count, c.mirror_count
from quality.slice_count as c
where c.report_id = :report_id
order by c.resource_type, c.delivery_type
