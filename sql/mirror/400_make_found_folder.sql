-- mirror/400_make_found_folder.sql
-- Purpose: the folders that a read showed.              Output: temp table, emptied at commit
create temporary table if not exists found_folder (
  path text collate "C" primary key, name text not null, parent_path text collate "C", external_id text
) on commit delete rows
