-- upkeep/120_remove_api_calls.sql
-- Purpose: a batch of hours of the ledger of Admin API calls from long ago; which of them may go, the policy of the role says.
-- Input:   cutoff, after (key of the last row of the batch before, as texts; empty: the first batch), row_limit
-- Output:  next_after (null: the end), removed_count
-- Writes:  ops.api_call
with batch as materialized (
  select c.window_at, c.purpose
  from ops.api_call as c
  where
    c.window_at < :cutoff
    and (c.window_at, c.purpose) > (
      coalesce(cast((cast(:after as text[]))[1] as timestamptz), '-infinity'),
      coalesce(cast((cast(:after as text[]))[2] as text), '')
    )
  order by c.window_at, c.purpose
  limit :row_limit
),

removed as (
  delete from ops.api_call as c
  using batch as b
  where c.window_at = b.window_at and c.purpose = b.purpose
  returning c.window_at
),

last as (
  select array[cast(b.window_at as text), b.purpose] as next_after
  from batch as b
  order by b.window_at desc, b.purpose desc
  limit 1
)

select
  (select l.next_after from last as l) as next_after,
  (select count(*) from removed) as removed_count
