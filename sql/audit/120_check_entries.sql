-- audit/120_check_entries.sql
-- Purpose: compute the digest of every entry between two seals again.
-- Input:   after_seal_id, through_seal_id (null: to the end, sealed or not)
-- Output:  entry_count, changed (JSON list of the entries that are not what their digest says; null: none)
-- Cost:    reads each entry once, in the order of the log
select
  count(*) as entry_count,
  jsonb_agg(
    jsonb_build_object(
      'id', e.id, 'xid', cast(e.xid as text), 'recorded_at', e.recorded_at, 'action', e.action, 'asset_id', e.asset_id,
      'media_asset_id', e.media_asset_id
    ) order by e.xid, e.id
  ) filter (where e.is_changed) as changed
from (
  select
    l.id, l.xid, l.recorded_at, l.action, l.asset_id, l.media_asset_id,
    l.digest <> audit.entry_digest(
      l.action, l.cause, l.actor, l.run_id, l.asset_id, l.media_asset_id, l.row_version, l.fingerprint, l.before, l.after,
      l.recorded_at
    ) as is_changed
  from public.media_sync_log as l
  where
    (l.xid, l.id) > (
      coalesce((select s.through_xid from public.media_sync_log_seal as s where s.id = :after_seal_id), cast('0' as xid8)),
      coalesce((select s.through_id from public.media_sync_log_seal as s where s.id = :after_seal_id), 0)
    )
    and (l.xid, l.id) <= (
      coalesce(
        (select s.through_xid from public.media_sync_log_seal as s where s.id = cast(:through_seal_id as bigint)),
        cast('18446744073709551615' as xid8)
      ),
      coalesce(
        (select s.through_id from public.media_sync_log_seal as s where s.id = cast(:through_seal_id as bigint)),
        9223372036854775807
      )
    )
) as e
