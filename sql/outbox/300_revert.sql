-- outbox/300_revert.sql
-- Purpose: rows get back the values that they had at a time, as an edit of a person: recorded, planned and guarded.
-- Input:   at, asset_ids
-- Output:  asset_id of each row that changed            Writes: public.media_assets
update public.media_assets as m
set
  public_id = w.public_id,
  tags = w.tags,
  context = w.context,
  metadata = w.metadata,
  display_name = w.display_name,
  asset_folder = w.asset_folder,
  access_control = w.access_control,
  deleted_at = w.deleted_at
from public.media_assets_at(:at) as w
where
  m.id = w.id and m.asset_id = any(cast(:asset_ids as text[]))
returning m.asset_id
