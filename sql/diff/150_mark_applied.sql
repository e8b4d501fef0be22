-- diff/150_mark_applied.sql
-- Purpose: the changes of a batch that are in force now; one whose asset moved on meanwhile is found anew next time.
-- Input:   change_set_id, first_id, last_id             Output: state each
-- Writes:  diff.change
update diff.change as c
set
  state = case
    when c.kind = 'deleted' and m.deleted_at is not null then 'applied'
    when
      c.kind <> 'deleted' and m.applied_fingerprint = c.remote_fingerprint
      and (c.kind <> 'restored' or m.deleted_at is null)
      then 'applied'
    else 'superseded'
  end
from (
  select p.asset_id, a.deleted_at, a.applied_fingerprint
  from diff.change as p
  left join public.media_assets as a on p.asset_id = a.asset_id
  where p.change_set_id = :change_set_id and p.asset_id between :first_id and :last_id and p.state = 'pending'
) as m
where c.change_set_id = :change_set_id and c.asset_id = m.asset_id and c.state = 'pending'
returning c.state, c.kind
