-- mirror/270_queue_approved_suspects.sql
-- Purpose: the suspects of an approved hold that are still unproved, to be read by id.
-- Input:   hold_id                                      Writes: mirror.verify_queue
insert into mirror.verify_queue as q (asset_id, reason, hint_touch, hold_id)
select i.asset_id, 'suspect', 0, i.hold_id
from ops.hold_item as i
inner join mirror.asset_sighting as s on i.asset_id = s.asset_id
where i.hold_id = :hold_id and s.state = 'suspect'
order by i.asset_id
on conflict (asset_id) do update
  set hold_id = excluded.hold_id, not_before = least(q.not_before, now()), attempt_count = 0
