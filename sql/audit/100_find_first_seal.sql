-- audit/100_find_first_seal.sql
-- Purpose: where to begin computing seals again: behind those whose entries are archived, and behind all but the newest.
-- Input:   newest_entries (null: all)
-- Output:  settled_seal_id (0: none is archived), after_seal_id
-- Cost:    one pass over the seals
with settled as (
  select coalesce(max(m.settled_seal_id), 0) as seal_id from audit.archived_month as m
),

counted as (
  select s.id, coalesce(sum(s.entry_count) over newer, 0) as newer_count
  from public.media_sync_log_seal as s
  window newer as (order by s.id desc rows between unbounded preceding and 1 preceding)
)

select
  t.seal_id as settled_seal_id,
  greatest(
    t.seal_id, (select max(c.id) from counted as c where c.newer_count >= cast(:newest_entries as bigint))
  ) as after_seal_id
from settled as t
