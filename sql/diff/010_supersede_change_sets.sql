-- diff/010_supersede_change_sets.sql
-- Purpose: what was found earlier and not applied is found anew, or is gone.    Output: id each
-- Writes:  diff.change_set
update diff.change_set
set state = 'superseded', finished_at = clock_timestamp()
where state = 'pending'
returning id
