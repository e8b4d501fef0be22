-- mirror/230_mark_suspects.sql
-- Purpose: the counted assets become suspects.          Input: temp table suspect
-- Writes:  mirror.asset_sighting (state only: touch stays, so that the proof by this walk stays comparable)
update mirror.asset_sighting as s
set state = 'suspect'
from suspect as e
where s.asset_id = e.asset_id
