-- ops/048_commit_later.sql
-- Purpose: do not wait for the disk at the commit of this transaction: a crash of the server may lose its last moment.
-- Output:  one row
select set_config('synchronous_commit', 'off', true) as synchronous_commit
