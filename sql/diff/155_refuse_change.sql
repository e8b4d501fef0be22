-- diff/155_refuse_change.sql
-- Purpose: set one change aside that Postgres refuses, so that the rest goes on; the next set tries it again.
-- Input:   change_set_id, asset_id, refusal             Writes: diff.change
update diff.change
set state = 'refused', refusal = :refusal
where change_set_id = :change_set_id and asset_id = :asset_id and state = 'pending'
