-- ops/110_try_activity.sql
-- Purpose: take the advisory lock of an activity for this session, without waiting.
-- Input:   :activity       Output: one row: taken
-- Writes:  nothing         Locks:  the activity, until the session unlocks it or ends
select pg_try_advisory_lock(hashtextextended('media_pipeline ' || cast(:activity as text), 0)) as taken;
