-- audit/030_seal.sql
-- Purpose: one digest over all entries below the xmin horizon that no seal covers yet, chained to the last seal.
-- Output:  the seal, or no row when there is nothing to seal
-- Writes:  public.media_sync_log_seal     Locks: the caller holds the lock 'audit seal'
-- Cost:    reads only the entries since the last seal, by the primary key
with last_seal as (
  select s.through_xid, s.through_id, s.digest
  from public.media_sync_log_seal as s
  order by s.id desc
  limit 1
),

entry as (
  select l.xid, l.id, l.digest
  from public.media_sync_log as l
  where
    l.xid < pg_snapshot_xmin(pg_current_snapshot())
    and (l.xid, l.id) > (
      coalesce((select s.through_xid from last_seal as s), '0'::xid8), coalesce((select s.through_id from last_seal as s), 0)
    )
),

bounds as (
  select
    count(*) as entry_count,
    sha256(string_agg(e.digest, '\x'::bytea order by e.xid, e.id)) as entries_digest,
    (array_agg(e.xid order by e.xid desc, e.id desc))[1] as through_xid,
    (array_agg(e.id order by e.xid desc, e.id desc))[1] as through_id,
    coalesce((select s.digest from last_seal as s), decode(repeat('00', 32), 'hex')) as previous_digest
  from entry as e
)

insert into public.media_sync_log_seal (
  through_xid, through_id, entry_count, entries_digest, previous_digest, digest
)
select
  b.through_xid, b.through_id, b.entry_count, b.entries_digest, b.previous_digest,
  sha256(
    b.previous_digest || b.entries_digest
    || convert_to(b.through_xid::text || ':' || b.through_id::text || ':' || b.entry_count::text, 'UTF8')
  )
from bounds as b
where b.entry_count > 0
returning id, entry_count
