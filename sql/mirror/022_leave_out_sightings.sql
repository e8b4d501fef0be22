-- mirror/022_leave_out_sightings.sql
-- Purpose: bad records and remnants are no sightings.
-- Input:   asset_ids                                    Writes: temp table page_sighting
delete from page_sighting where asset_id = any(cast(:asset_ids as text[]))
