-- mirror/401_copy_found_folder.sql
copy found_folder (path, name, parent_path, external_id) from stdin with (format binary) -- noqa: PRS
