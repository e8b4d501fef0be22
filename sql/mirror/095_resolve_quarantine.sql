-- mirror/095_resolve_quarantine.sql
-- Purpose: a good record of the same asset was applied, so its bad ones are history.
-- Input:   temp table page_won                          Writes: mirror.quarantine
update mirror.quarantine as q
set resolved_at = clock_timestamp()
from page_won as w
where q.asset_id = w.asset_id and q.resolved_at is null
