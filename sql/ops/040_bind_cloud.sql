-- ops/040_bind_cloud.sql
-- Purpose: bind the database to the first cloud it meets; of two at once, one wins and both read it back.
-- Input:   cloud_name, is_emulator, folder_mode         Output: one row when it was bound now
-- Writes:  ops.cloud_binding
insert into ops.cloud_binding (cloud_name, is_emulator, folder_mode)
values (:cloud_name, :is_emulator, :folder_mode)
on conflict (id) do nothing
returning cloud_name
