-- ops/165_lock_migrations.sql
-- Purpose: let one process migrate at a time; the next one waits and then finds nothing left to do.
-- Input:   none            Output: one row
-- Writes:  nothing         Locks:  the migrations of this database, until the session ends
select pg_advisory_lock(hashtextextended('media_pipeline migrations', 0));
