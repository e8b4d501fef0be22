-- ops/205_withdraw_open_hold.sql
-- Purpose: an open hold whose reason is gone (the next look found nothing to hold) needs no decision.
-- Input:   kind, resource_type, delivery_type           Output: the withdrawn ids
-- Writes:  ops.hold
update ops.hold
set state = 'replaced', decided_at = clock_timestamp()
where
  state = 'open' and kind = :kind
  and resource_type is not distinct from :resource_type
  and delivery_type is not distinct from :delivery_type
returning id
