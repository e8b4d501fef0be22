-- diff/110_split_pending.sql
-- Purpose: the pending changes in batches, each from one asset_id to another.
-- Input:   change_set_id, batch_size                    Output: first_id, last_id, change_count
select min(e.asset_id) as first_id, max(e.asset_id) as last_id, count(*) as change_count
from (
  select c.asset_id, (row_number() over (order by c.asset_id) - 1) / :batch_size as batch
  from diff.change as c
  where c.change_set_id = :change_set_id and c.state = 'pending'
) as e
group by e.batch
order by e.batch
