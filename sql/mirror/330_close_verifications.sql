-- mirror/330_close_verifications.sql
-- Purpose: entries that this read settled; one hinted at since the read began stays.
-- Input:   asset_ids, touch_low                         Output: asset_id each
-- Writes:  mirror.verify_queue
delete from mirror.verify_queue
where asset_id = any(cast(:asset_ids as text[])) and hint_touch < :touch_low
returning asset_id
