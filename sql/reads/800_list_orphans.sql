-- reads/800_list_orphans.sql
-- Purpose: assets that nothing here has wanted for some days, those longest unwanted first.
-- Input:   unused_days, row_limit (null for all)        Output: totals repeat on every row
-- Cost:    hash anti-joins of the library with uses, collections and open operations
select
  m.asset_id, m.public_id, m.resource_type, m.delivery_type, m.size_bytes, v.last_wanted_at,
  count(*) over () as total_count, cast(coalesce(sum(m.size_bytes) over (), 0) as bigint) as total_size_bytes
from outbox.orphan_asset as v
inner join public.media_assets as m on v.asset_id = m.asset_id
where v.last_wanted_at <= clock_timestamp() - make_interval(days => :unused_days)
order by v.last_wanted_at, m.asset_id
limit cast(:row_limit as bigint)
