-- ops/140_check_fence.sql
-- Purpose: prove that a fence still is the latest of its activity, and keep it so until this transaction ends.
-- Input:   :activity, :fence       Output: one row while it is the latest, none afterwards
-- Writes:  nothing                 Locks:  the row, shared; a new holder waits for it
select fence
from ops.fence
where activity = :activity and fence = :fence
for share;
