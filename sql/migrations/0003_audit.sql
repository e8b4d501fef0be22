-- The append-only log: who changed what, why, and what it was before.

create table public.media_sync_log (
  id bigint generated always as identity,
  xid xid8 not null default pg_current_xact_id(),
  recorded_at timestamptz not null default now(),
  action text not null,
  cause text not null,
  actor text not null,
  run_id bigint,
  asset_id text collate "C",
  media_asset_id uuid,
  row_version bigint,
  fingerprint bytea,
  before jsonb,
  after jsonb,
  digest bytea not null,
  -- In the order of the log, so that the seals need no index beside it.
  constraint media_sync_log_pkey primary key (xid, id, recorded_at),
  constraint media_sync_log_action_known check (action in (
    'created', 'updated', 'renamed', 'moved', 'restored', 'deleted', 'edited', 'merged',
    'operation_sent', 'operation_done', 'operation_refused', 'operation_conflict', 'operation_unknown',
    'operation_cancelled', 'operation_postponed', 'conflict_resolved', 'plan_held', 'plan_approved', 'plan_rejected',
    'hold_opened', 'hold_approved', 'hold_rejected', 'cloud_bound', 'incarnation_confirmed'
  )),
  constraint media_sync_log_actor_given check (actor <> ''),
  constraint media_sync_log_digest_is_sha256 check (octet_length(digest) = 32),
  constraint media_sync_log_asset_has_version check ((asset_id is null) = (row_version is null))
) partition by range (recorded_at);
create index media_sync_log_asset_idx on public.media_sync_log (asset_id, row_version) where asset_id is not null;

comment on table public.media_sync_log is 'Audit: one row a state change. Nobody may update or delete; sealed against tampering by media_sync_log_seal.';
comment on column public.media_sync_log.id is 'Number, ascending within a transaction.';
comment on column public.media_sync_log.xid is 'Transaction that wrote it; order of the log is (xid, id).';
comment on column public.media_sync_log.recorded_at is 'Start of the transaction that wrote it.';
comment on column public.media_sync_log.action is 'What happened.';
comment on column public.media_sync_log.cause is 'Why: listing, verify, hold, …';
comment on column public.media_sync_log.actor is 'Who: cloudinary, cli:<user>, sql:<role>, dagster:<run id>, …';
comment on column public.media_sync_log.run_id is 'Run of the pipeline, see ops.run.';
comment on column public.media_sync_log.asset_id is 'Cloudinary''s immutable key; null for what concerns no single asset.';
comment on column public.media_sync_log.media_asset_id is 'Our stable key of the asset.';
comment on column public.media_sync_log.row_version is 'row_version of media_assets after the change.';
comment on column public.media_sync_log.fingerprint is 'Fingerprint of the remote state that was applied.';
comment on column public.media_sync_log.before is 'The changed fields as they were; null for a creation.';
comment on column public.media_sync_log.after is 'The changed fields as they are; null for a creation.';
comment on column public.media_sync_log.digest is 'SHA-256 over action to after and recorded_at; the order of entries is covered by the seals.';

create table public.media_sync_log_seal (
  id bigint generated always as identity,
  sealed_at timestamptz not null default clock_timestamp(),
  through_xid xid8 not null,
  through_id bigint not null,
  entry_count bigint not null,
  entries_digest bytea not null,
  previous_digest bytea not null,
  digest bytea not null,
  constraint media_sync_log_seal_pkey primary key (id),
  constraint media_sync_log_seal_one_chain unique (previous_digest),
  constraint media_sync_log_seal_count_positive check (entry_count > 0)
);
comment on table public.media_sync_log_seal is 'Chain of digests over the log: from a seal on, a changed or missing entry is detectable.';
comment on column public.media_sync_log_seal.id is 'Number of the seal.';
comment on column public.media_sync_log_seal.sealed_at is 'When it was made.';
comment on column public.media_sync_log_seal.through_xid is 'Last entry under this seal, in (xid, id) order.';
comment on column public.media_sync_log_seal.through_id is 'Last entry under this seal, in (xid, id) order.';
comment on column public.media_sync_log_seal.entry_count is 'Entries since the previous seal.';
comment on column public.media_sync_log_seal.entries_digest is 'SHA-256 over the digests of these entries, in order.';
comment on column public.media_sync_log_seal.previous_digest is 'Digest of the previous seal; 32 zero bytes for the first.';
comment on column public.media_sync_log_seal.digest is 'SHA-256 over previous_digest, bounds, count and entries_digest.';

create function audit.entry_digest(
  action text, cause text, actor text, run_id bigint, asset_id text, media_asset_id uuid,
  row_version bigint, fingerprint bytea, before jsonb, after jsonb, recorded_at timestamptz
) returns bytea
language sql stable parallel safe
-- A body of this form is bound to its names when it is made, so it needs no search_path and can be inlined.
return sha256(convert_to(concat_ws(
  chr(31),
  action, cause, actor, coalesce(run_id::text, '-'), coalesce(asset_id, '-'), coalesce(media_asset_id::text, '-'),
  coalesce(row_version::text, '-'), coalesce(encode(fingerprint, 'hex'), '-'),
  coalesce(before::text, '-'), coalesce(after::text, '-'), extract(epoch from recorded_at)::text
), 'UTF8'));
revoke all on function audit.entry_digest(text, text, text, bigint, text, uuid, bigint, bytea, jsonb, jsonb, timestamptz) from public;
grant execute on function audit.entry_digest(text, text, text, bigint, text, uuid, bigint, bytea, jsonb, jsonb, timestamptz) to media_sync;
comment on function audit.entry_digest(text, text, text, bigint, text, uuid, bigint, bytea, jsonb, jsonb, timestamptz)
is 'Digest of one entry of the log.';

create function audit.refuse_change() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'the audit log is append-only: % is refused', tg_op
    using errcode = 'insufficient_privilege',
          hint = 'Retention detaches whole partitions; nothing else removes entries.';
end
$$;
revoke all on function audit.refuse_change() from public;
comment on function audit.refuse_change() is 'Trigger: entries and seals are never updated, deleted or truncated.';

create trigger media_sync_log_append_only before update or delete on public.media_sync_log
for each row execute function audit.refuse_change();
create trigger media_sync_log_no_truncate before truncate on public.media_sync_log
for each statement execute function audit.refuse_change();
create trigger media_sync_log_seal_append_only before update or delete on public.media_sync_log_seal
for each row execute function audit.refuse_change();
create trigger media_sync_log_seal_no_truncate before truncate on public.media_sync_log_seal
for each statement execute function audit.refuse_change();

-- Owned by whoever migrates, since making a partition needs ownership of the log.
create function audit.ensure_partitions(through date) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  month_start date := date_trunc('month', now() at time zone 'utc')::date;
  name text;
  made integer := 0;
begin
  while month_start <= through loop
    name := 'media_sync_log_' || to_char(month_start, 'YYYY_MM');
    if to_regclass('audit.' || quote_ident(name)) is null then
      -- Of two runs that begin at once on the first of a month, the second waits and finds it made.
      perform pg_advisory_xact_lock(hashtextextended('media_pipeline audit partitions', 0));
      begin
        execute format(
          'create table audit.%I partition of public.media_sync_log for values from (%L) to (%L)',
          name, month_start::text || ' 00:00:00+00', (month_start + interval '1 month')::date::text || ' 00:00:00+00'
        );
        execute format('alter table audit.%I enable row level security', name);
        execute format('comment on table audit.%I is %L', name, 'Log entries of ' || to_char(month_start, 'YYYY-MM') || '.');
        execute format(
          'create trigger media_sync_log_no_truncate before truncate on audit.%I for each statement '
          'execute function audit.refuse_change()', name
        );
        made := made + 1;
      exception
        when duplicate_table then null;
        -- Entries of this month lie in the partition for others already: they stay there and stay readable.
        when check_violation then null;
      end;
    end if;
    month_start := (month_start + interval '1 month')::date;
  end loop;
  return made;
end
$$;
revoke all on function audit.ensure_partitions(date) from public;
grant execute on function audit.ensure_partitions(date) to media_sync;
comment on function audit.ensure_partitions(date) is 'Makes the monthly partitions of the log from this month through the given day; returns how many were made.';

-- Entries of months that nobody prepared must not be refused.
create table audit.media_sync_log_other partition of public.media_sync_log default;
comment on table audit.media_sync_log_other is 'Log entries of months without a partition of their own.';
create trigger media_sync_log_no_truncate before truncate on audit.media_sync_log_other
for each statement execute function audit.refuse_change();

alter table public.media_sync_log enable row level security;
alter table public.media_sync_log_seal enable row level security;
alter table audit.media_sync_log_other enable row level security;
create policy media_sync_log_engine_read on public.media_sync_log for select to media_sync using (true);
create policy media_sync_log_engine_append on public.media_sync_log for insert to media_sync with check (true);
create policy media_sync_log_seal_engine_read on public.media_sync_log_seal for select to media_sync using (true);
create policy media_sync_log_seal_engine_append on public.media_sync_log_seal for insert to media_sync with check (true);
-- Its place in the log (id, xid, recorded_at) is not for the writer to choose.
grant select on public.media_sync_log, public.media_sync_log_seal to media_sync;
grant insert (
  action, cause, actor, run_id, asset_id, media_asset_id, row_version, fingerprint, before, after, digest
) on public.media_sync_log to media_sync;
grant insert on public.media_sync_log_seal to media_sync;
