-- reads/735_find_asset.sql
-- Purpose: the asset that a person means, by asset_id, by our key or by public_id; newest first where several fit.
-- Input:   named                                        Output: one row an asset
select m.asset_id, cast(m.id as text) as media_asset_id, m.public_id, m.resource_type, m.delivery_type, m.deleted_at
from public.media_assets as m
where m.asset_id = :named or m.public_id = :named or cast(m.id as text) = :named
order by m.deleted_at is not null asc, m.mirrored_at desc, m.id asc
