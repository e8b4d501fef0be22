-- mirror/035_end_approvals.sql
-- Purpose: an asset that was seen again is no longer what a person approved.
-- Input:   temp table page_won                          Writes: mirror.verify_queue
update mirror.verify_queue as q
set hold_id = null
from page_won as w
where q.asset_id = w.asset_id and q.hold_id is not null
