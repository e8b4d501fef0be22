-- ops/400_take_status_snapshot.sql
-- Purpose: count and keep the figures of this moment, and forget those that are too old.
-- Input:   run_id, keep_days                            Output: id
-- Writes:  ops.status_snapshot, by its owner's function: nobody passes figures
select ops.take_status_snapshot(:run_id, :keep_days) as id
