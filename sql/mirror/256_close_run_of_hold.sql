-- mirror/256_close_run_of_hold.sql
-- Purpose: the walk whose hold was decided.             Input: hold_id        Writes: landing.listing_run
update landing.listing_run as l
set state = 'closed'
from ops.hold as h
where h.id = :hold_id and l.id = h.listing_run_id and l.state = 'held'
