-- quality/050_read_mirrored.sql
-- Purpose: what the mirror has of some assets that are live in it.
-- Input:   asset_ids                                     Output: all mirrored fields, fingerprint and touch
select
  r.asset_id, r.resource_type, r.delivery_type, r.public_id, r.format, r.version, r.created_at, r.size_bytes, r.width_px,
  r.height_px, r.asset_folder, r.display_name, r.tags, r.context, r.metadata, r.access_mode, r.access_control,
  r.moderation_kind, r.moderation_status, r.is_placeholder, r.is_backed_up, r.secure_url, r.fingerprint, s.touch
from mirror.remote_asset as r
inner join mirror.asset_sighting as s on r.asset_id = s.asset_id
where r.asset_id = any(cast(:asset_ids as text[])) and s.state = 'live'
