-- push/200_record_upload.sql
-- Purpose: somebody wants a file of the vault uploaded. Output: operation_id
select public.upload_media_asset(
  :sha256, :file_name, :public_id, :resource_type, :delivery_type, :asset_folder, :display_name,
  cast(:tags as text[]), cast(:context as jsonb), cast(:metadata as jsonb)
) as operation_id
