-- outbox/130_lock_assets.sql
-- Purpose: assets to be merged, locked before their operations, as an edit locks them.
-- Input:   asset_ids                                    Output: one row an asset that is in the mirror and here
-- Locks:   public.media_assets
select
  m.asset_id, m.deleted_at is not null as is_deleted, s.state as sighting_state,
  q.asset_id is not null as is_queued,
  to_jsonb(r) - array['document', 'document_digest', 'fingerprint', 'observed_at'] as remote
from public.media_assets as m
inner join mirror.remote_asset as r on m.asset_id = r.asset_id
inner join mirror.asset_sighting as s on m.asset_id = s.asset_id
left join mirror.verify_queue as q on m.asset_id = q.asset_id
where m.asset_id = any(cast(:asset_ids as text[]))
order by m.asset_id
for update of m
