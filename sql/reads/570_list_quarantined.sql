-- reads/570_list_quarantined.sql
-- Purpose: records that were set aside and that nothing resolved since, newest first.
-- Input:   row_limit                                    Output: total_count repeats on every row
select
  q.id, q.asset_id, q.reason, q.detail, q.seen_count, q.last_seen_at, count(*) over () as total_count
from mirror.quarantine as q
where q.resolved_at is null
order by q.last_seen_at desc, q.id desc
limit :row_limit
