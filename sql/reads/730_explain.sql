-- reads/730_explain.sql
-- Purpose: everything that happened to one asset, in the order of time.        Input: asset_id
-- Output:  at, what, actor, run_id, request_id, detail
with recursive known as (
  select cast(:asset_id as text) as asset_id
  union
  -- A row that was uploaded anew went on under another id.
  select l.before ->> 'asset_id'
  from known as k
  inner join public.media_sync_log as l on k.asset_id = l.asset_id
  where l.before ->> 'asset_id' is not null
)

select e.at, e.what, e.actor, e.run_id, e.request_id, e.detail
from (
  select
    l.recorded_at as at, l.action as what, l.actor, l.run_id, null as request_id,
    jsonb_strip_nulls(jsonb_build_object('cause', l.cause, 'row_version', l.row_version))
    || jsonb_build_object('before', coalesce(l.before, '{}'), 'after', coalesce(l.after, '{}')) as detail
  from public.media_sync_log as l
  where l.asset_id in (select k.asset_id from known as k)
  union all
  select
    o.recorded_at, 'intent_recorded', o.actor, null, null,
    jsonb_strip_nulls(jsonb_build_object('operation_id', o.id, 'kind', o.kind, 'edits', o.edit_count, 'reason', o.reason))
    || jsonb_build_object('base', o.base, 'wanted', o.wanted)
  from outbox.operation as o
  where o.asset_id in (select k.asset_id from known as k)
  union all
  select
    o.finished_at, 'operation_' || o.state, 'media_pipeline', null, null,
    jsonb_build_object('operation_id', o.id, 'kind', o.kind, 'outcome', o.outcome)
  from outbox.operation as o
  where o.asset_id in (select k.asset_id from known as k) and o.finished_at is not null
  union all
  select
    p.planned_at, 'planned', 'media_pipeline', p.run_id, null,
    jsonb_strip_nulls(jsonb_build_object('push_plan_id', p.id, 'operation_id', o.id, 'held_because', p.reason))
  from outbox.operation as o
  inner join outbox.push_plan_item as i on o.id = i.operation_id
  inner join outbox.push_plan as p on i.push_plan_id = p.id
  where o.asset_id in (select k.asset_id from known as k)
  union all
  select
    p.decided_at, 'plan_' || case when p.state = 'rejected' then 'rejected' else 'approved' end, p.decided_by, null, null,
    jsonb_build_object('push_plan_id', p.id, 'operation_id', o.id)
  from outbox.operation as o
  inner join outbox.push_plan_item as i on o.id = i.operation_id
  inner join outbox.push_plan as p on i.push_plan_id = p.id
  where o.asset_id in (select k.asset_id from known as k) and p.decided_at is not null
  union all
  select
    coalesce(a.finished_at, a.started_at), 'attempt', 'media_pipeline', a.run_id, a.request_id,
    jsonb_strip_nulls(
      jsonb_build_object('operation_id', a.operation_id, 'result', coalesce(a.result, 'no result'), 'detail', a.detail)
    )
  from outbox.operation as o
  inner join outbox.attempt as a on o.id = a.operation_id
  where o.asset_id in (select k.asset_id from known as k)
  union all
  select
    c.opened_at, 'conflict_opened', 'media_pipeline', null, null,
    jsonb_build_object(
      'conflict_id', c.id, 'field', c.field, 'key', c.key, 'base', c.base, 'local', c.local, 'remote', c.remote
    )
  from outbox.conflict as c
  where c.asset_id in (select k.asset_id from known as k)
  union all
  select c.resolved_at, 'conflict_' || c.state, c.resolved_by, null, null, jsonb_build_object('conflict_id', c.id)
  from outbox.conflict as c
  where c.asset_id in (select k.asset_id from known as k) and c.resolved_at is not null
  union all
  select
    s.computed_at, 'change_found', 'cloudinary', s.run_id, null,
    jsonb_build_object('change_set_id', s.id, 'kind', c.kind, 'state', c.state, 'fields', c.fields)
  from diff.change as c
  inner join diff.change_set as s on c.change_set_id = s.id
  where c.asset_id in (select k.asset_id from known as k)
  union all
  select
    h.opened_at, 'hold_opened', 'media_pipeline', h.run_id, null,
    jsonb_build_object('hold_id', h.id, 'kind', h.kind, 'reason', h.reason)
  from ops.hold_item as i
  inner join ops.hold as h on i.hold_id = h.id
  where i.asset_id in (select k.asset_id from known as k)
  union all
  select h.decided_at, 'hold_' || h.state, h.decided_by, null, null, jsonb_build_object('hold_id', h.id)
  from ops.hold_item as i
  inner join ops.hold as h on i.hold_id = h.id
  where i.asset_id in (select k.asset_id from known as k) and h.decided_at is not null
  union all
  select
    s.verified_at, 'last_sighting', 'cloudinary', r.run_id, null,
    jsonb_build_object('state', s.state, 'listing_run_id', s.seen_listing_run_id)
  from mirror.asset_sighting as s
  left join landing.listing_run as r on s.seen_listing_run_id = r.id
  where s.asset_id in (select k.asset_id from known as k) and s.verified_at is not null
  union all
  select
    q.hinted_at, 'read_asked_for', 'media_pipeline', null, null,
    jsonb_build_object('reason', q.reason, 'attempts', q.attempt_count, 'not_before', q.not_before)
  from mirror.verify_queue as q
  where q.asset_id in (select k.asset_id from known as k)
  union all
  select
    n.received_at, 'notified', coalesce(n.triggered_by, 'cloudinary'), null, n.request_id,
    jsonb_strip_nulls(
      jsonb_build_object(
        'notification_id', n.id, 'type', n.notification_type, 'outcome', n.outcome, 'channel', n.channel,
        'deliveries', n.delivery_count, 'triggered_at', n.triggered_at
      )
    )
  from known as k
  inner join landing.notification as n on n.asset_ids @> array[k.asset_id]
  union all
  select
    q.last_seen_at, 'record_quarantined', 'cloudinary', null, null,
    jsonb_build_object('reason', q.reason, 'detail', q.detail, 'resolved_at', q.resolved_at)
  from mirror.quarantine as q
  where q.asset_id in (select k.asset_id from known as k)
) as e
order by e.at, e.what
