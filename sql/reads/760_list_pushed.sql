-- reads/760_list_pushed.sql
-- Purpose: operations that some runs tried, each with its last attempt in them and what became of it since.
-- Input:   run_ids, kinds, row_limit
-- Output:  one row an operation, in their order; total_count repeats on every row
select
  t.operation_id, o.kind, o.state, o.asset_id, coalesce(m.public_id, o.wanted ->> 'public_id') as public_id, o.base,
  o.wanted, o.actor, o.outcome, t.result, t.detail,
  count(*) over () as total_count
from (
  select distinct on (a.operation_id) a.operation_id, a.result, a.detail
  from outbox.attempt as a
  where a.run_id = any(cast(:run_ids as bigint[]))
  order by a.operation_id asc, a.id desc
) as t
inner join outbox.operation as o on t.operation_id = o.id
-- An upload has no asset yet.
left join public.media_assets as m on o.media_asset_id = m.id
where o.kind = any(cast(:kinds as text[]))
order by o.id
limit :row_limit
