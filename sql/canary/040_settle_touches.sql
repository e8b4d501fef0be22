-- canary/040_settle_touches.sql
-- Purpose: which touches came back.                     Writes: ops.canary_touch
-- A later number proves the earlier ones: a read shows only the last of several changes.
with shown as (
  select l.asset_id, l.recorded_at, cast(l.after -> 'context' ->> 'touched' as bigint) as touch_id
  from public.media_sync_log as l
  where
    l.asset_id in (select t.asset_id from ops.canary_touch as t where t.applied_at is null)
    and l.recorded_at >= (select min(t.touched_at) from ops.canary_touch as t where t.applied_at is null)
    and l.after -> 'context' ->> 'touched' ~ '^[0-9]{1,18}$'
  union all
  -- The log of a creation holds no values.
  select a.asset_id, a.updated_at, cast(a.context ->> 'touched' as bigint)
  from public.media_assets as a
  where
    a.asset_id in (select t.asset_id from ops.canary_touch as t where t.applied_at is null)
    and a.deleted_at is null and a.context ->> 'touched' ~ '^[0-9]{1,18}$'
),

came_back as (
  select
    t.id,
    coalesce(
      t.notified_at,
      (select min(n.received_at) from landing.notification as n where n.request_id = t.request_id)
    ) as notified_at,
    coalesce(
      t.applied_at,
      (select min(s.recorded_at) from shown as s where s.asset_id = t.asset_id and s.touch_id >= t.id)
    ) as applied_at
  from ops.canary_touch as t
  where
    t.is_sent and (t.notified_at is null or t.applied_at is null)
    and t.touched_at > now() - interval '3 days'
)

update ops.canary_touch as t
set notified_at = c.notified_at, applied_at = c.applied_at
from came_back as c
where t.id = c.id and (t.notified_at, t.applied_at) is distinct from (c.notified_at, c.applied_at)
