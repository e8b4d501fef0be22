-- ops/210_find_open_hold.sql
-- Purpose: the open hold of a place, after other sets were replaced.
select id from ops.hold
where
  state = 'open' and kind = :kind
  and resource_type is not distinct from :resource_type
  and delivery_type is not distinct from :delivery_type
