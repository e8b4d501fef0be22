-- ops/300_read_incarnation.sql
-- Purpose: which database this is, and how far its clocks went; no row before the first sync.
-- Output:  incarnation; touch: that of observations, moved by every read; attempt: that of pushes alone
-- Why:     the numbers of attempts, not the attempts, which are not kept for ever; 0 also where the user may not see them
select
  cast(b.incarnation as text) as incarnation, s.last_value as touch,
  coalesce((
    select q.last_value from pg_catalog.pg_sequences as q
    where q.schemaname = 'outbox' and q.sequencename = 'attempt_id_seq'
  ), 0) as attempt
from ops.cloud_binding as b
cross join mirror.touch_seq as s
