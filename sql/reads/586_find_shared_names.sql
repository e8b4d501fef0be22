-- reads/586_find_shared_names.sql
-- Purpose: names that two live assets of one slice have; Cloudinary gives a name once, so one of them is out of date.
-- Input:   row_limit                                    Output: total_count repeats on every row
-- Cost:    one pass over the index on the natural key
select m.resource_type, m.delivery_type, m.public_id, count(*) as asset_count, count(*) over () as total_count
from public.media_assets as m
where m.deleted_at is null
group by m.public_id, m.resource_type, m.delivery_type
having count(*) > 1
order by m.public_id, m.resource_type, m.delivery_type
limit :row_limit
