-- mirror/350_count_queue.sql
-- Purpose: what waits to be read again.
select count(*) as queue_count, count(*) filter (where not_before <= clock_timestamp()) as due_count
from mirror.verify_queue
