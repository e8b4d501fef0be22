-- diff/075_add_hold_items.sql
-- Writes:  ops.hold_item
insert into ops.hold_item (hold_id, asset_id)
select :hold_id, e.asset_id
from unnest(cast(:asset_ids as text[])) as e (asset_id)
on conflict do nothing
