-- upkeep/030_remove_listing_runs.sql
-- Purpose: a batch of walks of a slice that ended long ago; which of them may go, the policy of the role says.
-- Input:   cutoff, after (key of the last row of the batch before, as texts; empty: the first batch), row_limit
-- Output:  next_after (null: the end), removed_count
-- Writes:  landing.listing_run
with batch as materialized (
  select l.id
  from landing.listing_run as l
  where
    l.finished_at < :cutoff
    and l.id > coalesce(cast((cast(:after as text[]))[1] as bigint), 0)
  order by l.id
  limit :row_limit
),

removed as (
  delete from landing.listing_run as l
  using batch as b
  where l.id = b.id
  returning l.id
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
