-- reads/950_read_seals.sql
-- Purpose: how far the log is sealed.                   Output: one row; sealed_at is null before the first seal
-- Cost:    reads only the entries since the last seal, by the primary key
with last_seal as (
  select s.through_xid, s.through_id, s.sealed_at
  from public.media_sync_log_seal as s
  order by s.id desc
  limit 1
)

select
  (
    select count(*) from public.media_sync_log as l
    where (l.xid, l.id) > (
      coalesce((select s.through_xid from last_seal as s), '0'::xid8), coalesce((select s.through_id from last_seal as s), 0)
    )
  ) as unsealed_entry_count,
  (select s.sealed_at from last_seal as s) as sealed_at
