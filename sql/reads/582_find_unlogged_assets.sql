-- reads/582_find_unlogged_assets.sql
-- Purpose: rows of media_assets whose present version has no entry in the log; there must be none at any time. A row that
--          is older than the archived months, and of which the log has no entry at all, has its entry there.
-- Input:   row_limit                                    Output: total_count repeats on every row
-- Cost:    one hash anti-join against the log's index on (asset_id, row_version)
select m.asset_id, m.public_id, m.row_version, count(*) over () as total_count
from public.media_assets as m
where
  not exists (
    select from public.media_sync_log as l where l.asset_id = m.asset_id and l.row_version = m.row_version
  )
  and (
    m.mirrored_at >= coalesce((select max(a.end_at) from audit.archived_month as a), '-infinity')
    or exists (select from public.media_sync_log as l where l.asset_id = m.asset_id)
  )
order by m.asset_id
limit :row_limit
