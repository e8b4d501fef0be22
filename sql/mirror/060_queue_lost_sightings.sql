-- mirror/060_queue_lost_sightings.sql
-- Purpose: where this read lost against something newer and says something else, read again. Also where it won, but
--          an older read was taken over after ours was compared.
-- Input:   touch, has_lost (of 030_win_sightings); temp table page_sighting
-- Writes:  mirror.verify_queue (through mirror.hint)
-- Cost:    one primary key look-up a record, two where this read lost any, see 020_find_unknown_documents
select mirror.hint(coalesce(array_agg(p.asset_id), '{}'), 'window') as hinted_count
from page_sighting as p
where
  p.document_digest is distinct from (
    select r.document_digest from mirror.remote_asset as r where r.asset_id = p.asset_id
  )
  or (
    :has_lost
    and (
      select s.state <> 'live' and (s.touch is distinct from :touch)
      from mirror.asset_sighting as s
      where s.asset_id = p.asset_id
    )
  )
