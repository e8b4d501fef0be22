-- push/040_count_live.sql
-- Purpose: assets of each slice that are live here or about to be deleted by people.
-- Output:  resource_type, delivery_type, live_count
select m.resource_type, m.delivery_type, count(*) as live_count
from public.media_assets as m
where
  m.deleted_at is null
  or exists (
    select from outbox.operation as o
    where o.asset_id = m.asset_id and o.kind = 'delete' and o.state in ('pending', 'leased', 'unknown', 'sent')
  )
group by m.resource_type, m.delivery_type
