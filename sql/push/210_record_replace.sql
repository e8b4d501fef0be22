-- push/210_record_replace.sql
-- Purpose: somebody wants other bytes for an asset.     Input: media_asset_id, sha256, file_name
-- Output:  operation_id
select public.replace_media_asset(cast(:media_asset_id as uuid), :sha256, :file_name) as operation_id
