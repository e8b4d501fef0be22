-- mirror/125_count_quarantined.sql
-- Purpose: bad records make a walk unable to prove absence.   Writes: landing.listing_run
update landing.listing_run set quarantined_count = quarantined_count + :quarantined_count where id = :listing_run_id
