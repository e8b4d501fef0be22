-- intake/010_land_notifications.sql
-- Purpose: keep messages as received; one that came before is counted.     Writes: landing.notification
-- Input:   one array a column, each body once
insert into landing.notification as n (
  body_digest, body, headers, channel, received_at, last_received_at, delivery_count, notification_type, triggered_at,
  triggered_by, request_id, outcome, reason, asset_ids, is_undefined
)
select
  m.body_digest, m.body, cast(m.headers as jsonb), m.channel, m.received_at, m.last_received_at, m.delivery_count,
  m.notification_type, m.triggered_at, m.triggered_by, m.request_id, m.outcome, m.reason,
  array(select jsonb_array_elements_text(cast(m.asset_ids as jsonb))), m.is_undefined
from unnest(
  cast(:body_digests as bytea[]), cast(:bodies as bytea[]), cast(:headers as text[]), cast(:channels as text[]),
  cast(:received_ats as timestamptz[]), cast(:last_received_ats as timestamptz[]), cast(:delivery_counts as bigint[]),
  cast(:notification_types as text[]), cast(:triggered_ats as timestamptz[]), cast(:triggered_bys as text[]),
  cast(:request_ids as text[]), cast(:outcomes as text[]), cast(:reasons as text[]), cast(:asset_ids as text[]),
  cast(:is_undefined as boolean[])
) as m (
  body_digest, body, headers, channel, received_at, last_received_at, delivery_count, notification_type, triggered_at,
  triggered_by, request_id, outcome, reason, asset_ids, is_undefined
)
order by m.body_digest
on conflict (body_digest) do update
  set
    delivery_count = n.delivery_count + excluded.delivery_count,
    received_at = least(n.received_at, excluded.received_at),
    last_received_at = greatest(n.last_received_at, excluded.last_received_at),
    outcome = excluded.outcome,
    reason = excluded.reason,
    asset_ids = excluded.asset_ids,
    is_undefined = excluded.is_undefined
