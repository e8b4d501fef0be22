-- ops/120_take_fence.sql
-- Purpose: note who holds an activity from now on, under a number greater than every earlier one.
-- Input:   :activity, :holder      Output: one row: fence
-- Writes:  ops.fence, one row      Locks:  that row; waits for transactions that checked the earlier fence
insert into ops.fence as held (activity, fence, holder, acquired_at)
values (:activity, nextval('ops.fence_seq'), :holder, clock_timestamp())
on conflict (activity) do update
set fence = excluded.fence, holder = excluded.holder, acquired_at = excluded.acquired_at
returning held.fence;
