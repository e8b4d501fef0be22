-- diff/150_mark_applied.sql
-- Purpose: the changes of a batch that are in force now; one whose asset moved on meanwhile is found anew next time.
-- Input:   change_set_id, first_id, last_id             Output: state each
-- Writes:  diff.change
update diff.change as c
set
  state = coalesce(
    (
      select 'applied'
      from public.media_assets as m
      where
        m.asset_id = c.asset_id
        and case
          when c.kind = 'deleted' then m.deleted_at is not null
          when c.kind = 'restored' then m.deleted_at is null and m.applied_fingerprint = c.remote_fingerprint
          else m.applied_fingerprint = c.remote_fingerprint
        end
    ),
    'superseded'
  )
where
  c.change_set_id = :change_set_id and c.asset_id between :first_id and :last_id and c.state = 'pending'
returning c.state, c.kind
