-- quality/070_count_slices.sql
-- Purpose: live assets of the mirror by slice.
-- Cost:    one look at every sighting
select s.resource_type, s.delivery_type, count(*) as asset_count
from mirror.asset_sighting as s
where s.state = 'live'
group by s.resource_type, s.delivery_type
