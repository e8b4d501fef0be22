-- mirror/240_hold_suspects.sql
-- Purpose: the suspects that wait for a person.         Input: hold_id; temp table suspect
-- Writes:  ops.hold_item
insert into ops.hold_item (hold_id, asset_id) select :hold_id, e.asset_id from suspect as e
