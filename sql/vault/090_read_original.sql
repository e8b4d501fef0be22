-- vault/090_read_original.sql
-- Purpose: what is needed to ask for the bytes of a live asset.      Input: asset_id      Output: one row, none if not live
select
  r.asset_id, r.resource_type, r.delivery_type, r.public_id, r.format, r.version, coalesce(r.size_bytes, 0) as size_bytes,
  r.secure_url
from mirror.remote_asset as r
inner join mirror.asset_sighting as s on r.asset_id = s.asset_id and s.state = 'live'
where r.asset_id = :asset_id and not r.is_placeholder
