-- ops/200_replace_open_hold.sql
-- Purpose: an open hold of the same place over another set of assets is out of date.
-- Input:   kind, resource_type, delivery_type, ids_digest      Output: the replaced ids
-- Writes:  ops.hold
update ops.hold
set state = 'replaced', decided_at = clock_timestamp()
where
  state = 'open' and kind = :kind
  and resource_type is not distinct from :resource_type
  and delivery_type is not distinct from :delivery_type
  and ids_digest <> :ids_digest
returning id
