-- ops/300_read_incarnation.sql
-- Purpose: which database this is, and how far its logical clock went; no row before the first sync.
-- Output:  incarnation, touch
select cast(b.incarnation as text) as incarnation, s.last_value as touch
from ops.cloud_binding as b
cross join mirror.touch_seq as s
