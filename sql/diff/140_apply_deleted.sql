-- diff/140_apply_deleted.sql
-- Purpose: rows whose asset is proved deleted become tombstones; they keep everything.
-- Input:   change_set_id, first_id, last_id, actor, cause, run_id
-- Writes:  public.media_assets, public.media_sync_log
with deleted as (
  update public.media_assets as m
  set deleted_at = now(), deleted_by = :actor, row_version = m.row_version + 1
  from diff.change as c
  inner join mirror.asset_sighting as s on c.asset_id = s.asset_id and s.state = 'tombstone'
  where
    c.change_set_id = :change_set_id and c.asset_id between :first_id and :last_id
    and c.state = 'pending' and c.kind = 'deleted'
    and m.asset_id = c.asset_id and m.deleted_at is null
    and not exists (
      select from outbox.operation as o
      where o.asset_id = c.asset_id and o.kind = 'restore' and o.state in ('pending', 'leased', 'unknown', 'sent')
    )
  returning m.id, m.asset_id, m.row_version, m.applied_fingerprint, m.deleted_at
)

insert into public.media_sync_log (
  action, cause, actor, run_id, asset_id, media_asset_id, row_version, fingerprint, before, after, digest
)
select
  'deleted', :cause, :actor, cast(:run_id as bigint), e.asset_id, e.id, e.row_version, e.fingerprint, e.before, e.after,
  audit.entry_digest(
    'deleted', :cause, :actor, cast(:run_id as bigint), e.asset_id, e.id, e.row_version, e.fingerprint, e.before, e.after, now()
  )
from (
  select
    d.id, d.asset_id, d.row_version, d.applied_fingerprint as fingerprint,
    jsonb_build_object('deleted_at', null, 'deleted_by', null) as before,
    jsonb_build_object('deleted_at', d.deleted_at, 'deleted_by', :actor) as after
  from deleted as d
) as e
