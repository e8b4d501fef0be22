-- upkeep/050_remove_change_windows.sql
-- Purpose: a batch of walks through a time that ended long ago; which of them may go, the policy of the role says.
-- Input:   cutoff, after (key of the last row of the batch before, as texts; empty: the first batch), row_limit
-- Output:  next_after (null: the end), removed_count
-- Writes:  landing.change_window
with batch as materialized (
  select w.id
  from landing.change_window as w
  where
    w.finished_at < :cutoff
    and w.id > coalesce(cast((cast(:after as text[]))[1] as bigint), 0)
  order by w.id
  limit :row_limit
),

removed as (
  delete from landing.change_window as w
  using batch as b
  where w.id = b.id
  returning w.id
),

last as (
  select array[cast(b.id as text)] as next_after
  from batch as b
  order by b.id desc
  limit 1
)

select
  (select l.next_after from last as l) as next_after,
  (select count(*) from removed) as removed_count
