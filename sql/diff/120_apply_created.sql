-- diff/120_apply_created.sql
-- Purpose: new rows of media_assets, with their entries in the log.
-- Input:   change_set_id, first_id, last_id, actor, cause, run_id
-- Writes:  public.media_assets, public.media_sync_log
with made as (
  insert into public.media_assets (
    asset_id, resource_type, delivery_type, public_id, format, version, created_at, size_bytes, width_px, height_px,
    asset_folder, display_name, tags, context, metadata, access_mode, access_control, moderation_kind,
    moderation_status, is_placeholder, is_backed_up, secure_url, applied_fingerprint
  )
  select
    r.asset_id, r.resource_type, r.delivery_type, r.public_id, r.format, r.version, r.created_at, r.size_bytes,
    r.width_px, r.height_px, r.asset_folder, r.display_name, r.tags, r.context, r.metadata, r.access_mode,
    r.access_control, r.moderation_kind, r.moderation_status, r.is_placeholder, r.is_backed_up, r.secure_url,
    r.fingerprint
  from diff.change as c
  inner join mirror.remote_asset as r on c.asset_id = r.asset_id and c.remote_fingerprint = r.fingerprint
  inner join mirror.asset_sighting as s on c.asset_id = s.asset_id and s.state <> 'tombstone'
  where
    c.change_set_id = :change_set_id and c.asset_id between :first_id and :last_id
    and c.state = 'pending' and c.kind = 'created'
  order by r.asset_id
  on conflict (asset_id) do nothing
  returning id, asset_id, row_version, applied_fingerprint
)

insert into public.media_sync_log (
  action, cause, actor, run_id, asset_id, media_asset_id, row_version, fingerprint, digest
)
select
  'created', :cause, :actor, cast(:run_id as bigint), m.asset_id, m.id, m.row_version, m.applied_fingerprint,
  audit.entry_digest(
    'created', :cause, :actor, cast(:run_id as bigint), m.asset_id, m.id, m.row_version, m.applied_fingerprint, null, null,
    now()
  )
from made as m
