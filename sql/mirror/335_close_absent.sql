-- mirror/335_close_absent.sql
-- Purpose: entries of assets that are proved deleted now; an absence that was overtaken settles nothing.
-- Input:   asset_ids, touch_low                         Writes: mirror.verify_queue
delete from mirror.verify_queue as q
where
  q.asset_id = any(cast(:asset_ids as text[])) and q.hint_touch < :touch_low
  and not exists (select from mirror.asset_sighting as s where s.asset_id = q.asset_id and s.state <> 'tombstone')
