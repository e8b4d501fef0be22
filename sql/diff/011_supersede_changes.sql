-- diff/011_supersede_changes.sql
-- Purpose: the changes of superseded sets, and deletions that the newest set held: they are found anew. Older sets
--          hold none, since every new set does this.
-- Input:   change_set_ids                               Writes: diff.change
update diff.change
set state = 'superseded'
where
  state in ('pending', 'held')
  and (
    change_set_id = any(cast(:change_set_ids as bigint[]))
    or change_set_id = (select max(t.id) from diff.change_set as t)
  )
