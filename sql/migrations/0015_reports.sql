-- Counted figures over time, the digests that tell equal bytes, and word of every change of state.

create table ops.status_snapshot (
  id bigint generated always as identity,
  taken_at timestamptz not null default clock_timestamp(),
  run_id bigint,
  figures jsonb not null,
  constraint status_snapshot_pkey primary key (id),
  constraint status_snapshot_run_id_fkey foreign key (run_id) references ops.run (id),
  constraint status_snapshot_figures_is_object check (jsonb_typeof(figures) = 'object')
);
create index status_snapshot_taken_at_idx on ops.status_snapshot (taken_at);
create index status_snapshot_run_id_idx on ops.status_snapshot (run_id);
comment on table ops.status_snapshot is 'Figures of the library and of what waits, counted by the database itself every quarter of an hour.';
comment on column ops.status_snapshot.id is 'Number.';
comment on column ops.status_snapshot.taken_at is 'When it was counted.';
comment on column ops.status_snapshot.run_id is 'Run of the pipeline that asked for it.';
comment on column ops.status_snapshot.figures is 'What get_media_statistics() says, with the age of what waits, the lag and the allowance; a figure that nothing was known for is null.';

alter table ops.status_snapshot enable row level security;
create policy status_snapshot_engine on ops.status_snapshot for select to media_sync using (true);
grant select on ops.status_snapshot to media_sync;

create function ops.take_status_snapshot(of_run bigint, keep_days integer) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  snapshot_id bigint;
begin
  delete from ops.status_snapshot as s
  where s.id in (
    select o.id from ops.status_snapshot as o
    where o.taken_at < clock_timestamp() - make_interval(days => greatest(keep_days, 31))
    order by o.taken_at
    limit 1000
  );
  insert into ops.status_snapshot (run_id, figures)
  values (
    of_run,
    public.get_media_statistics()
    || (
      select jsonb_build_object(
        'due_count', count(*) filter (where q.not_before <= now()),
        'queue_age_seconds', extract(epoch from now() - min(q.hinted_at))
      )
      from mirror.verify_queue as q
    )
    || (
      select jsonb_build_object(
        'unconfirmed_operation_count', count(*) filter (where o.state in ('sent', 'unknown')),
        'edit_age_seconds', extract(epoch from now() - min(o.recorded_at))
      )
      from outbox.operation as o
      where o.state in ('pending', 'leased', 'unknown', 'sent')
    )
    || (
      select jsonb_build_object(
        'lag_p50_seconds', percentile_cont(0.5) within group (order by extract(epoch from t.applied_at - t.touched_at)),
        'lag_p95_seconds', percentile_cont(0.95) within group (order by extract(epoch from t.applied_at - t.touched_at)),
        'proof_age_seconds', extract(epoch from now() - (
          select max(p.touched_at) from ops.canary_touch as p where p.applied_at is not null
        ))
      )
      from ops.canary_touch as t
      where t.touched_at > now() - interval '1 day' and t.applied_at is not null
    )
    || jsonb_build_object(
      'api_call_count', (
        select coalesce(sum(c.call_count), 0) from ops.api_call as c where c.window_at = date_trunc('hour', now())
      ),
      'api_calls_left', (
        select case when b.reset_at > now() then b.remaining_count else b.limit_count end from ops.api_budget as b
      ),
      'api_calls_allowed', (select b.limit_count from ops.api_budget as b)
    )
  )
  returning id into snapshot_id;
  return snapshot_id;
end
$$;
revoke all on function ops.take_status_snapshot(bigint, integer) from public;
grant execute on function ops.take_status_snapshot(bigint, integer) to media_sync;
comment on function ops.take_status_snapshot(bigint, integer)
is 'Counts and keeps a snapshot, and removes those that are older than keep_days, at least 31. Nobody passes figures, so nobody can invent any.';

create table mirror.asset_etag (
  asset_id text collate "C" not null,
  version bigint not null,
  etag text collate "C",
  read_at timestamptz not null default clock_timestamp(),
  constraint asset_etag_pkey primary key (asset_id),
  constraint asset_etag_asset_id_is_hex check (asset_id ~ '^[0-9a-f]{32}$'),
  constraint asset_etag_etag_is_hex check (etag ~ '^[0-9a-f]{32}$')
);
create index asset_etag_etag_idx on mirror.asset_etag (etag);
comment on table mirror.asset_etag is 'MD5 of the bytes of assets that may be equal to others; listings do not tell it. It counts while the asset has this version.';
comment on column mirror.asset_etag.asset_id is 'The asset.';
comment on column mirror.asset_etag.version is 'Its version with these bytes; 0 where Cloudinary told none.';
comment on column mirror.asset_etag.etag is 'MD5 of the bytes in hex; null where Cloudinary told none.';
comment on column mirror.asset_etag.read_at is 'When it was read.';

alter table mirror.asset_etag enable row level security;
create policy asset_etag_engine on mirror.asset_etag to media_sync using (true) with check (true);
grant select, insert, update on mirror.asset_etag to media_sync;

-- Equal bytes have equal length, so only these need a digest.
create view mirror.alike_asset with (security_invoker = true) as
select
  a.media_asset_id, a.asset_id, a.resource_type, a.size_bytes, e.etag, e.asset_id is not null as is_compared
from (
  select
    m.id as media_asset_id, m.asset_id, m.resource_type, m.size_bytes, m.version,
    count(*) over (partition by m.resource_type, m.size_bytes) as alike_count
  from public.media_assets as m
  where m.deleted_at is null and not m.is_placeholder and m.size_bytes is not null
) as a
left join mirror.asset_etag as e on a.asset_id = e.asset_id and e.version = coalesce(a.version, 0)
where a.alike_count > 1;
comment on view mirror.alike_asset is 'Live assets of which others have the same type and size: all whose bytes may be equal.';
comment on column mirror.alike_asset.media_asset_id is 'Its row in media_assets.';
comment on column mirror.alike_asset.asset_id is 'The asset.';
comment on column mirror.alike_asset.resource_type is 'See public.media_assets.';
comment on column mirror.alike_asset.size_bytes is 'See public.media_assets.';
comment on column mirror.alike_asset.etag is 'MD5 of its present bytes; null where it was not read yet or Cloudinary told none.';
comment on column mirror.alike_asset.is_compared is 'Whether the MD5 of its present bytes was asked for.';
grant select on mirror.alike_asset to media_sync;

-- Who listens on the channel media_pipeline hears which row changed its state, once that is committed; what it says is
-- read from the table, under the reader's own rights.
create function ops.announce() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_notify(
    'media_pipeline', jsonb_build_object('table', tg_table_schema || '.' || tg_table_name, 'id', new.id)::text
  );
  return null;
end
$$;
revoke all on function ops.announce() from public;
comment on function ops.announce() is 'Trigger: tells who listens on the channel media_pipeline the table and the id, and nothing else.';

create trigger status_snapshot_announce after insert on ops.status_snapshot
for each row execute function ops.announce();
create trigger run_announce_start after insert on ops.run
for each row execute function ops.announce();
create trigger run_announce_end after update on ops.run
for each row when (old.state <> new.state) execute function ops.announce();
create trigger hold_announce after insert on ops.hold
for each row execute function ops.announce();
create trigger hold_announce_decision after update on ops.hold
for each row when (old.state <> new.state) execute function ops.announce();
create trigger change_set_announce after update on diff.change_set
for each row when (old.state <> new.state and new.state = 'applied') execute function ops.announce();
create trigger push_plan_announce after insert on outbox.push_plan
for each row when (new.state = 'held') execute function ops.announce();
create trigger push_plan_announce_decision after update on outbox.push_plan
for each row when (old.state <> new.state) execute function ops.announce();
create trigger conflict_announce after insert on outbox.conflict
for each row execute function ops.announce();
create trigger conflict_announce_end after update on outbox.conflict
for each row when (old.state <> new.state) execute function ops.announce();
