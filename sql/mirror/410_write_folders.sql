-- mirror/410_write_folders.sql
-- Purpose: folders that are new or changed.             Output: path each
-- Writes:  public.media_folders
insert into public.media_folders as f (path, name, parent_path, external_id)
select n.path, n.name, n.parent_path, n.external_id
from found_folder as n
order by n.path
on conflict (path) do update
  set external_id = excluded.external_id, verified_at = clock_timestamp()
  where excluded.external_id is not null and f.external_id is distinct from excluded.external_id
returning f.path
