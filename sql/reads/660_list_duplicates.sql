-- reads/660_list_duplicates.sql
-- Purpose: every asset whose bytes another one has, group by group, with where it is used.
-- Output:  uses: 'source: reference', twenty at most    Cost: as reads/655
select
  a.etag, m.asset_id, m.public_id, m.resource_type, m.delivery_type, m.size_bytes, m.asset_folder, m.created_at,
  u.use_count, u.uses
from (
  select d.*, count(*) over (partition by d.resource_type, d.size_bytes, d.etag) as equal_count
  from mirror.alike_asset as d
  where d.etag is not null
) as a
inner join public.media_assets as m on a.asset_id = m.asset_id
cross join lateral (
  select
    count(*) as use_count,
    (array_agg(w.source_system || ': ' || w.reference order by w.source_system, w.reference))[1:20] as uses
  from public.media_usage as w
  where w.media_asset_id = m.id and w.is_live
) as u
where a.equal_count > 1
order by (a.equal_count - 1) * a.size_bytes desc, a.etag asc, m.created_at asc, m.asset_id asc
