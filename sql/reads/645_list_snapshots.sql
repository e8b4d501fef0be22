-- reads/645_list_snapshots.sql
-- Purpose: figures over time: the first snapshot of each hour, and the newest one.
-- Input:   days                                         Output: id, taken_at, figures, the oldest first
-- Cost:    96 snapshots a day
select s.id, s.taken_at, s.figures
from ops.status_snapshot as s
where
  s.taken_at > clock_timestamp() - make_interval(days => :days)
  and (
    s.id in (
      select distinct on (date_trunc('hour', h.taken_at)) h.id
      from ops.status_snapshot as h
      where h.taken_at > clock_timestamp() - make_interval(days => :days)
      order by date_trunc('hour', h.taken_at), h.taken_at
    )
    or s.id = (select max(n.id) from ops.status_snapshot as n)
  )
order by s.taken_at
