-- audit/170_list_archived_months.sql
-- Purpose: the months that were archived, oldest first.
-- Output:  one row a month; is_anchored: the seal over its last entry is still in the chain
select
  m.month, m.file_name, encode(m.file_sha256, 'hex') as file_sha256, m.file_size_bytes, m.entry_count,
  m.seal_id is null
  or exists (select from public.media_sync_log_seal as s where s.id = m.seal_id and s.digest = m.seal_digest) as is_anchored
from audit.archived_month as m
order by m.month
