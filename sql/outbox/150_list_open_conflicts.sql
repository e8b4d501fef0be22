-- outbox/150_list_open_conflicts.sql
-- Purpose: the open conflicts of some assets.            Input: asset_ids      Output: one row a conflict
select c.id, c.asset_id, c.field, c.key, c.base, c.local, c.remote, o.actor
from outbox.conflict as c
inner join outbox.operation as o on c.operation_id = o.id
where c.asset_id = any(cast(:asset_ids as text[])) and c.state = 'open'
order by c.asset_id, c.id
