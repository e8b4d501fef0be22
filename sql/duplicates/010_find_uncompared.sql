-- duplicates/010_find_uncompared.sql
-- Purpose: assets whose bytes may be those of others and whose MD5 is not known yet, the largest first.
-- Input:   row_limit                                    Output: total_count repeats on every row
-- Cost:    one pass over the live library, sorted by type and size
select a.asset_id, count(*) over () as total_count
from mirror.alike_asset as a
where not a.is_compared
order by a.size_bytes desc, a.asset_id asc
limit :row_limit
