-- reads/650_count_duplicates.sql
-- Purpose: how many assets may have the bytes of others, how many do, and what one of each would save.
-- Output:  one row                                      Cost: one pass over the live library
select
  cast(coalesce(sum(g.asset_count), 0) as bigint) as candidate_count,
  cast(coalesce(sum(g.asset_count) filter (where not g.is_compared), 0) as bigint) as uncompared_count,
  cast(coalesce(sum(g.asset_count) filter (where g.is_compared and g.etag is null), 0) as bigint) as untold_count,
  count(*) filter (where g.is_group) as group_count,
  cast(coalesce(sum(g.asset_count) filter (where g.is_group), 0) as bigint) as duplicate_count,
  cast(coalesce(sum((g.asset_count - 1) * g.size_bytes) filter (where g.is_group), 0) as bigint) as saved_bytes
from (
  select
    a.size_bytes, a.etag, a.is_compared, count(*) as asset_count, count(*) > 1 and a.etag is not null as is_group
  from mirror.alike_asset as a
  group by a.resource_type, a.size_bytes, a.etag, a.is_compared
) as g
