-- reads/520_count_mirror.sql
-- Purpose: how many assets the mirror knows, by what is proved of them.
-- Cost:    one pass over the narrow bookkeeping table
select
  count(*) as row_count,
  count(*) filter (where s.state = 'live') as live_count,
  count(*) filter (where s.state = 'suspect') as suspect_count,
  count(*) filter (where s.state = 'tombstone') as tombstone_count
from mirror.asset_sighting as s
