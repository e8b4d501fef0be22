-- reads/822_list_without_asset.sql
-- Purpose: live rows without an asset that was ever proved live; counted by reads/810.
-- Cost:    hash anti-joins of keys
select m.asset_id, m.resource_type, m.delivery_type, m.public_id, m.size_bytes, m.mirrored_at
from public.media_assets as m
where
  m.deleted_at is null
  and not exists (
    select from mirror.asset_sighting as s where s.asset_id = m.asset_id and s.state <> 'tombstone'
  )
  and not exists (select from outbox.overlaid_asset as v where v.asset_id = m.asset_id)
order by m.resource_type, m.delivery_type, m.asset_id
