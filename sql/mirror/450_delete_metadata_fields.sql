-- mirror/450_delete_metadata_fields.sql
-- Purpose: definitions that a complete answer no longer names.    Output: external_id each
-- Input:   external_ids (the named ones)                Writes: public.media_metadata_fields
delete from public.media_metadata_fields where external_id <> all(cast(:external_ids as text[]))
returning external_id
