-- upkeep/230_archive_month.sql
-- Purpose: remove a month of the log that is in a file now.
-- Input:   month, days, file_name, file_sha256, file_size_bytes, entry_count
-- Writes:  through audit.archive_month()
select audit.archive_month(
  :month, :days, :file_name, decode(:file_sha256, 'hex'), cast(:file_size_bytes as bigint), cast(:entry_count as bigint)
)
