-- mirror/425_note_folders.sql
-- Purpose: folders whose own read showed that they are still there.     Writes: public.media_folders
update public.media_folders set verified_at = clock_timestamp() where path = any(cast(:paths as text[]))
