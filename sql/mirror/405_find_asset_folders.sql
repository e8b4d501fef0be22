-- mirror/405_find_asset_folders.sql
-- Purpose: folders in which live assets lie, and those above them: they exist, whatever an index that lags or ends
--          at 2000 says.
-- Input:   temp table found_folder                      Output: more rows in it
insert into found_folder (path, name, parent_path)
select distinct
  array_to_string(f.parts[1:depth.level], '/') as path,
  f.parts[depth.level] as name,
  nullif(array_to_string(f.parts[1:depth.level - 1], '/'), '') as parent_path
from (
  select distinct string_to_array(r.asset_folder, '/') as parts
  from mirror.remote_asset as r
  inner join mirror.asset_sighting as s on r.asset_id = s.asset_id
  where s.state <> 'tombstone' and r.asset_folder <> '' and r.asset_folder !~ '(^|/)(/|$)'
) as f
cross join lateral generate_series(1, cardinality(f.parts)) as depth (level)
on conflict (path) do nothing
