-- Figures that people ask for first.

create function public.get_media_statistics() returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'asset_count', count(*) filter (where a.deleted_at is null),
    'deleted_count', count(*) filter (where a.deleted_at is not null),
    'total_size_bytes', coalesce(sum(a.size_bytes) filter (where a.deleted_at is null), 0),
    'by_resource_type', (
      select coalesce(jsonb_object_agg(g.resource_type, g.n), '{}')
      from (
        select b.resource_type, count(*) as n from public.media_assets as b
        where b.deleted_at is null group by b.resource_type
      ) as g
    ),
    'by_delivery_type', (
      select coalesce(jsonb_object_agg(g.delivery_type, g.n), '{}')
      from (
        select b.delivery_type, count(*) as n from public.media_assets as b
        where b.deleted_at is null group by b.delivery_type
      ) as g
    ),
    'folder_count', (select count(*) from public.media_folders),
    'metadata_field_count', (select count(*) from public.media_metadata_fields),
    'open_hold_count', (select count(*) from ops.hold as h where h.state = 'open'),
    'held_asset_count', (select coalesce(sum(h.asset_count), 0) from ops.hold as h where h.state = 'open'),
    'quarantined_count', (select count(*) from mirror.quarantine as q where q.resolved_at is null),
    'verify_queue_count', (select count(*) from mirror.verify_queue),
    'pending_change_count', (
      select count(*) from diff.change as c
      inner join diff.change_set as s on c.change_set_id = s.id
      where s.state = 'pending' and c.state in ('pending', 'held')
    ),
    'pending_operation_count', (
      select count(*) from outbox.operation as o where o.state in ('pending', 'leased', 'unknown', 'sent')
    ),
    'held_operation_count', (
      select coalesce(sum(p.operation_count), 0) from outbox.push_plan as p where p.state = 'held'
    ),
    'open_conflict_count', (select count(*) from outbox.conflict as c where c.state = 'open'),
    'last_full_sync_at', (
      select max(r.finished_at) from ops.run as r where r.kind = 'full_sync' and r.state in ('succeeded', 'held')
    ),
    'last_change_at', (select max(s.computed_at) from diff.change_set as s where s.state = 'applied')
  )
  from public.media_assets as a
$$;
revoke all on function public.get_media_statistics() from public;
grant execute on function public.get_media_statistics() to media_sync;
comment on function public.get_media_statistics() is 'Counts of the library and of what waits, recounted at every call.';

-- Supabase grants new tables in `public` to its API roles by default. Grants come role by role, later; none yet.
do $$
declare
  api_role text;
  room text;
begin
  foreach api_role in array array['anon', 'authenticated', 'service_role'] loop
    if exists (select from pg_roles where rolname = api_role) then
      execute format(
        'revoke all on public.media_assets, public.media_sync_log, public.media_sync_log_seal, public.media_usage, '
        'public.media_collections, public.media_collection_items, public.media_folders, public.media_metadata_fields from %I',
        api_role
      );
      execute format('revoke all on all functions in schema public from %I', api_role);
      foreach room in array array['ops', 'audit', 'landing', 'mirror', 'diff', 'outbox'] loop
        execute format('revoke all on all tables in schema %I from %I', room, api_role);
        execute format('revoke all on all functions in schema %I from %I', room, api_role);
        execute format('revoke all on schema %I from %I', room, api_role);
      end loop;
    end if;
  end loop;
end
$$;
