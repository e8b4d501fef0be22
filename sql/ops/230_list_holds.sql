-- ops/230_list_holds.sql
-- Purpose: holds, newest first; all of them or the open ones.
-- Input:   only_open
select
  id, kind, resource_type, delivery_type, state, reason, asset_count, total_count, encode(ids_digest, 'hex') as ids_digest,
  opened_at, decided_at, decided_by, settled_at
from ops.hold
where not :only_open or state = 'open'
order by id desc
limit 500
