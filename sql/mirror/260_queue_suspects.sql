-- mirror/260_queue_suspects.sql
-- Purpose: suspects to be read by id; unlike a hint this does not touch them, since nothing new is known.
-- Input:   temp table suspect                           Writes: mirror.verify_queue
insert into mirror.verify_queue as q (asset_id, reason, hint_touch)
select e.asset_id, 'suspect', 0
from suspect as e
order by e.asset_id
on conflict (asset_id) do update set not_before = least(q.not_before, now()), attempt_count = 0
