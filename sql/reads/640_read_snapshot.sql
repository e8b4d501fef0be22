-- reads/640_read_snapshot.sql
-- Purpose: the figures of one snapshot.                 Input: snapshot_id
select s.id, s.taken_at, s.figures
from ops.status_snapshot as s
where s.id = :snapshot_id
