-- mirror/040_write_content.sql
-- Purpose: the content of the assets this read won, where it differs.
-- Input:   touch (of 030_win_sightings); temp table page_content
-- Writes:  mirror.remote_asset
insert into mirror.remote_asset as r (
  asset_id, resource_type, delivery_type, public_id, format, version, created_at, size_bytes, width_px, height_px,
  asset_folder, display_name, tags, context, metadata, access_mode, access_control, moderation_kind, moderation_status,
  is_placeholder, is_backed_up, secure_url, fingerprint, document, document_digest
)
select
  c.asset_id, c.resource_type, c.delivery_type, c.public_id, c.format, c.version, c.created_at, c.size_bytes, c.width_px,
  c.height_px, c.asset_folder, c.display_name, c.tags, c.context, c.metadata, c.access_mode, c.access_control,
  c.moderation_kind, c.moderation_status, c.is_placeholder, c.is_backed_up, c.secure_url, c.fingerprint, c.document,
  c.document_digest
from page_content as c
where (select s.touch from mirror.asset_sighting as s where s.asset_id = c.asset_id) = :touch
order by c.asset_id
on conflict (asset_id) do update
  set
    resource_type = excluded.resource_type,
    delivery_type = excluded.delivery_type,
    public_id = excluded.public_id,
    format = excluded.format,
    version = excluded.version,
    created_at = excluded.created_at,
    size_bytes = excluded.size_bytes,
    width_px = excluded.width_px,
    height_px = excluded.height_px,
    asset_folder = excluded.asset_folder,
    display_name = excluded.display_name,
    tags = excluded.tags,
    context = excluded.context,
    metadata = excluded.metadata,
    access_mode = excluded.access_mode,
    access_control = excluded.access_control,
    moderation_kind = excluded.moderation_kind,
    moderation_status = excluded.moderation_status,
    is_placeholder = excluded.is_placeholder,
    is_backed_up = excluded.is_backed_up,
    secure_url = excluded.secure_url,
    fingerprint = excluded.fingerprint,
    document = excluded.document,
    document_digest = excluded.document_digest,
    observed_at = clock_timestamp()
  where r.document_digest <> excluded.document_digest
