-- audit/130_find_broken_seals.sql
-- Purpose: seals that the entries under them do not give again, archived ones by their kept digests. A seal that is not
--          linked to the one before it says nothing of where its entries begin; 140_find_broken_links names it.
-- Input:   after_seal_id, through_seal_id
-- Output:  one row a broken seal: what it counted and what is there, from where to where, and the time of what is there
-- Cost:    one step in the primary key of each partition a seal, then its entries in order
select
  s.id as seal_id, s.sealed_at, s.entry_count as sealed_count, e.entry_count as found_count,
  cast(s.from_xid as text) as from_xid, s.from_id, cast(s.through_xid as text) as through_xid, s.through_id,
  e.first_recorded_at, e.last_recorded_at
from (
  select
    n.id, n.sealed_at, n.entry_count, n.entries_digest, n.through_xid, n.through_id, n.previous_digest,
    coalesce(p.through_xid, cast('0' as xid8)) as from_xid, coalesce(p.through_id, 0) as from_id,
    coalesce(p.digest, decode(repeat('00', 32), 'hex')) as digest_before
  from public.media_sync_log_seal as n
  left join lateral (
    select b.through_xid, b.through_id, b.digest
    from public.media_sync_log_seal as b
    where b.id < n.id
    order by b.id desc
    limit 1
  ) as p on true
  where n.id > :after_seal_id and n.id <= :through_seal_id
) as s
cross join lateral (
  select
    count(*) as entry_count, sha256(string_agg(d.digest, cast('\x' as bytea) order by d.xid, d.id)) as entries_digest,
    min(d.recorded_at) as first_recorded_at, max(d.recorded_at) as last_recorded_at
  from (
    select l.xid, l.id, l.digest, l.recorded_at
    from public.media_sync_log as l
    where (l.xid, l.id) > (s.from_xid, s.from_id) and (l.xid, l.id) <= (s.through_xid, s.through_id)
    union all
    select a.xid, a.entry_id, a.digest, null
    from audit.archived_entry as a
    where (a.xid, a.entry_id) > (s.from_xid, s.from_id) and (a.xid, a.entry_id) <= (s.through_xid, s.through_id)
  ) as d
) as e
where
  s.previous_digest = s.digest_before
  and (e.entry_count <> s.entry_count or e.entries_digest is distinct from s.entries_digest)
order by s.id
