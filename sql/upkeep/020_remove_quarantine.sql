-- upkeep/020_remove_quarantine.sql
-- Purpose: a batch of bad records that a good one replaced long ago; which of them may go, the policy of the role says.
-- Input:   cutoff, after (key of the last row of the batch before, as texts; empty: the first batch), row_limit
-- Output:  next_after (null: the end), removed_count, removed_bytes
-- Writes:  mirror.quarantine
with batch as materialized (
  select q.id
  from mirror.quarantine as q
  where
    q.resolved_at < :cutoff
    and q.id > coalesce(cast((cast(:after as text[]))[1] as bigint), 0)
  order by q.id
  limit :row_limit
),

removed as (
  delete from mirror.quarantine as q
  using batch as b
  where q.id = b.id
  returning octet_length(q.body) as size_bytes
),

last as (
  select array[cast(b.id as text)] as next_after
  from batch as b
  order by b.id desc
  limit 1
)

select
  (select l.next_after from last as l) as next_after,
  (select count(*) from removed) as removed_count,
  (select coalesce(sum(r.size_bytes), 0) from removed as r) as removed_bytes
