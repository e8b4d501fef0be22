-- ops/150_release_activity.sql
-- Purpose: give the advisory lock of an activity back.
-- Input:   :activity       Output: one row: released
-- Writes:  nothing         Locks:  none any more
-- Why:     closing the session frees it too, but only after the client has gone on.
select pg_advisory_unlock(hashtextextended('media_pipeline ' || cast(:activity as text), 0)) as released;
