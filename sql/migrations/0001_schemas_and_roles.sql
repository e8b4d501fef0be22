-- Schemas, the role of the engine, and what PUBLIC may not do.
--
-- The engine writes under `set local role media_sync`; every other role is a person.
-- Tables for users live in `public` under the names that applications join; every room has a schema of its own.

create schema if not exists ops;
create schema if not exists audit;
create schema if not exists landing;
create schema if not exists mirror;
create schema if not exists diff;

comment on schema ops is 'What operators see and decide: the cloud this database belongs to, runs, fences, holds, the budget of Admin API calls.';
comment on schema audit is 'Partitions and functions of the append-only log public.media_sync_log.';
comment on schema landing is 'What was received, byte for byte, before anything was concluded from it.';
comment on schema mirror is 'The last proved observation of every asset, and the bookkeeping of proofs.';
comment on schema diff is 'What a run found different between the mirror and media_assets.';

-- Roles belong to the whole cluster: another database may have made it, or be making it this moment.
do $$
begin
  create role media_sync nologin;
exception
  when duplicate_object or unique_violation then null;
end
$$;

do $$
begin
  -- From Postgres 16 on, who makes a role may administer it but not take it without this grant.
  if not pg_has_role(
    current_user, 'media_sync',
    case when current_setting('server_version_num')::integer >= 160000 then 'set' else 'member' end
  ) then
    execute format('grant media_sync to %I', current_user);
  end if;
  execute format('grant temporary on database %I to media_sync', current_database());
end
$$;

revoke all on schema public from public;
revoke all on schema ops, audit, landing, mirror, diff from public;
grant usage on schema public, ops, audit, landing, mirror, diff to media_sync;
-- Made before the first migration; whoever runs the program asks it whether the schema is current.
grant select on ops.migration to media_sync;

create function ops.set_updated_at() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.updated_at := clock_timestamp();
  return new;
end
$$;
revoke all on function ops.set_updated_at() from public;
comment on function ops.set_updated_at() is 'Row trigger: keeps updated_at true whoever writes.';
