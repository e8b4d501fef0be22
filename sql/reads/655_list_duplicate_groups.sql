-- reads/655_list_duplicate_groups.sql
-- Purpose: groups of assets with the same bytes, those that waste most first.
-- Input:   row_limit (null for all)                     Output: public_ids and folders, twenty at most of each group
-- Cost:    one pass over the live library, and one look at the uses of each asset of a group
select
  a.etag, a.resource_type, a.size_bytes, count(*) as asset_count, (count(*) - 1) * a.size_bytes as saved_bytes,
  (array_agg(m.public_id order by m.created_at, m.asset_id))[1:20] as public_ids,
  (array_agg(distinct m.asset_folder) filter (where m.asset_folder is not null))[1:20] as folders,
  cast(sum(u.use_count) as bigint) as use_count
from mirror.alike_asset as a
inner join public.media_assets as m on a.asset_id = m.asset_id
cross join lateral (
  select count(*) as use_count from public.media_usage as w where w.media_asset_id = m.id and w.is_live
) as u
where a.etag is not null
group by a.resource_type, a.size_bytes, a.etag
having count(*) > 1
order by saved_bytes desc, a.etag asc
limit cast(:row_limit as bigint)
