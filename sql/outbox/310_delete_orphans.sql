-- outbox/310_delete_orphans.sql
-- Purpose: assets that still nothing wants are deleted, as an edit of a person: recorded, planned and guarded.
-- Input:   asset_ids, unused_days
-- Output:  asset_id of each row that changed            Writes: public.media_assets
update public.media_assets as m
set deleted_at = now()
from outbox.orphan_asset as v
where
  v.asset_id = m.asset_id and v.last_wanted_at <= clock_timestamp() - make_interval(days => :unused_days)
  and m.asset_id = any(cast(:asset_ids as text[]))
returning m.asset_id
