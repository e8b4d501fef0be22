-- mirror/280_clear_rejected_suspects.sql
-- Purpose: a person says that these are not deleted: they are live again for us, until a listing misses them anew.
-- Input:   hold_id                                      Writes: mirror.asset_sighting
update mirror.asset_sighting as s
set state = 'live'
from ops.hold_item as i
where i.hold_id = :hold_id and s.asset_id = i.asset_id and s.state = 'suspect'
