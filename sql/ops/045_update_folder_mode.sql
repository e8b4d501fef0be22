-- ops/045_update_folder_mode.sql
-- Purpose: a cloud may be moved from fixed to dynamic folders by its vendor.
-- Writes:  ops.cloud_binding
update ops.cloud_binding set folder_mode = :folder_mode where folder_mode <> :folder_mode
