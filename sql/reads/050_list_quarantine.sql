-- reads/050_list_quarantine.sql
-- Purpose: records that could not be understood and that no good record has replaced, newest first.
-- Input:   row_limit                                    Output: total_count is over all of them
select
  q.asset_id, q.reason, q.detail, q.seen_count, q.first_seen_at, q.last_seen_at, count(*) over () as total_count
from mirror.quarantine as q
where q.resolved_at is null
order by q.last_seen_at desc, q.id desc
limit :row_limit
