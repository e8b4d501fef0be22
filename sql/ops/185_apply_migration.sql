-- ops/185_apply_migration.sql
-- Purpose: one line of the script for an SQL editor; the values are written in by the program.
-- Input:   :file, :sha256, :script         Output: one row, what happened
-- Writes:  what the migration writes       Locks:  what the migration locks, waiting 4 s at most for each
select pg_temp.apply_migration(:file, :sha256, :script) as migration;
