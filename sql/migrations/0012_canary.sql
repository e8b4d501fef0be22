-- The proof that changes still arrive.

create table ops.canary_touch (
  id bigint generated always as identity,
  run_id bigint,
  asset_id text collate "C" not null,
  touched_at timestamptz not null default clock_timestamp(),
  request_id text,
  is_sent boolean not null default false,
  notified_at timestamptz,
  applied_at timestamptz,
  constraint canary_touch_pkey primary key (id),
  constraint canary_touch_run_id_fkey foreign key (run_id) references ops.run (id)
);
create index canary_touch_time_idx on ops.canary_touch (touched_at);
create index canary_touch_open_idx on ops.canary_touch (id) where notified_at is null or applied_at is null;
comment on table ops.canary_touch is 'One change of the canary asset by us, and when it came back: by a notification, and as a row of media_assets.';
comment on column ops.canary_touch.id is 'Number; the canary''s context shows it as "touched".';
comment on column ops.canary_touch.run_id is 'Run of the pipeline.';
comment on column ops.canary_touch.asset_id is 'The canary.';
comment on column ops.canary_touch.touched_at is 'When the change was asked for.';
comment on column ops.canary_touch.request_id is 'Cloudinary''s id of the request; its notification names it.';
comment on column ops.canary_touch.is_sent is 'Whether Cloudinary said that it is done; one that is not sent proves nothing.';
comment on column ops.canary_touch.notified_at is 'When the notification of the change arrived; null where none did yet.';
comment on column ops.canary_touch.applied_at is 'When media_assets showed this change or a later one.';

alter table ops.canary_touch enable row level security;
create policy canary_touch_engine on ops.canary_touch to media_sync using (true) with check (true);
grant select, insert, update on ops.canary_touch to media_sync;
