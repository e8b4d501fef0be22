-- outbox/210_move_identity.sql
-- Purpose: the row of an asset that is gone goes on as the one that was uploaded anew for it, with all that is open.
-- Input:   operation_id, old_asset_id, new_asset_id, run_id
-- Output:  asset_id, unless the new asset has a row of its own
-- Writes:  public.media_assets, outbox.operation, outbox.conflict, public.media_sync_log
with moved as (
  update public.media_assets as m
  set asset_id = :new_asset_id, row_version = m.row_version + 1, deleted_at = null, deleted_by = null
  from outbox.operation as o
  where
    o.id = :operation_id and m.id = o.media_asset_id and m.asset_id = :old_asset_id
    and not exists (select from public.media_assets as t where t.asset_id = :new_asset_id)
  returning m.id, m.asset_id, m.row_version, m.applied_fingerprint
),

followed as (
  update outbox.operation as o
  set asset_id = d.asset_id
  from moved as d
  where o.media_asset_id = d.id and o.state in ('pending', 'leased', 'unknown', 'sent')
),

disputed as (
  update outbox.conflict as c
  set asset_id = d.asset_id
  from moved as d
  where c.asset_id = :old_asset_id and c.state = 'open'
)

insert into public.media_sync_log (
  action, cause, actor, run_id, asset_id, media_asset_id, row_version, fingerprint, before, after, digest
)
select
  'restored', 'push', 'media_pipeline', cast(:run_id as bigint), d.asset_id, d.id, d.row_version, d.applied_fingerprint,
  e.before, e.after,
  audit.entry_digest(
    'restored', 'push', 'media_pipeline', cast(:run_id as bigint), d.asset_id, d.id, d.row_version, d.applied_fingerprint,
    e.before, e.after, now()
  )
from moved as d
cross join lateral (
  select
    jsonb_build_object('asset_id', cast(:old_asset_id as text)) as before, jsonb_build_object('asset_id', d.asset_id) as after
) as e
returning asset_id
