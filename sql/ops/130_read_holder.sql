-- ops/130_read_holder.sql
-- Purpose: who took an activity last.
-- Input:   :activity       Output: no row or one: holder, acquired_at
-- Writes:  nothing         Locks:  none
select
  holder,
  acquired_at
from ops.fence
where activity = :activity;
