-- diff/112_list_pending.sql
-- Purpose: the pending changes of a batch, to be halved around one that Postgres refuses.
-- Input:   change_set_id, first_id, last_id             Output: asset_id each, in order
select c.asset_id
from diff.change as c
where c.change_set_id = :change_set_id and c.asset_id between :first_id and :last_id and c.state = 'pending'
order by c.asset_id
