-- ops/240_lock_hold.sql
-- Purpose: a hold that is about to be decided.
select id, state, kind, asset_count, encode(ids_digest, 'hex') as ids_digest from ops.hold where id = :hold_id for update
