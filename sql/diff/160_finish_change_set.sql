-- diff/160_finish_change_set.sql
-- Purpose: nothing of the set is pending any more; held changes are found anew by the next set.
-- Writes:  diff.change_set
update diff.change_set as t
set state = 'applied', finished_at = clock_timestamp()
where
  t.id = :change_set_id and t.state = 'pending'
  and not exists (select from diff.change as c where c.change_set_id = t.id and c.state = 'pending')
