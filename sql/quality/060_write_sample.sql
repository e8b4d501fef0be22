-- quality/060_write_sample.sql
-- Purpose: keep how the sampled assets compare.
-- Input:   report_id, assets (a JSON list of objects)
-- Writes:  quality.sampled_asset
insert into quality.sampled_asset (
  report_id, asset_id, public_id, is_shown, is_current, field_count, differing_fields, in_cloud, in_mirror
)
select
  :report_id, a.asset_id, a.public_id, a.is_shown, a.is_current, a.field_count, a.differing_fields, a.in_cloud, a.in_mirror
from jsonb_to_recordset(cast(:assets as jsonb)) as a (
  asset_id text, public_id text, is_shown boolean, is_current boolean, field_count integer, differing_fields text[],
  in_cloud jsonb, in_mirror jsonb
)
