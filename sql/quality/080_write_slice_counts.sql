-- quality/080_write_slice_counts.sql
-- Purpose: keep both counts of every slice.
-- Input:   report_id, resource_types, delivery_types, cloud_counts, mirror_counts (lists of one length)
-- Writes:  quality.slice_count
insert into quality.slice_count (report_id, resource_type, delivery_type, cloud_count, mirror_count)
select :report_id, u.resource_type, u.delivery_type, u.cloud_count, u.mirror_count
from unnest(
  cast(:resource_types as text[]), cast(:delivery_types as text[]), cast(:cloud_counts as bigint[]),
  cast(:mirror_counts as bigint[])
) as u (resource_type, delivery_type, cloud_count, mirror_count)
