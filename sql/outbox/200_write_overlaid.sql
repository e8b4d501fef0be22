-- outbox/200_write_overlaid.sql
-- Purpose: rows become the remote state with open edits over it, with what changed in the log.
-- Input:   documents ([{asset_id, is_deleted, overlay}]), actor, cause, run_id
-- Output:  asset_id of each row that looks different now
-- Writes:  public.media_assets, public.media_sync_log
with target as (
  select d.asset_id, d.is_deleted, to_jsonb(r) || d.overlay as document, r.fingerprint
  from jsonb_to_recordset(cast(:documents as jsonb)) as d (asset_id text, is_deleted boolean, overlay jsonb)
  inner join mirror.remote_asset as r on d.asset_id = r.asset_id
),

compared as (
  select
    t.asset_id, t.is_deleted, t.document, t.fingerprint, m.deleted_at, m.deleted_by,
    (m.deleted_at is not null) <> t.is_deleted as is_turned, e.before, e.after
  from target as t
  inner join public.media_assets as m on t.asset_id = m.asset_id
  cross join lateral (
    select
      jsonb_object_agg(f.name, to_jsonb(m) -> f.name) as before,
      jsonb_object_agg(f.name, t.document -> f.name) as after
    from mirror.asset_field as f
    where to_jsonb(m) -> f.name is distinct from t.document -> f.name
  ) as e
  where m.applied_fingerprint <> t.fingerprint or e.before is not null or (m.deleted_at is not null) <> t.is_deleted
),

written as (
  update public.media_assets as m
  set
    resource_type = p.resource_type,
    delivery_type = p.delivery_type,
    public_id = p.public_id,
    format = p.format,
    version = p.version,
    created_at = p.created_at,
    size_bytes = p.size_bytes,
    width_px = p.width_px,
    height_px = p.height_px,
    asset_folder = p.asset_folder,
    display_name = p.display_name,
    tags = p.tags,
    context = p.context,
    metadata = p.metadata,
    access_mode = p.access_mode,
    access_control = p.access_control,
    moderation_kind = p.moderation_kind,
    moderation_status = p.moderation_status,
    is_placeholder = p.is_placeholder,
    is_backed_up = p.is_backed_up,
    secure_url = p.secure_url,
    applied_fingerprint = c.fingerprint,
    row_version = m.row_version + case when c.before is not null or c.is_turned then 1 else 0 end,
    deleted_at = case when c.is_deleted then coalesce(m.deleted_at, now()) end,
    deleted_by = case when c.is_deleted then coalesce(m.deleted_by, :actor) end
  from compared as c
  cross join lateral jsonb_populate_record(null::public.media_assets, c.document) as p
  where m.asset_id = c.asset_id
  returning
    m.id, m.asset_id, m.row_version, m.applied_fingerprint, c.before is not null or c.is_turned as is_changed, c.is_turned,
    case
      when c.is_turned
        then coalesce(c.before, '{}') || jsonb_build_object('deleted_at', c.deleted_at, 'deleted_by', c.deleted_by)
      else c.before
    end as before,
    case
      when c.is_turned
        then coalesce(c.after, '{}') || jsonb_build_object('deleted_at', m.deleted_at, 'deleted_by', m.deleted_by)
      else c.after
    end as after,
    m.deleted_at is not null as is_deleted
)

insert into public.media_sync_log (
  action, cause, actor, run_id, asset_id, media_asset_id, row_version, fingerprint, before, after, digest
)
select
  e.action, :cause, :actor, cast(:run_id as bigint), w.asset_id, w.id, w.row_version, w.applied_fingerprint, w.before, w.after,
  audit.entry_digest(
    e.action, :cause, :actor, cast(:run_id as bigint), w.asset_id, w.id, w.row_version, w.applied_fingerprint, w.before, w.after,
    now()
  )
from written as w
cross join lateral (
  select case when not w.is_turned then 'merged' when w.is_deleted then 'deleted' else 'restored' end as action
) as e
where w.is_changed
returning asset_id
