-- audit/140_find_broken_links.sql
-- Purpose: seals that are not what their digest says, or not linked to the one before them; the first to 32 zero bytes.
-- Input:   row_limit
-- Output:  one row a seal: is_changed, is_unlinked, from and through, sealed_at; total_count repeats on every row
-- Cost:    one pass over the seals, whether their entries are archived or not
select
  s.id as seal_id, s.sealed_at, s.is_changed, s.is_unlinked,
  cast(s.from_xid as text) as from_xid, s.from_id, cast(s.through_xid as text) as through_xid, s.through_id,
  count(*) over () as total_count
from (
  select
    n.id, n.sealed_at, n.through_xid, n.through_id,
    n.digest <> sha256(
      n.previous_digest || n.entries_digest
      || convert_to(
        cast(n.through_xid as text) || ':' || cast(n.through_id as text) || ':' || cast(n.entry_count as text), 'UTF8'
      )
    ) as is_changed,
    n.previous_digest <> coalesce(lag(n.digest) over (order by n.id), decode(repeat('00', 32), 'hex'))
    or (n.through_xid, n.through_id) <= (
      coalesce(lag(n.through_xid) over (order by n.id), cast('0' as xid8)), coalesce(lag(n.through_id) over (order by n.id), 0)
    ) as is_unlinked,
    coalesce(lag(n.through_xid) over (order by n.id), cast('0' as xid8)) as from_xid,
    coalesce(lag(n.through_id) over (order by n.id), 0) as from_id
  from public.media_sync_log_seal as n
) as s
where s.is_changed or s.is_unlinked
order by s.id
limit :row_limit
