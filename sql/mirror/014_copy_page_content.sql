-- mirror/014_copy_page_content.sql
-- The columns in the order of payloads.Observation.as_row().
copy page_content (
  asset_id, resource_type, delivery_type, public_id, format, version, created_at, size_bytes, width_px, height_px,
  asset_folder, display_name, tags, context, metadata, access_mode, access_control, moderation_kind, moderation_status,
  is_placeholder, is_backed_up, secure_url, fingerprint, document, document_digest
) from stdin with (format binary) -- noqa: PRS
