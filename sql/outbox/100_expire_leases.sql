-- outbox/100_expire_leases.sql
-- Purpose: a pusher that died in mid-call leaves operations of which nobody knows: a read must show what happened.
-- Output:  asset_id, operation_id each                  Writes: outbox.operation
update outbox.operation as o
set state = 'unknown', lease = null, leased_until = null, outcome = 'the pusher died or was paused in mid-call'
where o.state = 'leased' and o.leased_until < clock_timestamp()
returning o.asset_id, o.id as operation_id
