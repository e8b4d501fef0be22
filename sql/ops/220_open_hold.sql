-- ops/220_open_hold.sql
-- Purpose: a new hold.                                  Output: id
-- Writes:  ops.hold
insert into ops.hold (
  kind, resource_type, delivery_type, reason, asset_count, total_count, ids_digest, run_id, listing_run_id
)
values (
  :kind, :resource_type, :delivery_type, :reason, :asset_count, :total_count, :ids_digest, :run_id, :listing_run_id
)
returning id
