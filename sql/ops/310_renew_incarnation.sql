-- ops/310_renew_incarnation.sql
-- Purpose: from now on this is a database of its own, whatever it was copied from.      Writes: ops.cloud_binding
update ops.cloud_binding set incarnation = gen_random_uuid() returning cast(incarnation as text) as incarnation
