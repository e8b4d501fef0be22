-- upkeep/210_copy_month.sql
copy (
  select
    l.xid, l.id, l.recorded_at, l.action, l.cause, l.actor, l.run_id, l.asset_id, l.media_asset_id, l.row_version,
    l.fingerprint, l.before, l.after, l.digest
  from public.media_sync_log as l
  where l.recorded_at >= :from_at and l.recorded_at < :end_at
  order by l.xid, l.id
) to stdout with (format csv, header true)
