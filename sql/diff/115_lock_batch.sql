-- diff/115_lock_batch.sql
-- Purpose: the rows of a batch, so that an edit is either seen by the statements that follow or waits for them.
-- Input:   change_set_id, first_id, last_id             Locks: public.media_assets, in order
select m.asset_id
from diff.change as c
inner join public.media_assets as m on c.asset_id = m.asset_id
where c.change_set_id = :change_set_id and c.asset_id between :first_id and :last_id and c.state = 'pending'
order by m.asset_id
for update of m
