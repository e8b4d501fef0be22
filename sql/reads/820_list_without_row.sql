-- reads/820_list_without_row.sql
-- Purpose: assets in Cloudinary without a row in media_assets; counted by reads/810.
-- Cost:    hash anti-join of keys
select s.asset_id, s.resource_type, s.delivery_type, r.public_id, r.size_bytes, r.observed_at
from mirror.asset_sighting as s
left join mirror.remote_asset as r on s.asset_id = r.asset_id
where s.state <> 'tombstone' and not exists (select from public.media_assets as m where m.asset_id = s.asset_id)
order by s.resource_type, s.delivery_type, s.asset_id
