-- ops/170_read_migrations.sql
-- Purpose: which migrations this database has seen.
-- Input:   none            Output: one row a migration, in order: file, sha256, applied_at
-- Writes:  nothing         Locks:  none
select
  file,
  sha256,
  applied_at
from ops.migration
order by file;
