-- reads/910_list_gaps.sql
-- Purpose: stretches in which notifications were lost, or in which nothing proves that they arrived.
-- Input:   is_wanted (else only where any was ever heard), overdue_seconds (a notification that is older is lost), silence_seconds (longest stretch between two proofs)
-- Output:  from_at, to_at (null: it goes on), lost_count; oldest first
-- Repaired is what a full sync saw that began later: it lists everything, and proves what is gone.
with touch as materialized (
  select t.touched_at, t.notified_at
  from ops.canary_touch as t
  where t.is_sent and t.touched_at > now() - interval '90 days'
),

bound as (
  select touch.touched_at from touch where touch.notified_at is not null
  union
  select min(touch.touched_at) from touch having count(*) > 0
),

stretch as (
  select b.touched_at as from_at, lead(b.touched_at) over (order by b.touched_at) as to_at
  from bound as b
),

counted as (
  select
    s.from_at, s.to_at,
    (
      select count(*)
      from touch as t
      where
        t.notified_at is null and t.touched_at >= s.from_at and t.touched_at < coalesce(s.to_at, now())
        and t.touched_at < now() - make_interval(secs => :overdue_seconds)
    ) as lost_count
  from stretch as s
)

select c.from_at, c.to_at, c.lost_count
from counted as c
where
  (:is_wanted or exists (select 1 from landing.notification))
  and (c.lost_count > 0 or coalesce(c.to_at, now()) - c.from_at > make_interval(secs => :silence_seconds))
  and not exists (
    select 1
    from ops.run as r
    where r.kind = 'full_sync' and r.state in ('succeeded', 'held') and r.started_at > c.to_at
  )
order by c.from_at
