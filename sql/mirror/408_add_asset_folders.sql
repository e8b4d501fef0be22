-- mirror/408_add_asset_folders.sql
-- Purpose: folders in which assets lie that were just read, and those above them: they exist. None is removed here.
-- Input:   asset_ids                                    Writes: public.media_folders
insert into public.media_folders (path, name, parent_path)
select distinct
  array_to_string(f.parts[1:depth.level], '/') as path,
  f.parts[depth.level] as name,
  nullif(array_to_string(f.parts[1:depth.level - 1], '/'), '') as parent_path
from (
  select distinct string_to_array(r.asset_folder, '/') as parts
  from mirror.remote_asset as r
  inner join mirror.asset_sighting as s on r.asset_id = s.asset_id
  where
    r.asset_id = any(cast(:asset_ids as text[])) and s.state <> 'tombstone'
    and r.asset_folder <> '' and r.asset_folder !~ '(^|/)(/|$)'
    and not exists (select from public.media_folders as m where m.path = r.asset_folder)
) as f
cross join lateral generate_series(1, cardinality(f.parts)) as depth (level)
order by 1
on conflict (path) do nothing
