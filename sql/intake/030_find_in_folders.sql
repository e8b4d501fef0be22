-- intake/030_find_in_folders.sql
-- Purpose: the assets in folders and everything below them.      Input: paths      Output: path, asset_id
select f.path, a.asset_id
from unnest(cast(:paths as text[])) as f (path)
inner join public.media_assets as a on f.path = a.asset_folder or starts_with(a.asset_folder, f.path || '/')
where a.deleted_at is null and a.asset_id is not null
