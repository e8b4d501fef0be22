-- reads/040_read_queue.sql
-- Purpose: what waits to be read again by its id.
select
  count(*) as asset_count,
  count(*) filter (where q.not_before <= now()) as due_count,
  min(q.hinted_at) as oldest_at,
  coalesce(max(q.attempt_count), 0) as most_attempts_count
from mirror.verify_queue as q
