-- diff/080_approve_deleted.sql
-- Purpose: a person approved these deletions: they pass, as long as the assets stay proved deleted.
-- Input:   hold_id                                      Writes: mirror.asset_sighting
update mirror.asset_sighting as s
set approved_hold_id = i.hold_id
from ops.hold_item as i
where i.hold_id = :hold_id and s.asset_id = i.asset_id and s.state = 'tombstone'
