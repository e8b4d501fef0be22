-- diff/090_count_changes.sql
-- Purpose: the counts of a change set; one without changes is applied already.
-- Output:  the counts and the state                     Writes: diff.change_set
update diff.change_set as t
set
  created_count = e.created_count,
  updated_count = e.updated_count,
  renamed_count = e.renamed_count,
  moved_count = e.moved_count,
  restored_count = e.restored_count,
  deleted_count = e.deleted_count,
  conflict_count = e.conflict_count,
  held_count = e.held_count,
  state = case when e.change_count = 0 then 'applied' else 'pending' end,
  finished_at = case when e.change_count = 0 then clock_timestamp() end
from (
  select
    count(*) as change_count,
    count(*) filter (where c.kind = 'created') as created_count,
    count(*) filter (where c.kind = 'updated') as updated_count,
    count(*) filter (where c.kind = 'renamed') as renamed_count,
    count(*) filter (where c.kind = 'moved') as moved_count,
    count(*) filter (where c.kind = 'restored') as restored_count,
    count(*) filter (where c.kind = 'deleted') as deleted_count,
    count(*) filter (where c.kind = 'conflict') as conflict_count,
    count(*) filter (where c.state = 'held') as held_count
  from diff.change as c
  where c.change_set_id = :change_set_id
) as e
where t.id = :change_set_id
returning
  t.state, t.created_count, t.updated_count, t.renamed_count, t.moved_count, t.restored_count, t.deleted_count,
  t.conflict_count, t.held_count
