-- reads/930_read_last_sync.sql
-- Purpose: since when this deployment syncs, and when it last did.      Output: first_at, last_at (null: never)
select
  min(r.started_at) as first_at,
  max(r.finished_at) filter (where r.state in ('succeeded', 'held')) as last_at
from ops.run as r
where r.kind in ('full_sync', 'incremental_sync', 'drain')
