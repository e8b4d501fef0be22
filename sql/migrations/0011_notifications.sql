-- What Cloudinary told us, byte for byte.

create table landing.notification (
  id bigint generated always as identity,
  body_digest bytea not null,
  body bytea not null,
  headers jsonb not null,
  channel text not null,
  received_at timestamptz not null,
  last_received_at timestamptz not null,
  delivery_count bigint not null default 1,
  notification_type text,
  triggered_at timestamptz,
  triggered_by text,
  request_id text,
  outcome text not null,
  reason text,
  asset_ids text[] collate "C" not null default '{}',
  is_undefined boolean not null default false,
  landed_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint notification_pkey primary key (id),
  constraint notification_body_digest_key unique (body_digest),
  constraint notification_digest_is_sha256 check (octet_length(body_digest) = 32),
  constraint notification_channel_known check (channel in ('webhook', 'poll')),
  constraint notification_outcome_known check (
    outcome in ('hinted', 'no_asset', 'not_mirrored', 'folders', 'unknown_type', 'foreign_cloud', 'quarantined')
  ),
  constraint notification_reason_iff_quarantined check ((reason is not null) = (outcome = 'quarantined')),
  constraint notification_deliveries_positive check (delivery_count > 0),
  constraint notification_times_in_order check (received_at <= last_received_at)
);
create index notification_landed_idx on landing.notification (landed_at);
create index notification_request_idx on landing.notification (request_id) where request_id is not null;
create index notification_assets_idx on landing.notification using gin (asset_ids);
create trigger notification_set_updated_at before update on landing.notification
for each row execute function ops.set_updated_at();
comment on table landing.notification is 'Every signed message, once however often it came; a hint, never content.';
comment on column landing.notification.id is 'Number.';
comment on column landing.notification.body_digest is 'SHA-256 of the body.';
comment on column landing.notification.body is 'The body as it was signed.';
comment on column landing.notification.headers is 'Headers of the first delivery that say something about it.';
comment on column landing.notification.channel is 'webhook or poll: how it first came.';
comment on column landing.notification.received_at is 'When it first came.';
comment on column landing.notification.last_received_at is 'When it last came.';
comment on column landing.notification.delivery_count is 'How often it came.';
comment on column landing.notification.notification_type is 'Cloudinary''s word for what happened; null where it tells none.';
comment on column landing.notification.triggered_at is 'When it happened, as Cloudinary tells; for people and lag, never for order.';
comment on column landing.notification.triggered_by is 'Who did it, as source:id.';
comment on column landing.notification.request_id is 'Request that caused it.';
comment on column landing.notification.outcome is
'hinted: its assets are read again; no_asset: it names none that we know; not_mirrored: of a delivery type that is not mirrored; folders: the folder tree is read again; unknown_type: a new one, its assets are read again; foreign_cloud: of another cloud; quarantined: it cannot be read.';
comment on column landing.notification.reason is 'Why it cannot be read; only where quarantined.';
comment on column landing.notification.asset_ids is 'Assets that it made be read again.';
comment on column landing.notification.is_undefined is 'Whether it mentions structured metadata whose definition was not known then.';
comment on column landing.notification.landed_at is 'When it was taken out of the spool.';
comment on column landing.notification.updated_at is 'Last change of this row.';

alter table landing.notification enable row level security;
create policy notification_engine on landing.notification to media_sync using (true) with check (true);
grant select, insert, update on landing.notification to media_sync;
