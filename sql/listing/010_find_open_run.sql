-- listing/010_find_open_run.sql
-- Purpose: a walk of this slice that was interrupted and may go on at its cursor.
-- Input:   resource_type, delivery_type
-- Output:  at most one row; next_touch_low is the low end of the window of reads that begin from now on
select
  l.id, l.scope, nextval('mirror.touch_seq') as next_touch_low, l.cursor, l.page_count, l.asset_count, l.restart_count,
  l.started_at > clock_timestamp() - interval '24 hours' as is_fresh
from landing.listing_run as l
where l.resource_type = :resource_type and l.delivery_type = :delivery_type and l.state = 'open'
