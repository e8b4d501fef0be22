-- outbox/120_list_overlaid_changes.sql
-- Purpose: assets of a batch of changes that have open operations or conflicts, so are merged field by field.
-- Input:   change_set_id, first_id, last_id             Output: asset_id each, in order
select c.asset_id
from diff.change as c
where
  c.change_set_id = :change_set_id and c.asset_id between :first_id and :last_id and c.state = 'pending'
  and exists (select from outbox.overlaid_asset as v where v.asset_id = c.asset_id)
order by c.asset_id
