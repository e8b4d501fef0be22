-- reads/525_count_library.sql
-- Purpose: the rows of media_assets, live and deleted, and what the live ones weigh.
select
  count(*) as row_count,
  count(*) filter (where m.deleted_at is null) as live_count,
  count(*) filter (where m.deleted_at is not null) as deleted_count,
  coalesce(sum(m.size_bytes) filter (where m.deleted_at is null), 0)::bigint as live_size_bytes
from public.media_assets as m
