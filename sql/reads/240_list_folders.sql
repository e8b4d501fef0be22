-- reads/240_list_folders.sql
-- Purpose: the folder tree.
select f.path, f.name, f.parent_path, f.external_id from public.media_folders as f order by f.path
