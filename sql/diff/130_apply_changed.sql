-- diff/130_apply_changed.sql
-- Purpose: changed rows, with the changed fields before and after in the log.
-- Input:   change_set_id, first_id, last_id, actor, cause, run_id
-- Writes:  public.media_assets, public.media_sync_log
with changed as (
  update public.media_assets as m
  set
    resource_type = r.resource_type,
    delivery_type = r.delivery_type,
    public_id = r.public_id,
    format = r.format,
    version = r.version,
    created_at = r.created_at,
    size_bytes = r.size_bytes,
    width_px = r.width_px,
    height_px = r.height_px,
    asset_folder = r.asset_folder,
    display_name = r.display_name,
    tags = r.tags,
    context = r.context,
    metadata = r.metadata,
    access_mode = r.access_mode,
    access_control = r.access_control,
    moderation_kind = r.moderation_kind,
    moderation_status = r.moderation_status,
    is_placeholder = r.is_placeholder,
    is_backed_up = r.is_backed_up,
    secure_url = r.secure_url,
    applied_fingerprint = r.fingerprint,
    row_version = m.row_version + 1,
    deleted_at = null,
    deleted_by = null
  from diff.change as c
  inner join mirror.remote_asset as r on c.asset_id = r.asset_id and c.remote_fingerprint = r.fingerprint
  inner join mirror.asset_sighting as s on c.asset_id = s.asset_id and s.state <> 'tombstone'
  inner join public.media_assets as o on c.asset_id = o.asset_id
  where
    c.change_set_id = :change_set_id and c.asset_id between :first_id and :last_id
    and c.state = 'pending' and c.kind in ('updated', 'renamed', 'moved', 'restored')
    and (c.fields <> '{}' or c.kind = 'restored')
    and m.asset_id = c.asset_id and (m.applied_fingerprint <> c.remote_fingerprint or m.deleted_at is not null)
    and not exists (select from outbox.overlaid_asset as v where v.asset_id = c.asset_id)
  returning
    m.id, m.asset_id, m.row_version, m.applied_fingerprint, c.kind,
    case
      when c.kind <> 'restored' then c.before
      else coalesce(c.before, '{}') || jsonb_build_object('deleted_at', o.deleted_at, 'deleted_by', o.deleted_by)
    end as before,
    case
      when c.kind <> 'restored' then c.after
      else coalesce(c.after, '{}') || jsonb_build_object('deleted_at', null, 'deleted_by', null)
    end as after
)

insert into public.media_sync_log (
  action, cause, actor, run_id, asset_id, media_asset_id, row_version, fingerprint, before, after, digest
)
select
  m.kind, :cause, :actor, cast(:run_id as bigint), m.asset_id, m.id, m.row_version, m.applied_fingerprint, m.before, m.after,
  audit.entry_digest(
    m.kind, :cause, :actor, cast(:run_id as bigint), m.asset_id, m.id, m.row_version, m.applied_fingerprint, m.before, m.after,
    now()
  )
from changed as m
