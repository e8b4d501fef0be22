-- diff/100_find_pending_change_set.sql
-- Purpose: the change set that is to be applied; a newer one supersedes an older one.
select t.id, t.run_id from diff.change_set as t where t.state = 'pending' order by t.id desc limit 1
