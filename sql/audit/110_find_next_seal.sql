-- audit/110_find_next_seal.sql
-- Purpose: the end of a batch of seals: some entries more than the limit, or so many seals.
-- Input:   after_seal_id, entry_limit                   Output: seal_id (null: there is none)
select max(e.id) as seal_id
from (
  select s.id, sum(s.entry_count) over (order by s.id) - s.entry_count as before_count
  from (
    select n.id, n.entry_count
    from public.media_sync_log_seal as n
    where n.id > :after_seal_id
    order by n.id
    limit 10000
  ) as s
) as e
where e.before_count < :entry_limit
