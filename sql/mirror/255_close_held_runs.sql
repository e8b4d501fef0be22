-- mirror/255_close_held_runs.sql
-- Purpose: walks of a slice whose hold was decided, withdrawn or replaced by what a newer walk found.
-- Input:   resource_type, delivery_type, listing_run_id (the newer walk, which stays)    Writes: landing.listing_run
update landing.listing_run
set state = 'closed'
where
  resource_type = :resource_type and delivery_type = :delivery_type and state = 'held' and id <> :listing_run_id
