-- reads/900_read_lag.sql
-- Purpose: how long changes of the canary took to arrive, and the last proof that they do.
-- Input:   since_seconds                                Output: one row; seconds
select
  count(*) filter (where t.touched_at > s.since) as touch_count,
  count(t.applied_at) filter (where t.touched_at > s.since) as applied_count,
  count(t.notified_at) filter (where t.touched_at > s.since) as notified_count,
  percentile_cont(0.5) within group (order by extract(epoch from t.applied_at - t.touched_at))
  filter (where t.touched_at > s.since and t.applied_at is not null) as applied_p50_seconds,
  percentile_cont(0.95) within group (order by extract(epoch from t.applied_at - t.touched_at))
  filter (where t.touched_at > s.since and t.applied_at is not null) as applied_p95_seconds,
  percentile_cont(0.5) within group (order by extract(epoch from t.notified_at - t.touched_at))
  filter (where t.touched_at > s.since and t.notified_at is not null) as notified_p50_seconds,
  percentile_cont(0.95) within group (order by extract(epoch from t.notified_at - t.touched_at))
  filter (where t.touched_at > s.since and t.notified_at is not null) as notified_p95_seconds,
  max(t.touched_at) as last_touched_at,
  max(t.touched_at) filter (where t.applied_at is not null) as last_proved_at,
  clock_timestamp() as read_at
from ops.canary_touch as t
cross join (select now() - make_interval(secs => :since_seconds) as since) as s
