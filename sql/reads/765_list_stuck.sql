-- reads/765_list_stuck.sql
-- Purpose: operations that were tried often and are not done.
-- Input:   attempt_count, row_limit                     Output: total_count repeats on every row
select
  o.id, o.kind, o.state, o.asset_id, coalesce(m.public_id, o.wanted ->> 'public_id') as public_id, o.attempt_count, o.outcome, o.recorded_at, o.actor,
  count(*) over () as total_count
from outbox.operation as o
-- An upload has no asset yet.
left join public.media_assets as m on o.media_asset_id = m.id
where o.state in ('pending', 'unknown') and o.attempt_count >= :attempt_count
order by o.id
limit :row_limit
