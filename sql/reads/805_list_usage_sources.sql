-- reads/805_list_usage_sources.sql
-- Purpose: systems that report where assets are used, with their last scan that found something.
-- Output:  source_system, use_count, last_seen_at       Cost: one pass over the live uses
select u.source_system, count(*) as use_count, max(u.last_seen_at) as last_seen_at
from public.media_usage as u
where u.is_live
group by u.source_system
order by u.source_system
