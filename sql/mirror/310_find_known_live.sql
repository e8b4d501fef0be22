-- mirror/310_find_known_live.sql
-- Purpose: assets most recently proved live, to be read along with others as canaries.
-- Input:   excluded_ids, row_limit                      Output: asset_id, newest proof first
-- Cost:    a top-n over the narrow table; 90 ms for 1,000,000 rows would be paid once a batch of suspects
select s.asset_id
from mirror.asset_sighting as s
where
  s.state = 'live' and s.asset_id <> all(cast(:excluded_ids as text[]))
  and not exists (select from mirror.verify_queue as q where q.asset_id = s.asset_id)
order by s.touch desc
limit :row_limit
