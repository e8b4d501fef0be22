-- mirror/430_delete_folders.sql
-- Purpose: folders that Cloudinary proved gone.         Output: path each
-- Writes:  public.media_folders
delete from public.media_folders where path = any(cast(:paths as text[]))
returning path
