-- Operations: which cloud this database mirrors, what ran, who holds what, what waits for a person.

create table ops.cloud_binding (
  id boolean not null default true,
  cloud_name text not null,
  is_emulator boolean not null,
  folder_mode text not null,
  incarnation uuid not null default gen_random_uuid(),
  bound_at timestamptz not null default now(),
  constraint cloud_binding_pkey primary key (id),
  constraint cloud_binding_one_row check (id),
  constraint cloud_binding_cloud_name_given check (cloud_name <> ''),
  constraint cloud_binding_folder_mode_known check (folder_mode in ('dynamic', 'fixed'))
);
comment on table ops.cloud_binding is 'The one cloud this database belongs to; another is refused before the first write.';
comment on column ops.cloud_binding.id is 'Always true: there is one row.';
comment on column ops.cloud_binding.cloud_name is 'Cloudinary''s name of the product environment.';
comment on column ops.cloud_binding.is_emulator is 'True where the emulator stood in when the database was bound.';
comment on column ops.cloud_binding.folder_mode is 'dynamic or fixed, as the cloud''s configuration says.';
comment on column ops.cloud_binding.incarnation is 'Identity of this database; a restored copy is told apart by it.';
comment on column ops.cloud_binding.bound_at is 'When the first sync bound the database.';

create table ops.run (
  id bigint generated always as identity,
  kind text not null,
  state text not null default 'running',
  actor text not null,
  dagster_run_id text,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  counts jsonb not null default '{}',
  error text,
  updated_at timestamptz not null default now(),
  constraint run_pkey primary key (id),
  constraint run_kind_known check (
    kind in ('full_sync', 'incremental_sync', 'backfill', 'verify', 'push', 'drain', 'canary', 'definitions')
  ),
  constraint run_state_known check (state in ('running', 'succeeded', 'held', 'failed')),
  constraint run_finished_iff_final check ((finished_at is not null) = (state <> 'running')),
  constraint run_error_iff_failed check ((error is not null) = (state = 'failed'))
);
create index run_started_at_idx on ops.run (started_at desc);
create unique index run_dagster_run_id_idx on ops.run (dagster_run_id) where dagster_run_id is not null;
create trigger run_set_updated_at before update on ops.run
for each row execute function ops.set_updated_at();
comment on table ops.run is 'One row a run of the pipeline, linked to the Dagster run that did it.';
comment on column ops.run.id is 'Number of the run.';
comment on column ops.run.kind is 'full_sync, incremental_sync, backfill, verify or push.';
comment on column ops.run.state is 'running; then succeeded, held (something waits for an approval) or failed.';
comment on column ops.run.actor is 'Who asked for it: cli:<user>, dagster:<run id>, token or user.';
comment on column ops.run.dagster_run_id is 'The run in Dagster, null when no Dagster was involved.';
comment on column ops.run.started_at is 'Start.';
comment on column ops.run.finished_at is 'End, null while running.';
comment on column ops.run.counts is 'Counted rows by step: seen, created, updated, deleted, quarantined, calls.';
comment on column ops.run.error is 'What failed, in words; only for failed runs.';
comment on column ops.run.updated_at is 'Last change of this row.';

create sequence ops.fence_seq;
comment on sequence ops.fence_seq is 'Numbers of fences; a later holder has a greater one.';

create table ops.fence (
  activity text not null,
  fence bigint not null,
  holder text not null,
  acquired_at timestamptz not null default now(),
  constraint fence_pkey primary key (activity)
);
comment on table ops.fence is 'Who holds an activity. A writing transaction checks its fence here, so that a holder that was taken over writes nothing.';
comment on column ops.fence.activity is 'What is being done, e.g. listing image/upload, apply.';
comment on column ops.fence.fence is 'Number of the current holder.';
comment on column ops.fence.holder is 'Host, process and run of the holder.';
comment on column ops.fence.acquired_at is 'When the holder began.';

create table ops.hold (
  id bigint generated always as identity,
  kind text not null,
  resource_type text,
  delivery_type text,
  state text not null default 'open',
  reason text not null,
  asset_count bigint not null,
  total_count bigint not null,
  ids_digest bytea not null,
  run_id bigint,
  listing_run_id bigint,
  opened_at timestamptz not null default now(),
  decided_at timestamptz,
  decided_by text,
  settled_at timestamptz,
  updated_at timestamptz not null default now(),
  constraint hold_pkey primary key (id),
  constraint hold_run_id_fkey foreign key (run_id) references ops.run (id),
  constraint hold_kind_known check (kind in ('suspects', 'deletions')),
  constraint hold_state_known check (state in ('open', 'approved', 'rejected', 'replaced')),
  constraint hold_decided_iff_by check ((decided_at is not null) = (state <> 'open')),
  constraint hold_decided_by_person check ((decided_by is not null) = (state in ('approved', 'rejected'))),
  constraint hold_counts_positive check (asset_count > 0 and total_count >= asset_count),
  constraint hold_digest_is_sha256 check (octet_length(ids_digest) = 32)
);
create unique index hold_one_open_per_slice_idx
on ops.hold (kind, coalesce(resource_type, ''), coalesce(delivery_type, '')) where state = 'open';
create trigger hold_set_updated_at before update on ops.hold
for each row execute function ops.set_updated_at();
comment on table ops.hold is 'Something a guard stopped. It goes on only after a person approves exactly this set of assets.';
comment on column ops.hold.id is 'Number that people use: media-pipeline holds approve <id>.';
comment on column ops.hold.kind is 'suspects: missing in a listing, not read yet. deletions: proved deleted, not applied yet.';
comment on column ops.hold.resource_type is 'Slice of the suspects; null for deletions of any slice.';
comment on column ops.hold.delivery_type is 'Slice of the suspects; null for deletions of any slice.';
comment on column ops.hold.state is 'open; then approved, rejected, or replaced by a newer hold.';
comment on column ops.hold.reason is 'Which guard spoke and why, in words.';
comment on column ops.hold.asset_count is 'Assets in this hold.';
comment on column ops.hold.total_count is 'Live assets the guard compared with.';
comment on column ops.hold.ids_digest is 'SHA-256 over the sorted asset ids; the approval is for exactly these.';
comment on column ops.hold.run_id is 'Run that opened it.';
comment on column ops.hold.listing_run_id is 'Listing run whose suspects these are.';
comment on column ops.hold.opened_at is 'When the guard spoke.';
comment on column ops.hold.decided_at is 'When it was decided or replaced.';
comment on column ops.hold.decided_by is 'The person who decided, as actor.';
comment on column ops.hold.settled_at is 'When the approved assets were handed on.';
comment on column ops.hold.updated_at is 'Last change of this row.';

create table ops.hold_item (
  hold_id bigint not null,
  asset_id text collate "C" not null,
  constraint hold_item_pkey primary key (hold_id, asset_id),
  constraint hold_item_hold_id_fkey foreign key (hold_id) references ops.hold (id) on delete cascade
);
create index hold_item_asset_id_idx on ops.hold_item (asset_id);
comment on table ops.hold_item is 'The assets of a hold.';
comment on column ops.hold_item.hold_id is 'The hold.';
comment on column ops.hold_item.asset_id is 'Cloudinary''s immutable key.';

create table ops.api_budget (
  id boolean not null default true,
  limit_count integer not null,
  remaining_count integer not null,
  reset_at timestamptz not null,
  observed_at timestamptz not null default now(),
  constraint api_budget_pkey primary key (id),
  constraint api_budget_one_row check (id),
  constraint api_budget_counts_positive check (limit_count >= 0 and remaining_count >= 0)
);
comment on table ops.api_budget is 'The allowance of Admin API calls as the last answer told it.';
comment on column ops.api_budget.id is 'Always true: there is one row.';
comment on column ops.api_budget.limit_count is 'Calls an hour that the plan allows.';
comment on column ops.api_budget.remaining_count is 'Calls left until reset_at.';
comment on column ops.api_budget.reset_at is 'When the allowance is given anew.';
comment on column ops.api_budget.observed_at is 'When the answer arrived.';

create table ops.api_call (
  window_at timestamptz not null,
  purpose text not null,
  call_count integer not null default 0,
  constraint api_call_pkey primary key (window_at, purpose),
  constraint api_call_purpose_known check (purpose in ('listing', 'verify', 'folders', 'push', 'other')),
  constraint api_call_count_positive check (call_count >= 0)
);
comment on table ops.api_call is 'Ledger: Admin API calls an hour and purpose, so that no activity starves another.';
comment on column ops.api_call.window_at is 'Start of the clock hour.';
comment on column ops.api_call.purpose is 'listing, verify, folders, push or other.';
comment on column ops.api_call.call_count is 'Units spent.';

create table ops.setting (
  name text not null,
  value jsonb not null,
  changed_at timestamptz not null default now(),
  changed_by text not null,
  constraint setting_pkey primary key (name)
);
comment on table ops.setting is 'Settings that operators change while the system runs.';
comment on column ops.setting.name is 'Name of the setting.';
comment on column ops.setting.value is 'Its value.';
comment on column ops.setting.changed_at is 'Last change.';
comment on column ops.setting.changed_by is 'Who changed it, as actor.';

alter table ops.cloud_binding enable row level security;
alter table ops.run enable row level security;
alter table ops.fence enable row level security;
alter table ops.hold enable row level security;
alter table ops.hold_item enable row level security;
alter table ops.api_budget enable row level security;
alter table ops.api_call enable row level security;
alter table ops.setting enable row level security;

create policy cloud_binding_engine on ops.cloud_binding to media_sync using (true) with check (true);
create policy run_engine on ops.run to media_sync using (true) with check (true);
create policy fence_engine on ops.fence to media_sync using (true) with check (true);
create policy hold_engine on ops.hold to media_sync using (true) with check (true);
create policy hold_item_engine on ops.hold_item to media_sync using (true) with check (true);
create policy api_budget_engine on ops.api_budget to media_sync using (true) with check (true);
create policy api_call_engine on ops.api_call to media_sync using (true) with check (true);
create policy setting_engine on ops.setting to media_sync using (true) with check (true);

grant select, insert, update on ops.cloud_binding, ops.run, ops.fence, ops.hold, ops.api_budget, ops.api_call, ops.setting to media_sync;
grant select, insert on ops.hold_item to media_sync;
grant usage on sequence ops.fence_seq to media_sync;
