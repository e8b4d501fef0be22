-- mirror/240_hold_suspects.sql
-- Purpose: the suspects that wait for a person; their remnants are not read before that.
-- Input:   hold_id; temp table suspect                  Writes: ops.hold_item, mirror.verify_queue
with postponed as (
  delete from mirror.verify_queue as q
  using suspect as e
  where q.asset_id = e.asset_id and q.reason = 'placeholder'
)

insert into ops.hold_item (hold_id, asset_id) select :hold_id, e.asset_id from suspect as e
