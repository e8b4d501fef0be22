-- mirror/060_queue_lost_sightings.sql
-- Purpose: where this read lost against something newer and says something else, read again.
-- Input:   temp tables page_sighting, page_won          Output: asset_id each
-- Writes:  mirror.verify_queue (through mirror.hint)
select mirror.hint(coalesce(array_agg(p.asset_id), '{}'), 'window') as hinted_count
from page_sighting as p
inner join mirror.asset_sighting as s on p.asset_id = s.asset_id
left join mirror.remote_asset as r on p.asset_id = r.asset_id
where
  r.document_digest is distinct from p.document_digest
  or (s.state <> 'live' and not exists (select from page_won as w where w.asset_id = p.asset_id))
