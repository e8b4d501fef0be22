-- What a run found different. A diff is a report and an inbound work list: it never writes to Cloudinary.

create table diff.change_set (
  id bigint generated always as identity,
  run_id bigint,
  state text not null default 'pending',
  computed_at timestamptz not null default now(),
  finished_at timestamptz,
  created_count bigint not null default 0,
  updated_count bigint not null default 0,
  renamed_count bigint not null default 0,
  moved_count bigint not null default 0,
  restored_count bigint not null default 0,
  deleted_count bigint not null default 0,
  conflict_count bigint not null default 0,
  held_count bigint not null default 0,
  constraint change_set_pkey primary key (id),
  constraint change_set_run_id_fkey foreign key (run_id) references ops.run (id),
  constraint change_set_state_known check (state in ('pending', 'applied', 'superseded')),
  constraint change_set_finished_iff_final check ((finished_at is not null) = (state <> 'pending'))
);
create index change_set_pending_idx on diff.change_set (id) where state = 'pending';
comment on table diff.change_set is 'All differences that one run found between the mirror and media_assets.';
comment on column diff.change_set.id is 'Number.';
comment on column diff.change_set.run_id is 'Run that computed it.';
comment on column diff.change_set.state is 'pending; then applied, or superseded by a newer one.';
comment on column diff.change_set.computed_at is 'When it was computed.';
comment on column diff.change_set.finished_at is 'When it was applied or superseded.';
comment on column diff.change_set.created_count is 'Assets new to us.';
comment on column diff.change_set.updated_count is 'Assets with changed fields.';
comment on column diff.change_set.renamed_count is 'Assets with another public_id.';
comment on column diff.change_set.moved_count is 'Assets in another folder.';
comment on column diff.change_set.restored_count is 'Assets that are live again.';
comment on column diff.change_set.deleted_count is 'Assets proved deleted, held ones included.';
comment on column diff.change_set.conflict_count is 'Assets changed on both sides.';
comment on column diff.change_set.held_count is 'Deletions that wait for an approval.';

create table diff.change (
  change_set_id bigint not null,
  asset_id text collate "C" not null,
  kind text not null,
  state text not null default 'pending',
  fields text[] not null default '{}',
  before jsonb,
  after jsonb,
  remote_fingerprint bytea,
  refusal text,
  constraint change_pkey primary key (change_set_id, asset_id),
  constraint change_kind_known check (
    kind in ('created', 'restored', 'deleted', 'conflict', 'renamed', 'moved', 'updated')
  ),
  constraint change_state_known check (state in ('pending', 'applied', 'held', 'superseded', 'refused')),
  constraint change_refusal_iff_refused check ((refusal is not null) = (state = 'refused')),
  constraint change_fields_iff_content check ((fields = '{}') = (before is null and after is null)),
  constraint change_held_is_deletion check (state <> 'held' or kind = 'deleted')
) with (fillfactor = 50);
-- No foreign key to the set, which is made by the same transaction: it would be looked up for every change.
-- No index on state, not even a partial one: it would make every move from pending to applied write all indexes anew.
comment on table diff.change is 'One asset''s part of a change set.';
comment on column diff.change.change_set_id is 'The change set.';
comment on column diff.change.asset_id is 'The asset.';
comment on column diff.change.kind is 'created, restored, deleted, conflict, renamed, moved or updated: the most telling word.';
comment on column diff.change.state is 'pending; then applied, held (waits for an approval), superseded, or refused by Postgres (tried again by the next set).';
comment on column diff.change.fields is 'The fields that differ, in their order; empty for created and deleted.';
comment on column diff.change.before is 'These fields in media_assets.';
comment on column diff.change.after is 'These fields in the mirror.';
comment on column diff.change.refusal is 'What Postgres said of a change that it refused.';
comment on column diff.change.remote_fingerprint is 'Fingerprint of the remote state that was compared; the change is void when it moved on.';

alter table diff.change_set enable row level security;
alter table diff.change enable row level security;
create policy change_set_engine on diff.change_set to media_sync using (true) with check (true);
create policy change_engine on diff.change to media_sync using (true) with check (true);
grant select, insert, update on diff.change_set, diff.change to media_sync;
