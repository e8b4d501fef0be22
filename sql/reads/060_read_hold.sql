-- reads/060_read_hold.sql
-- Purpose: one hold.
-- Input:   hold_id                                      Output: one row or none
select
  h.id, h.kind, h.resource_type, h.delivery_type, h.state, h.reason, h.asset_count, h.total_count,
  encode(h.ids_digest, 'hex') as ids_digest, h.opened_at, h.decided_at, h.decided_by, h.settled_at
from ops.hold as h
where h.id = :hold_id
