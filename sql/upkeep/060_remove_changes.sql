-- upkeep/060_remove_changes.sql
-- Purpose: a batch of changes of sets that were done with long ago; which of them may go, the policy of the role says.
-- Input:   cutoff, after (key of the last row of the batch before, as texts; empty: the first batch), row_limit
-- Output:  next_after (null: the end), removed_count
-- Writes:  diff.change
with batch as materialized (
  select c.change_set_id, c.asset_id
  from diff.change as c
  inner join diff.change_set as s on c.change_set_id = s.id
  where
    s.finished_at < :cutoff
    and (c.change_set_id, c.asset_id) > (
      coalesce(cast((cast(:after as text[]))[1] as bigint), 0),
      coalesce(cast((cast(:after as text[]))[2] as text), '')
    )
  order by c.change_set_id, c.asset_id
  limit :row_limit
),

removed as (
  delete from diff.change as c
  using batch as b
  where c.change_set_id = b.change_set_id and c.asset_id = b.asset_id
  returning c.change_set_id
),

last as (
  select array[cast(b.change_set_id as text), b.asset_id] as next_after
  from batch as b
  order by b.change_set_id desc, b.asset_id desc
  limit 1
)

select
  (select l.next_after from last as l) as next_after,
  (select count(*) from removed) as removed_count
