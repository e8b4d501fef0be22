-- diff/020_begin_change_set.sql
-- Output:  id                                           Writes: diff.change_set
insert into diff.change_set (run_id) values (:run_id) returning id
