-- reads/030_list_activities.sql
-- Purpose: who is doing what at this moment: the holder a fence names counts only while its lock is really held.
-- Output:  activity, holder, acquired_at, process_id (of the database session)
-- Why:     a lock on one 64-bit key shows in pg_locks as two halves and objsubid 1.
select f.activity, f.holder, f.acquired_at, l.pid as process_id
from ops.fence as f
inner join pg_catalog.pg_locks as l
  on ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended('media_pipeline ' || f.activity, 0)
where
  l.locktype = 'advisory' and l.objsubid = 1 and l.granted
  and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = current_database())
order by f.acquired_at, f.activity
