-- mirror/420_list_missing_folders.sql
-- Purpose: mirrored folders that nothing showed, the one longest unread first; no live asset lies in them.
-- Input:   temp table found_folder, row_limit
select f.path
from public.media_folders as f
where
  not exists (select from found_folder as n where n.path = f.path)
order by f.verified_at asc, f.path desc
limit :row_limit
