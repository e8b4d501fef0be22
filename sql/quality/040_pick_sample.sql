-- quality/040_pick_sample.sql
-- Purpose: live assets of the mirror by chance, for a comparison with the cloud.
-- Input:   row_limit
-- Cost:    one look at every sighting, and a heap of row_limit
select s.asset_id
from mirror.asset_sighting as s
where s.state = 'live'
order by random()
limit :row_limit
