-- ops/175_record_migration.sql
-- Purpose: note that a migration was applied, in the transaction that applied it.
-- Input:   :file, :sha256  Output: none
-- Writes:  ops.migration, one row  Locks:  none
insert into ops.migration (file, sha256)
values (:file, :sha256);
