-- Generated from sql/migrations by 'python -m media_pipeline.db.migrate schema'; never edited.
-- It is there to be read: databases are made by the migrations, which also make the roles named here.

SET check_function_bodies = false;

CREATE SCHEMA audit;

COMMENT ON SCHEMA audit IS 'Partitions and functions of the append-only log public.media_sync_log.';

CREATE SCHEMA diff;

COMMENT ON SCHEMA diff IS 'What a run found different between the mirror and media_assets.';

CREATE SCHEMA landing;

COMMENT ON SCHEMA landing IS 'What was received, byte for byte, before anything was concluded from it.';

CREATE SCHEMA mirror;

COMMENT ON SCHEMA mirror IS 'The last proved observation of every asset, and the bookkeeping of proofs.';

CREATE SCHEMA ops;

COMMENT ON SCHEMA ops IS 'What operators see and decide: the cloud this database belongs to, runs, fences, holds, the budget of Admin API calls.';

CREATE SCHEMA outbox;

COMMENT ON SCHEMA outbox IS 'Edits of media_assets on their way to Cloudinary: operations, plans, approvals, conflicts.';

CREATE SCHEMA quality;

COMMENT ON SCHEMA quality IS 'What must hold in the data: views of what breaks it, and the results of every report.';

CREATE FUNCTION audit.archive_month(month text, days integer, file_name text, file_sha256 bytea, file_size_bytes bigint, entry_count bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '5s'
    AS $_$
declare
  partition text := 'media_sync_log_' || replace(month, '-', '_');
  end_at timestamptz;
  found_count bigint;
  last_entry record;
  last_seal record;
  covering record;
  left_over record;
  settled record;
begin
  if month !~ '^[0-9]{4}-(0[1-9]|1[0-2])$' then
    raise exception 'the log has no month %', month using errcode = 'invalid_parameter_value';
  elsif days < 31 then
    raise exception 'entries are kept for 31 days at least, not %', days using errcode = 'invalid_parameter_value';
  end if;
  end_at := ((month || '-01')::timestamp + interval '1 month') at time zone 'utc';
  if end_at > now() - make_interval(days => days) then
    raise exception 'entries of % are younger than % days', month, days using errcode = 'object_not_in_prerequisite_state';
  end if;
  if not exists (
    select from pg_inherits as i
    where i.inhparent = 'public.media_sync_log'::regclass and i.inhrelid = to_regclass('audit.' || quote_ident(partition))
  ) then
    raise exception 'the log has no partition of %', month using errcode = 'undefined_table';
  elsif exists (
    select from pg_inherits as i
    inner join pg_class as c on i.inhrelid = c.oid
    where
      i.inhparent = 'public.media_sync_log'::regclass and c.relname ~ '^media_sync_log_[0-9]{4}_[0-9]{2}$'
      and c.relname::text < partition
  ) then
    raise exception 'a month before % is not archived yet', month using errcode = 'object_not_in_prerequisite_state';
  end if;

  execute format('lock table audit.%I in share mode', partition);
  execute format('select count(*) from audit.%I', partition) into found_count;
  if found_count <> entry_count then
    raise exception '% has % entries, the file %', month, found_count, entry_count
      using errcode = 'object_not_in_prerequisite_state';
  end if;
  execute format('select l.xid, l.id from audit.%I as l order by l.xid desc, l.id desc limit 1', partition) into last_entry;
  select s.through_xid, s.through_id into last_seal from public.media_sync_log_seal as s order by s.id desc limit 1;
  if found_count > 0 and (last_seal.through_xid is null
    or (last_entry.xid, last_entry.id) > (last_seal.through_xid, last_seal.through_id)) then
    raise exception 'entries of % are not sealed yet', month using errcode = 'object_not_in_prerequisite_state';
  end if;
  select s.id, s.digest into covering
  from public.media_sync_log_seal as s
  where (s.through_xid, s.through_id) >= (last_entry.xid, last_entry.id)
  order by s.id
  limit 1;

  -- Transactions overlap, so a month is no stretch of the log's order: what is left may lie between its entries.
  execute format(
    'select l.xid, l.id from public.media_sync_log as l where l.tableoid <> %L::regclass order by l.xid, l.id limit 1',
    'audit.' || quote_ident(partition)
  ) into left_over;
  select s.id, s.through_xid, s.through_id into settled
  from public.media_sync_log_seal as s
  where left_over.xid is null or (s.through_xid, s.through_id) < (left_over.xid, left_over.id)
  order by s.id desc
  limit 1;

  insert into audit.archived_month (
    month, end_at, file_name, file_sha256, file_size_bytes, entry_count, through_xid, through_id, seal_id, seal_digest,
    settled_seal_id
  )
  values (
    month, end_at, file_name, file_sha256, file_size_bytes, entry_count, last_entry.xid, last_entry.id, covering.id,
    covering.digest, settled.id
  );
  execute format(
    'insert into audit.archived_entry (xid, entry_id, digest) select l.xid, l.id, l.digest from audit.%I as l '
    'where (l.xid, l.id) > ($1, $2)', partition
  ) using coalesce(settled.through_xid, '0'::xid8), coalesce(settled.through_id, 0);

  execute format('alter table public.media_sync_log detach partition audit.%I', partition);
  execute format('drop table audit.%I', partition);
end
$_$;

COMMENT ON FUNCTION audit.archive_month(month text, days integer, file_name text, file_sha256 bytea, file_size_bytes bigint, entry_count bigint) IS 'Removes the oldest month of the log after it was written to a file: only one that is sealed whole and older than the given days (31 at least).';

CREATE FUNCTION audit.ensure_partitions(through date) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

COMMENT ON FUNCTION audit.ensure_partitions(through date) IS 'Makes the monthly partitions of the log from this month through the given day; returns how many were made.';

CREATE FUNCTION audit.entry_digest(action text, cause text, actor text, run_id bigint, asset_id text, media_asset_id uuid, row_version bigint, fingerprint bytea, before jsonb, after jsonb, recorded_at timestamp with time zone) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN sha256(convert_to(concat_ws(chr(31), action, cause, actor, COALESCE((run_id)::text, '-'::text), COALESCE(asset_id, '-'::text), COALESCE((media_asset_id)::text, '-'::text), COALESCE((row_version)::text, '-'::text), COALESCE(encode(fingerprint, 'hex'::text), '-'::text), COALESCE((before)::text, '-'::text), COALESCE((after)::text, '-'::text), (EXTRACT(epoch FROM recorded_at))::text), 'UTF8'::name));

COMMENT ON FUNCTION audit.entry_digest(action text, cause text, actor text, run_id bigint, asset_id text, media_asset_id uuid, row_version bigint, fingerprint bytea, before jsonb, after jsonb, recorded_at timestamp with time zone) IS 'Digest of one entry of the log.';

CREATE FUNCTION audit.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  raise exception 'the audit log is append-only: % is refused', tg_op
    using errcode = 'insufficient_privilege',
          hint = 'Retention detaches whole partitions; nothing else removes entries.';
end
$$;

COMMENT ON FUNCTION audit.refuse_change() IS 'Trigger: entries and seals are never updated, deleted or truncated.';

CREATE FUNCTION mirror.forget_proved_pages() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  delete from mirror.proved_page;
  return null;
end
$$;

COMMENT ON FUNCTION mirror.forget_proved_pages() IS 'Trigger: where somebody changes observations by hand, every page is looked into again.';

CREATE FUNCTION mirror.hint(ids text[], hint_reason text) RETURNS bigint
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
  with flood as materialized (
    select
      hint_reason in ('notification', 'search')
      and (select count(*) >= 50000 from (select from mirror.verify_queue limit 50000) as waiting) as is_over
  ),
  wished as (
    insert into landing.listing_wish as w (reason, touch)
    select 'flood', nextval('mirror.touch_seq') from flood where flood.is_over
    on conflict (reason) do update set touch = excluded.touch, wished_at = excluded.wished_at
  ),
  hinted as materialized (
    select distinct h.asset_id from unnest(ids) as h (asset_id) where h.asset_id ~ '^[0-9a-f]{32}$'
  ),
  -- Sightings before the queue and in order, as a page and a verification lock them.
  locked as materialized (
    select s.asset_id from mirror.asset_sighting as s
    where s.asset_id in (select hinted.asset_id from hinted)
    order by s.asset_id
    for update
  ),
  touched as (
    update mirror.asset_sighting as s
    set touch = nextval('mirror.touch_seq')
    from locked
    where s.asset_id = locked.asset_id
    returning s.asset_id, s.touch
  ),
  queued as (
    insert into mirror.verify_queue as q (asset_id, reason, hint_touch)
    select hinted.asset_id, hint_reason, coalesce(touched.touch, nextval('mirror.touch_seq'))
    from hinted
    left join touched on hinted.asset_id = touched.asset_id
    where
      not (select flood.is_over from flood)
      or exists (select from mirror.verify_queue as w where w.asset_id = hinted.asset_id)
    order by hinted.asset_id
    on conflict (asset_id) do update
      set hint_touch = excluded.hint_touch, not_before = least(q.not_before, now()), attempt_count = 0
    returning 1
  )
  select count(*) from queued
$_$;

COMMENT ON FUNCTION mirror.hint(ids text[], hint_reason text) IS 'Asks for assets to be read again; returns how many entries the queue got or renewed. Where 50,000 wait, notifications and search results become a wish for a full listing instead.';

CREATE FUNCTION ops.announce() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  perform pg_notify(
    'media_pipeline', jsonb_build_object('table', tg_table_schema || '.' || tg_table_name, 'id', new.id)::text
  );
  return null;
end
$$;

COMMENT ON FUNCTION ops.announce() IS 'Trigger: tells who listens on the channel media_pipeline the table and the id, and nothing else.';

CREATE FUNCTION ops.set_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  new.updated_at := clock_timestamp();
  return new;
end
$$;

COMMENT ON FUNCTION ops.set_updated_at() IS 'Row trigger: keeps updated_at true whoever writes.';

CREATE FUNCTION ops.take_status_snapshot(of_run bigint, keep_days integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

COMMENT ON FUNCTION ops.take_status_snapshot(of_run bigint, keep_days integer) IS 'Counts and keeps a snapshot, and removes those that are older than keep_days, at least 31. Nobody passes figures, so nobody can invent any.';

CREATE FUNCTION outbox.check_context(context jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
  pair record;
  content text;
begin
  if (select count(*) from jsonb_object_keys(context)) > 1000 then
    perform outbox.refuse('context', 'more than 1000 keys', 'Remove some.');
  end if;
  for pair in select e.key, e.value from jsonb_each(context) as e loop
    if jsonb_typeof(pair.value) <> 'string' then
      perform outbox.refuse('context', format('%L is no text', pair.key), 'Write every value as text; to remove a key: context - ''key''.');
    end if;
    content := pair.value #>> '{}';
    if btrim(pair.key) = '' or content = '' then
      perform outbox.refuse('context', format('empty key or value at %L', pair.key), 'To remove a key: context - ''key''.');
    elsif pair.key || content ~ '[\x01-\x09\x0b-\x1f\x7f]' then
      perform outbox.refuse('context', format('%L has a control character', pair.key), 'Only line breaks are allowed.');
    elsif length(pair.key) > 1024 or length(content) > 1024 then
      perform outbox.refuse('context', format('%L is longer than 1024 characters', left(pair.key, 60)), 'Choose a shorter text.');
    elsif pair.key ~ '\\($|[=|])' or content ~ '\\($|[=|])' then
      perform outbox.refuse('context', format('%L has a backslash before =, | or the end', pair.key), 'Cloudinary''s format cannot say that; leave the backslash out.');
    end if;
  end loop;
end
$_$;

COMMENT ON FUNCTION outbox.check_context(context jsonb) IS 'Rule for contextual metadata.';

CREATE FUNCTION outbox.check_metadata(changed jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
  pair record;
  field record;
  choices text[];
  chosen text[];
begin
  for pair in select e.key, e.value from jsonb_each(changed) as e loop
    select f.type, f.is_mandatory, f.datasource into field
    from public.media_metadata_fields as f where f.external_id = pair.key;
    if not found then
      perform outbox.refuse('metadata', format('there is no field %L', pair.key), 'public.media_metadata_fields lists them; define it in Cloudinary first.');
    end if;
    if pair.value = 'null' then
      if field.is_mandatory then
        perform outbox.refuse('metadata', format('%L is mandatory', pair.key), 'Give it a value.');
      end if;
      continue;
    end if;
    if field.type in ('enum', 'set') then
      if jsonb_typeof(pair.value) <> (case field.type when 'set' then 'array' else 'string' end) then
        perform outbox.refuse('metadata', format('%L is of type %s', pair.key, field.type),
          case field.type when 'set' then 'Write a list of ids.' else 'Write the id of one choice.' end);
      end if;
      choices := array(
        select v ->> 'external_id' from jsonb_array_elements(field.datasource -> 'values') as v
        where coalesce(v ->> 'state', 'active') = 'active'
      );
      chosen := case field.type
        when 'set' then array(select jsonb_array_elements_text(pair.value)) else array[pair.value #>> '{}'] end;
      if not chosen <@ choices then
        perform outbox.refuse('metadata', format('%L has no choice %s', pair.key,
          (select string_agg(quote_literal(c), ', ') from unnest(chosen) as c where c <> all(choices))),
          'Its choices: ' || left(array_to_string(choices, ', '), 500));
      end if;
    elsif field.type = 'integer' then
      if jsonb_typeof(pair.value) <> 'number' or pair.value #>> '{}' !~ '^-?[0-9]{1,18}$' then
        perform outbox.refuse('metadata', format('%L is an integer', pair.key), 'Write a whole number.');
      end if;
    elsif jsonb_typeof(pair.value) <> 'string' or pair.value = '""' then
      perform outbox.refuse('metadata', format('%L is a text', pair.key), 'To clear it: metadata - ''field''.');
    elsif field.type = 'date' then
      begin
        if pair.value #>> '{}' !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' then
          raise datetime_field_overflow;
        end if;
        perform (pair.value #>> '{}')::date;
      exception
        when datetime_field_overflow or invalid_datetime_format then
          perform outbox.refuse('metadata', format('%L is a date', pair.key), 'Write it as 2026-01-31.');
      end;
    end if;
  end loop;
end
$_$;

COMMENT ON FUNCTION outbox.check_metadata(changed jsonb) IS 'Rule for structured metadata, by its definitions; limits and patterns of a field are Cloudinary''s to check.';

CREATE FUNCTION outbox.check_path(field text, path text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  if length(path) > 255 then
    perform outbox.refuse(field, 'longer than 255 characters', 'Choose a shorter name.');
  elsif path ~ '[?&#\\%<>+]' or path ~ '[[:cntrl:]]' then
    perform outbox.refuse(field, format('%L has one of ? & # \ %% < > + or a control character', path), 'Leave these characters out.');
  elsif path <> btrim(path) or path ~ '(^|/)\.{0,2}(/|$)' then
    perform outbox.refuse(field, format('%L begins or ends with a space or has an empty, . or .. part', path), 'Write parts/like/this.');
  end if;
end
$_$;

COMMENT ON FUNCTION outbox.check_path(field text, path text) IS 'Rule for public_id and asset_folder.';

CREATE FUNCTION outbox.check_tags(tags text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  tag text;
begin
  if cardinality(tags) > 1000 then
    perform outbox.refuse('tags', 'more than 1000 tags', 'Remove some.');
  end if;
  foreach tag in array tags loop
    if tag is null or tag = '' or tag <> btrim(tag) then
      perform outbox.refuse('tags', 'a tag is empty or begins or ends with a space', 'Trim it.');
    elsif position(',' in tag) > 0 then
      perform outbox.refuse('tags', format('the tag %L has a comma, which would make it two tags', tag), 'Write two tags, or leave the comma out.');
    elsif tag ~ '[[:cntrl:]]' then
      perform outbox.refuse('tags', format('the tag %L has a control character', tag), 'Leave it out.');
    elsif length(tag) > 255 then
      perform outbox.refuse('tags', 'a tag is longer than 255 characters', 'Choose a shorter one.');
    end if;
  end loop;
end
$$;

COMMENT ON FUNCTION outbox.check_tags(tags text[]) IS 'Rule for tags.';

CREATE FUNCTION outbox.current_actor() RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN COALESCE(NULLIF(current_setting('media_pipeline.actor'::text, true), ''::text), ('sql:'::text || COALESCE(NULLIF(NULLIF(current_setting('role'::text, true), 'none'::text), ''::text), (SESSION_USER)::text)));

COMMENT ON FUNCTION outbox.current_actor() IS 'Who edits: the setting media_pipeline.actor of a program that knows its user, else the role.';

CREATE FUNCTION outbox.file_of(file_sha256 text, file_name text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  found_file ops.vault_object;
begin
  select o.* into found_file from ops.vault_object as o where o.sha256 = file_sha256 and o.state = 'whole';
  if not found then
    raise exception 'there is no file % in the vault', file_sha256
      using errcode = 'no_data_found', hint = 'Use media-pipeline upload or replace, which put it there.';
  end if;
  return jsonb_build_object('sha256', found_file.sha256, 'md5', found_file.md5, 'size_bytes', found_file.size_bytes,
    'file_name', file_name);
end
$$;

COMMENT ON FUNCTION outbox.file_of(file_sha256 text, file_name text) IS 'A file of the vault as operations name it.';

CREATE FUNCTION outbox.map_delta(old_map jsonb, new_map jsonb, OUT base jsonb, OUT wanted jsonb) RETURNS record
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select
    coalesce(jsonb_object_agg(k.key, coalesce(old_map -> k.key, 'null')), '{}'),
    coalesce(jsonb_object_agg(k.key, coalesce(new_map -> k.key, 'null')), '{}')
  from (select jsonb_object_keys(old_map) as key union select jsonb_object_keys(new_map)) as k
  where old_map -> k.key is distinct from new_map -> k.key
$$;

COMMENT ON FUNCTION outbox.map_delta(old_map jsonb, new_map jsonb, OUT base jsonb, OUT wanted jsonb) IS 'Keys whose value differs between two maps.';

CREATE FUNCTION outbox.operation_digest(operation_id bigint, kind text, asset_id text, base jsonb, wanted jsonb) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN sha256(convert_to((((((((((operation_id)::text || chr(31)) || kind) || chr(31)) || COALESCE(asset_id, ''::text)) || chr(31)) || (base #>> '{}'::text[])) || chr(31)) || (wanted #>> '{}'::text[])), 'UTF8'::name));

COMMENT ON FUNCTION outbox.operation_digest(operation_id bigint, kind text, asset_id text, base jsonb, wanted jsonb) IS 'SHA-256 over what an operation is to do.';

CREATE FUNCTION outbox.record(operation_kind text, edited_asset_id text, edited_media_asset_id uuid, edit_base jsonb, edit_wanted jsonb, edit_actor text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  waiting outbox.operation;
  new_base jsonb;
  new_wanted jsonb;
begin
  loop
    select o.* into waiting from outbox.operation as o
    where o.asset_id = edited_asset_id and o.kind = operation_kind and o.state = 'pending'
    for update;
    if not found then
      begin
        insert into outbox.operation (kind, asset_id, media_asset_id, base, wanted, actor, reason)
        values (
          operation_kind, edited_asset_id, edited_media_asset_id, edit_base, edit_wanted, edit_actor,
          nullif(current_setting('media_pipeline.reason', true), '')
        );
        return;
      exception
        -- Another edit recorded it meanwhile: join that one.
        when unique_violation then continue;
      end;
    end if;
    -- The base is that of the first edit; what is wanted is that of the last. What is again as it was needs nothing.
    new_base := edit_base || waiting.base;
    new_wanted := waiting.wanted || edit_wanted;
    select coalesce(jsonb_object_agg(b.key, b.value), '{}') into new_base
    from jsonb_each(new_base) as b where operation_kind in ('delete', 'restore', 'replace') or b.value <> new_wanted -> b.key;
    select coalesce(jsonb_object_agg(w.key, w.value), '{}') into new_wanted
    from jsonb_each(new_wanted) as w where operation_kind in ('delete', 'restore', 'replace') or new_base ? w.key;
    update outbox.operation as o
    set
      base = new_base, wanted = new_wanted, actor = edit_actor, edited_at = clock_timestamp(), edit_count = o.edit_count + 1,
      reason = coalesce(nullif(current_setting('media_pipeline.reason', true), ''), o.reason),
      not_before = '-infinity', attempt_count = 0,
      state = case when new_wanted = '{}' and operation_kind not in ('delete', 'restore', 'replace') then 'cancelled' else o.state end,
      finished_at = case when new_wanted = '{}' and operation_kind not in ('delete', 'restore', 'replace') then clock_timestamp() end,
      outcome = case
        when new_wanted = '{}' and operation_kind not in ('delete', 'restore', 'replace') then 'edited back to what Cloudinary has'
        else o.outcome
      end
    where o.id = waiting.id;
    return;
  end loop;
end
$$;

COMMENT ON FUNCTION outbox.record(operation_kind text, edited_asset_id text, edited_media_asset_id uuid, edit_base jsonb, edit_wanted jsonb, edit_actor text) IS 'Records one intent, coalesced with the one that waits.';

CREATE FUNCTION outbox.record_decided(decided_conflict_id bigint, decided_by text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  decided record;
  edit record;
begin
  select o.kind, o.media_asset_id, o.base, o.wanted, c.asset_id, c.field, c.key, c.base as bases, c.local, c.remote
  into strict decided
  from outbox.conflict as c
  inner join outbox.operation as o on c.operation_id = o.id
  where c.id = decided_conflict_id and c.state = 'local_wins';
  if decided.field = 'deleted_at' and decided.kind <> 'delete' then
    -- Edits of an asset that was deleted in Cloudinary: it comes back first.
    if exists (select from mirror.asset_sighting as s where s.asset_id = decided.asset_id and s.state = 'tombstone') then
      perform outbox.record('restore', decided.asset_id, decided.media_asset_id, '{}', '{}', decided_by);
    end if;
    for edit in select e.key as kind, e.value as wanted from jsonb_each(decided.local) as e loop
      perform outbox.record(edit.kind, decided.asset_id, decided.media_asset_id, decided.bases -> edit.kind, edit.wanted,
        decided_by);
    end loop;
    return;
  end if;
  perform outbox.record(decided.kind, decided.asset_id, decided.media_asset_id,
    case when decided.kind = 'delete' then decided.base || decided.remote
         else jsonb_build_object(decided.key, coalesce(decided.remote, 'null')) end,
    case when decided.kind = 'delete' then '{}'
         when decided.kind = 'replace' then decided.wanted
         else jsonb_build_object(decided.key, coalesce(decided.local, 'null')) end, decided_by);
end
$$;

COMMENT ON FUNCTION outbox.record_decided(decided_conflict_id bigint, decided_by text) IS 'Records the edit of a conflict that was decided for it, over the remote value that lost.';

CREATE FUNCTION outbox.record_edit() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  editable constant text[] := array[
    'public_id', 'tags', 'context', 'metadata', 'display_name', 'asset_folder', 'access_control', 'deleted_at', 'custom'
  ];
  kept constant text[] := editable || array['deleted_by', 'updated_at', 'search'];
  editor constant text := outbox.current_actor();
  read_only text;
  delta record;
  changed text[];
  action text := 'edited';
  old_row jsonb;
  new_row jsonb;
begin
  select string_agg(n.key, ', ' order by n.key) into read_only
  from jsonb_each(to_jsonb(new) - kept) as n
  where n.value is distinct from to_jsonb(old) -> n.key;
  if read_only is not null then
    raise exception 'media_assets: % cannot be edited', read_only
      using errcode = 'insufficient_privilege',
            hint = 'It comes from Cloudinary. Editable are ' || array_to_string(editable, ', ') || '.';
  end if;
  new.tags := array(select distinct t from unnest(new.tags) as t order by t);
  new.deleted_by := old.deleted_by;
  if old.deleted_at is not null and new.deleted_at is not null then
    new.deleted_at := old.deleted_at;
  end if;
  old_row := to_jsonb(old);
  new_row := to_jsonb(new);
  changed := array(
    select e from unnest(editable) as e where old_row -> e is distinct from new_row -> e
  );
  if changed = '{}' then
    return new;
  end if;
  if old.deleted_at is not null and new.deleted_at is not null and changed <> array['custom'] then
    raise exception 'media_assets: % is deleted, so its % cannot be edited', old.public_id, array_to_string(changed, ', ')
      using errcode = 'object_not_in_prerequisite_state', hint = 'Bring it back first: select restore_media_asset(id).';
  end if;
  if exists (
    select from outbox.conflict as c where c.asset_id = old.asset_id and c.state = 'open' and c.field = any(changed)
  ) then
    raise exception 'media_assets: % of % is in conflict', array_to_string(changed, ', '), old.public_id
      using errcode = 'object_not_in_prerequisite_state', hint = 'Decide it first: media-pipeline conflicts list.';
  end if;

  if new.deleted_at is not null and old.deleted_at is null then
    action := 'deleted';
    new.deleted_at := now();
    new.deleted_by := editor;
    if not outbox.withdraw('restore', old.asset_id, 'deleted again before it was pushed') then
      perform outbox.record('delete', old.asset_id, old.id, old_row - array['id', 'custom', 'search', 'row_version',
        'applied_fingerprint', 'deleted_at', 'deleted_by', 'mirrored_at', 'updated_at'], '{}', editor);
    end if;
  elsif new.deleted_at is null and old.deleted_at is not null then
    action := 'restored';
    new.deleted_by := null;
    if not outbox.withdraw('delete', old.asset_id, 'undone before it was pushed') then
      perform outbox.record('restore', old.asset_id, old.id, '{}', '{}', editor);
    end if;
  end if;
  if 'public_id' = any(changed) then
    perform outbox.check_path('public_id', new.public_id);
    perform outbox.record('rename', old.asset_id, old.id, jsonb_build_object('public_id', old.public_id),
      jsonb_build_object('public_id', new.public_id), editor);
  end if;
  if 'tags' = any(changed) then
    perform outbox.check_tags(new.tags);
    perform outbox.record('update_tags', old.asset_id, old.id, jsonb_build_object('tags', old.tags),
      jsonb_build_object('tags', new.tags), editor);
  end if;
  if 'context' = any(changed) then
    perform outbox.check_context(new.context);
    select * into delta from outbox.map_delta(old.context, new.context);
    perform outbox.record('update_context', old.asset_id, old.id, delta.base, delta.wanted, editor);
  end if;
  if 'metadata' = any(changed) then
    select * into delta from outbox.map_delta(old.metadata, new.metadata);
    perform outbox.check_metadata(delta.wanted);
    perform outbox.record('update_metadata', old.asset_id, old.id, delta.base, delta.wanted, editor);
  end if;
  if 'display_name' = any(changed) then
    if coalesce(btrim(new.display_name), '') = '' or new.display_name ~ '[/[:cntrl:]]' or length(new.display_name) > 255 then
      perform outbox.refuse('display_name', 'empty, longer than 255 characters, or with / or a control character', 'Choose another name.');
    end if;
    perform outbox.record('update_display_name', old.asset_id, old.id, jsonb_build_object('display_name', old.display_name),
      jsonb_build_object('display_name', new.display_name), editor);
  end if;
  if 'asset_folder' = any(changed) then
    if exists (select from ops.cloud_binding as b where b.folder_mode = 'fixed') then
      perform outbox.refuse('asset_folder', 'this product environment has fixed folders', 'A folder is the path of public_id there: edit public_id.');
    elsif new.asset_folder is null then
      perform outbox.refuse('asset_folder', 'empty', 'The top folder is an empty text.');
    elsif new.asset_folder <> '' then
      perform outbox.check_path('asset_folder', new.asset_folder);
    end if;
    perform outbox.record('update_folder', old.asset_id, old.id, jsonb_build_object('asset_folder', old.asset_folder),
      jsonb_build_object('asset_folder', new.asset_folder), editor);
  end if;
  if 'access_control' = any(changed) then
    if jsonb_typeof(coalesce(new.access_control, '[]')) <> 'array' then
      perform outbox.refuse('access_control', 'no list of rules', 'Write [{"access_type": "token"}] or [].');
    end if;
    perform outbox.record('update_access_control', old.asset_id, old.id,
      jsonb_build_object('access_control', coalesce(old.access_control, '[]')),
      jsonb_build_object('access_control', coalesce(new.access_control, '[]')), editor);
  end if;

  new.row_version := old.row_version + 1;
  new_row := to_jsonb(new);
  changed := changed || case when action = 'edited' then '{}'::text[] else array['deleted_by'] end;
  insert into public.media_sync_log (action, cause, actor, asset_id, media_asset_id, row_version, before, after, digest)
  select
    action, 'edit', editor, new.asset_id, new.id, new.row_version, e.before, e.after,
    audit.entry_digest(action, 'edit', editor, null, new.asset_id, new.id, new.row_version, null, e.before, e.after, now())
  from (
    select jsonb_object_agg(c, old_row -> c) as before, jsonb_object_agg(c, new_row -> c) as after from unnest(changed) as c
  ) as e;
  return new;
end
$$;

COMMENT ON FUNCTION outbox.record_edit() IS 'Trigger: turns an edit by anyone but the engine into operations, in the same transaction; refuses what could not be pushed.';

CREATE FUNCTION outbox.refuse(field text, problem text, advice text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  raise exception 'media_assets.%: %', field, problem using errcode = 'check_violation', column = field, hint = advice;
end
$$;

COMMENT ON FUNCTION outbox.refuse(field text, problem text, advice text) IS 'Refuses an edit with the field, the rule it breaks and what to do.';

CREATE FUNCTION outbox.refuse_row() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  raise exception 'media_assets: % by % is refused', tg_op, current_user
    using errcode = 'insufficient_privilege',
          hint = case tg_op
            when 'INSERT' then 'An asset appears here when it is in Cloudinary: upload it there.'
            else 'To delete assets, set deleted_at or call soft_delete_media_asset(id): that can be undone.'
          end;
end
$$;

COMMENT ON FUNCTION outbox.refuse_row() IS 'Trigger: rows appear and vanish by the engine only.';

CREATE FUNCTION outbox.withdraw(operation_kind text, edited_asset_id text, outcome_text text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  update outbox.operation as o
  set state = 'cancelled', finished_at = clock_timestamp(), outcome = outcome_text
  where o.asset_id = edited_asset_id and o.kind = operation_kind and o.state = 'pending';
  return found;
end
$$;

COMMENT ON FUNCTION outbox.withdraw(operation_kind text, edited_asset_id text, outcome_text text) IS 'Withdraws the waiting operation of a kind, if nothing was sent yet.';

CREATE FUNCTION public.get_media_statistics() RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

COMMENT ON FUNCTION public.get_media_statistics() IS 'Counts of the library and of what waits, recounted at every call.';

CREATE FUNCTION public.media_tags_text(tags text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN "left"(array_to_string(tags, ' '::text), 50000);

COMMENT ON FUNCTION public.media_tags_text(tags text[]) IS 'Tags as one text, for the text search vector.';

CREATE FUNCTION public.media_search_vector(public_id text, display_name text, tags text[], context jsonb, metadata jsonb) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((((setweight(to_tsvector('simple'::regconfig, "left"(COALESCE(display_name, ''::text), 5000)), 'A'::"char") || setweight(to_tsvector('simple'::regconfig, translate("left"(public_id, 5000), '/_-.'::text, '    '::text)), 'A'::"char")) || CASE WHEN (tags = '{}'::text[]) THEN ''::tsvector ELSE setweight(to_tsvector('simple'::regconfig, public.media_tags_text(tags)), 'B'::"char") END) || CASE WHEN (context = '{}'::jsonb) THEN ''::tsvector WHEN (octet_length((context #>> '{}'::text[])) <= 100000) THEN setweight(jsonb_to_tsvector('simple'::regconfig, context, '["string"]'::jsonb), 'C'::"char") ELSE setweight(to_tsvector('simple'::regconfig, "left"((context #>> '{}'::text[]), 50000)), 'C'::"char") END) || CASE WHEN (metadata = '{}'::jsonb) THEN ''::tsvector WHEN (octet_length((metadata #>> '{}'::text[])) <= 100000) THEN setweight(jsonb_to_tsvector('simple'::regconfig, metadata, '["string", "numeric"]'::jsonb), 'C'::"char") ELSE setweight(to_tsvector('simple'::regconfig, "left"((metadata #>> '{}'::text[]), 50000)), 'C'::"char") END);

COMMENT ON FUNCTION public.media_search_vector(public_id text, display_name text, tags text[], context jsonb, metadata jsonb) IS 'Text search vector of an asset: names weigh most, then tags, then context and metadata.';

CREATE TABLE public.media_assets (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    asset_id text NOT NULL COLLATE pg_catalog."C",
    resource_type text NOT NULL COLLATE pg_catalog."C",
    delivery_type text NOT NULL COLLATE pg_catalog."C",
    public_id text NOT NULL COLLATE pg_catalog."C",
    format text,
    version bigint,
    created_at timestamp with time zone,
    size_bytes bigint,
    width_px integer,
    height_px integer,
    asset_folder text COLLATE pg_catalog."C",
    display_name text,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    context jsonb DEFAULT '{}'::jsonb NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    access_mode text,
    access_control jsonb,
    moderation_kind text,
    moderation_status text,
    is_placeholder boolean DEFAULT false NOT NULL,
    is_backed_up boolean DEFAULT false NOT NULL,
    secure_url text,
    custom jsonb DEFAULT '{}'::jsonb NOT NULL,
    search tsvector GENERATED ALWAYS AS (public.media_search_vector(public_id, display_name, tags, context, metadata)) STORED,
    applied_fingerprint bytea NOT NULL,
    row_version bigint DEFAULT 1 NOT NULL,
    deleted_at timestamp with time zone,
    deleted_by text,
    mirrored_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT media_assets_asset_id_is_hex CHECK ((asset_id ~ '^[0-9a-f]{32}$'::text)),
    CONSTRAINT media_assets_context_is_object CHECK ((jsonb_typeof(context) = 'object'::text)),
    CONSTRAINT media_assets_custom_is_object CHECK ((jsonb_typeof(custom) = 'object'::text)),
    CONSTRAINT media_assets_deleted_by_iff_at CHECK (((deleted_by IS NULL) = (deleted_at IS NULL))),
    CONSTRAINT media_assets_metadata_is_object CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    CONSTRAINT media_assets_pixels_positive CHECK (((width_px >= 0) AND (height_px >= 0))),
    CONSTRAINT media_assets_public_id_given CHECK ((public_id <> ''::text)),
    CONSTRAINT media_assets_row_version_positive CHECK ((row_version > 0)),
    CONSTRAINT media_assets_size_positive CHECK ((size_bytes >= 0))
);

COMMENT ON TABLE public.media_assets IS 'One row an asset: the last applied state of Cloudinary, typed and searchable.';

COMMENT ON COLUMN public.media_assets.id IS 'Our key: stable through rename, move, deletion and restoration. Refer to assets by it.';

COMMENT ON COLUMN public.media_assets.asset_id IS 'Cloudinary''s immutable key, 32 hexadecimal digits.';

COMMENT ON COLUMN public.media_assets.resource_type IS 'image, video or raw (Cloudinary''s resource_type).';

COMMENT ON COLUMN public.media_assets.delivery_type IS 'upload, private, authenticated, … (Cloudinary''s field type).';

COMMENT ON COLUMN public.media_assets.public_id IS 'Changeable name in Cloudinary; not unique, since renames race.';

COMMENT ON COLUMN public.media_assets.format IS 'File format; null for most raw assets, whose extension is part of public_id.';

COMMENT ON COLUMN public.media_assets.version IS 'Unix seconds of the last upload of bytes; does not move on edits of tags or metadata.';

COMMENT ON COLUMN public.media_assets.created_at IS 'First upload, as Cloudinary tells.';

COMMENT ON COLUMN public.media_assets.size_bytes IS 'Size of the original.';

COMMENT ON COLUMN public.media_assets.width_px IS 'Width; null for raw and sound.';

COMMENT ON COLUMN public.media_assets.height_px IS 'Height; null for raw and sound.';

COMMENT ON COLUMN public.media_assets.asset_folder IS 'Folder, empty text for the root; in fixed folder mode the path part of public_id.';

COMMENT ON COLUMN public.media_assets.display_name IS 'Name shown to people; not unique.';

COMMENT ON COLUMN public.media_assets.tags IS 'Tags, sorted, without repetition.';

COMMENT ON COLUMN public.media_assets.context IS 'Contextual metadata, key to text.';

COMMENT ON COLUMN public.media_assets.metadata IS 'Structured metadata, external id of the field to value.';

COMMENT ON COLUMN public.media_assets.access_mode IS 'public or authenticated (older environments).';

COMMENT ON COLUMN public.media_assets.access_control IS 'Access rules, as Cloudinary gives them.';

COMMENT ON COLUMN public.media_assets.moderation_kind IS 'Kind of the moderation, if any.';

COMMENT ON COLUMN public.media_assets.moderation_status IS 'Its status.';

COMMENT ON COLUMN public.media_assets.is_placeholder IS 'True where Cloudinary keeps only a remnant, e.g. after a rejected moderation.';

COMMENT ON COLUMN public.media_assets.is_backed_up IS 'True where Cloudinary says that it keeps a backup.';

COMMENT ON COLUMN public.media_assets.secure_url IS 'Address of the original.';

COMMENT ON COLUMN public.media_assets.custom IS 'Fields of your own; never pushed, never overwritten by a sync.';

COMMENT ON COLUMN public.media_assets.search IS 'Text search vector, see media_search_vector().';

COMMENT ON COLUMN public.media_assets.applied_fingerprint IS 'Fingerprint of the remote state this row was last made equal to.';

COMMENT ON COLUMN public.media_assets.row_version IS 'Moves by one with every change; for optimistic locking and the audit.';

COMMENT ON COLUMN public.media_assets.deleted_at IS 'When the deletion was applied; null while live. The row stays.';

COMMENT ON COLUMN public.media_assets.deleted_by IS 'Who deleted it, as actor.';

COMMENT ON COLUMN public.media_assets.mirrored_at IS 'When this row was first made.';

COMMENT ON COLUMN public.media_assets.updated_at IS 'Last change of this row.';

CREATE FUNCTION public.media_assets_at(at timestamp with time zone) RETURNS SETOF public.media_assets
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  with undone as (
    select u.media_asset_id, min(u.row_version) as row_version, jsonb_object_agg(u.key, u.value) as before
    from (
      -- Of several later changes of a field the first one still knew the value of that time. A row that was uploaded anew
      -- has another asset_id since, so changes are found by our own key.
      select distinct on (l.media_asset_id, e.key) l.media_asset_id, e.key, e.value, l.row_version
      from public.media_sync_log as l
      cross join lateral jsonb_each(l.before) as e
      where l.recorded_at > at and l.media_asset_id is not null and l.before is not null
      order by l.media_asset_id, e.key, l.row_version
    ) as u
    group by u.media_asset_id
  )

  select p.*
  from public.media_assets as m
  left join undone as u on m.id = u.media_asset_id
  cross join lateral jsonb_populate_record(
    m,
    coalesce(u.before, '{}')
    || case when u.media_asset_id is null then '{}'::jsonb else jsonb_build_object('row_version', u.row_version - 1, 'search', null) end
  ) as p
  where m.mirrored_at <= at
$$;

COMMENT ON FUNCTION public.media_assets_at(at timestamp with time zone) IS 'Rows of media_assets as they were at a time, as far back as the log is kept; search is null where a row has changed since.';

CREATE FUNCTION public.refuse_collection_cycle() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  above uuid;
begin
  -- Two moves at once could close a circle that neither sees.
  perform pg_advisory_xact_lock(hashtext('public.media_collections'));
  above := new.parent_id;
  while above is not null loop
    if above = new.id then
      raise exception 'collection % cannot lie inside itself', new.slug
        using errcode = 'check_violation', hint = 'Choose a collection that does not lie below this one.';
    end if;
    -- The share lock makes a move that an older snapshot does not see a serialization failure instead of a circle.
    select c.parent_id into above from public.media_collections as c where c.id = above for share;
  end loop;
  return new;
end
$$;

COMMENT ON FUNCTION public.refuse_collection_cycle() IS 'Trigger: a collection never lies inside itself.';

CREATE FUNCTION public.replace_media_asset(media_asset_id uuid, sha256 text, file_name text, reason text DEFAULT NULL::text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  replaced public.media_assets;
  file jsonb := outbox.file_of(sha256, file_name);
begin
  select m.* into replaced from public.media_assets as m where m.id = media_asset_id for update;
  if not found then
    raise exception 'there is no media asset %', media_asset_id using errcode = 'no_data_found';
  elsif replaced.deleted_at is not null then
    raise exception 'media_assets: % is deleted, so its file cannot be replaced', replaced.public_id
      using errcode = 'object_not_in_prerequisite_state', hint = 'Bring it back first: select restore_media_asset(id).';
  end if;
  perform set_config('media_pipeline.reason', coalesce(reason, ''), true);
  perform outbox.record('replace', replaced.asset_id, replaced.id,
    jsonb_build_object('version', replaced.version, 'size_bytes', replaced.size_bytes), file, outbox.current_actor());
  return (
    select o.id from outbox.operation as o
    where o.asset_id = replaced.asset_id and o.kind = 'replace' and o.state = 'pending'
  );
end
$$;

COMMENT ON FUNCTION public.replace_media_asset(media_asset_id uuid, sha256 text, file_name text, reason text) IS 'Asks for other bytes under an asset''s name: a file of the vault. Returns the operation.';

CREATE FUNCTION public.restore_media_asset(media_asset_id uuid, reason text DEFAULT NULL::text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  edited public.media_assets;
  operation outbox.operation;
begin
  perform set_config('media_pipeline.reason', coalesce(reason, ''), true);
  update public.media_assets as m set deleted_at = null where m.id = media_asset_id returning m.* into edited;
  if not found then
    raise exception 'there is no media asset %', media_asset_id using errcode = 'no_data_found';
  end if;
  select o.* into operation from outbox.operation as o
  where o.asset_id = edited.asset_id and o.kind in ('delete', 'restore') order by o.id desc limit 1;
  return jsonb_build_object(
    'asset_id', edited.asset_id, 'operation_id', operation.id, 'operation_kind', operation.kind,
    'operation_state', operation.state,
    'was_undone_before_push', coalesce(operation.kind = 'delete' and operation.state = 'cancelled', false)
  );
end
$$;

COMMENT ON FUNCTION public.restore_media_asset(media_asset_id uuid, reason text) IS 'Undoes a deletion that was not pushed yet, else asks Cloudinary to restore the asset from its backup; says which.';

CREATE FUNCTION public.soft_delete_media_asset(media_asset_id uuid, reason text DEFAULT NULL::text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  edited public.media_assets;
  operation outbox.operation;
begin
  perform set_config('media_pipeline.reason', coalesce(reason, ''), true);
  update public.media_assets as m set deleted_at = now() where m.id = media_asset_id returning m.* into edited;
  if not found then
    raise exception 'there is no media asset %', media_asset_id using errcode = 'no_data_found';
  end if;
  select o.* into operation from outbox.operation as o
  where o.asset_id = edited.asset_id and o.kind = 'delete' order by o.id desc limit 1;
  return jsonb_build_object(
    'asset_id', edited.asset_id, 'deleted_at', edited.deleted_at, 'deleted_by', edited.deleted_by,
    'operation_id', operation.id, 'operation_state', operation.state,
    'is_deleted_in_cloudinary', operation.id is null or operation.state = 'done'
  );
end
$$;

COMMENT ON FUNCTION public.soft_delete_media_asset(media_asset_id uuid, reason text) IS 'Deletes an asset here and asks for its deletion in Cloudinary; says how far that is. Until it is pushed, restore_media_asset() undoes it without a trace there.';

CREATE FUNCTION public.upload_media_asset(sha256 text, file_name text, public_id text, resource_type text, delivery_type text DEFAULT 'upload'::text, asset_folder text DEFAULT NULL::text, display_name text DEFAULT NULL::text, tags text[] DEFAULT '{}'::text[], context jsonb DEFAULT '{}'::jsonb, metadata jsonb DEFAULT '{}'::jsonb, reason text DEFAULT NULL::text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  operation_id bigint;
  file jsonb := outbox.file_of(sha256, file_name);
begin
  perform outbox.check_path('public_id', public_id);
  if coalesce(asset_folder, '') <> '' then
    perform outbox.check_path('asset_folder', asset_folder);
  end if;
  if resource_type not in ('image', 'video', 'raw') or delivery_type not in ('upload', 'private', 'authenticated') then
    perform outbox.refuse('resource_type', format('nothing can be uploaded as %s/%s', resource_type, delivery_type),
      'Types are image, video and raw; delivery types upload, private and authenticated.');
  end if;
  perform outbox.check_tags(tags);
  perform outbox.check_context(context);
  perform outbox.check_metadata(metadata);
  insert into outbox.operation (kind, base, wanted, actor, reason)
  values (
    'upload', '{}',
    file || jsonb_build_object('public_id', public_id, 'resource_type', resource_type, 'delivery_type', delivery_type,
      'asset_folder', asset_folder, 'display_name', display_name, 'tags', tags, 'context', context, 'metadata', metadata),
    outbox.current_actor(), reason
  )
  returning id into operation_id;
  return operation_id;
end
$$;

COMMENT ON FUNCTION public.upload_media_asset(sha256 text, file_name text, public_id text, resource_type text, delivery_type text, asset_folder text, display_name text, tags text[], context jsonb, metadata jsonb, reason text) IS 'Asks for the upload of a file of the vault under a name of its own; nothing there is overwritten. Returns the operation.';

CREATE TABLE audit.archived_entry (
    xid xid8 NOT NULL,
    entry_id bigint NOT NULL,
    digest bytea NOT NULL,
    CONSTRAINT archived_entry_digest_is_sha256 CHECK ((octet_length(digest) = 32))
);

COMMENT ON TABLE audit.archived_entry IS 'Digests of archived entries whose seal also covers entries that are still in the log, so that this seal can be computed again. Append-only.';

COMMENT ON COLUMN audit.archived_entry.xid IS 'Transaction that wrote the entry.';

COMMENT ON COLUMN audit.archived_entry.entry_id IS 'Number of the entry.';

COMMENT ON COLUMN audit.archived_entry.digest IS 'Digest of the entry.';

CREATE TABLE audit.archived_month (
    month text NOT NULL COLLATE pg_catalog."C",
    end_at timestamp with time zone NOT NULL,
    file_name text NOT NULL,
    file_sha256 bytea NOT NULL,
    file_size_bytes bigint NOT NULL,
    entry_count bigint NOT NULL,
    through_xid xid8,
    through_id bigint,
    seal_id bigint,
    seal_digest bytea,
    settled_seal_id bigint,
    archived_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT archived_month_bounds_iff_entries CHECK ((((entry_count > 0) = (through_xid IS NOT NULL)) AND ((entry_count > 0) = (through_id IS NOT NULL)) AND ((entry_count > 0) = (seal_id IS NOT NULL)) AND ((entry_count > 0) = (seal_digest IS NOT NULL)))),
    CONSTRAINT archived_month_counts_positive CHECK (((file_size_bytes > 0) AND (entry_count >= 0))),
    CONSTRAINT archived_month_file_is_sha256 CHECK ((octet_length(file_sha256) = 32)),
    CONSTRAINT archived_month_file_named CHECK ((file_name <> ''::text)),
    CONSTRAINT archived_month_form CHECK ((month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'::text))
);

COMMENT ON TABLE audit.archived_month IS 'Months of the log that were written to a file and then removed: what the file holds, and the seal that covers it. Append-only.';

COMMENT ON COLUMN audit.archived_month.month IS 'The month, as 2026-01, by UTC.';

COMMENT ON COLUMN audit.archived_month.end_at IS 'First moment after it.';

COMMENT ON COLUMN audit.archived_month.file_name IS 'File in the archive''s directory.';

COMMENT ON COLUMN audit.archived_month.file_sha256 IS 'SHA-256 of the file.';

COMMENT ON COLUMN audit.archived_month.file_size_bytes IS 'Size of the file.';

COMMENT ON COLUMN audit.archived_month.entry_count IS 'Entries in it.';

COMMENT ON COLUMN audit.archived_month.through_xid IS 'Its last entry, in (xid, id) order; null where it had none.';

COMMENT ON COLUMN audit.archived_month.through_id IS 'Its last entry, in (xid, id) order; null where it had none.';

COMMENT ON COLUMN audit.archived_month.seal_id IS 'The seal over its last entry.';

COMMENT ON COLUMN audit.archived_month.seal_digest IS 'Digest of that seal.';

COMMENT ON COLUMN audit.archived_month.settled_seal_id IS 'The last seal of whose entries, and of those of all seals before it, none was left in the log; null where there was none.';

COMMENT ON COLUMN audit.archived_month.archived_at IS 'When it was archived.';

CREATE TABLE public.media_sync_log (
    id bigint NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    action text NOT NULL,
    cause text NOT NULL,
    actor text NOT NULL,
    run_id bigint,
    asset_id text COLLATE pg_catalog."C",
    media_asset_id uuid,
    row_version bigint,
    fingerprint bytea,
    before jsonb,
    after jsonb,
    digest bytea NOT NULL,
    CONSTRAINT media_sync_log_action_known CHECK ((action = ANY (ARRAY['created'::text, 'updated'::text, 'renamed'::text, 'moved'::text, 'restored'::text, 'deleted'::text, 'edited'::text, 'merged'::text, 'operation_sent'::text, 'operation_done'::text, 'operation_refused'::text, 'operation_conflict'::text, 'operation_unknown'::text, 'operation_cancelled'::text, 'operation_postponed'::text, 'conflict_resolved'::text, 'plan_held'::text, 'plan_approved'::text, 'plan_rejected'::text, 'hold_opened'::text, 'hold_approved'::text, 'hold_rejected'::text, 'cloud_bound'::text, 'incarnation_confirmed'::text]))),
    CONSTRAINT media_sync_log_actor_given CHECK ((actor <> ''::text)),
    CONSTRAINT media_sync_log_asset_has_version CHECK (((asset_id IS NULL) = (row_version IS NULL))),
    CONSTRAINT media_sync_log_digest_is_sha256 CHECK ((octet_length(digest) = 32))
)
PARTITION BY RANGE (recorded_at);

COMMENT ON TABLE public.media_sync_log IS 'Audit: one row a state change. Nobody may update or delete; sealed against tampering by media_sync_log_seal.';

COMMENT ON COLUMN public.media_sync_log.id IS 'Number, ascending within a transaction.';

COMMENT ON COLUMN public.media_sync_log.xid IS 'Transaction that wrote it; order of the log is (xid, id).';

COMMENT ON COLUMN public.media_sync_log.recorded_at IS 'Start of the transaction that wrote it.';

COMMENT ON COLUMN public.media_sync_log.action IS 'What happened.';

COMMENT ON COLUMN public.media_sync_log.cause IS 'Why: listing, verify, hold, …';

COMMENT ON COLUMN public.media_sync_log.actor IS 'Who: cloudinary, cli:<user>, sql:<role>, dagster:<run id>, …';

COMMENT ON COLUMN public.media_sync_log.run_id IS 'Run of the pipeline, see ops.run.';

COMMENT ON COLUMN public.media_sync_log.asset_id IS 'Cloudinary''s immutable key; null for what concerns no single asset.';

COMMENT ON COLUMN public.media_sync_log.media_asset_id IS 'Our stable key of the asset.';

COMMENT ON COLUMN public.media_sync_log.row_version IS 'row_version of media_assets after the change.';

COMMENT ON COLUMN public.media_sync_log.fingerprint IS 'Fingerprint of the remote state that was applied.';

COMMENT ON COLUMN public.media_sync_log.before IS 'The changed fields as they were; null for a creation.';

COMMENT ON COLUMN public.media_sync_log.after IS 'The changed fields as they are; null for a creation.';

COMMENT ON COLUMN public.media_sync_log.digest IS 'SHA-256 over action to after and recorded_at; the order of entries is covered by the seals.';

CREATE TABLE audit.media_sync_log_other (
    id bigint CONSTRAINT media_sync_log_id_not_null NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() CONSTRAINT media_sync_log_xid_not_null NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() CONSTRAINT media_sync_log_recorded_at_not_null NOT NULL,
    action text CONSTRAINT media_sync_log_action_not_null NOT NULL,
    cause text CONSTRAINT media_sync_log_cause_not_null NOT NULL,
    actor text CONSTRAINT media_sync_log_actor_not_null NOT NULL,
    run_id bigint,
    asset_id text COLLATE pg_catalog."C",
    media_asset_id uuid,
    row_version bigint,
    fingerprint bytea,
    before jsonb,
    after jsonb,
    digest bytea CONSTRAINT media_sync_log_digest_not_null NOT NULL,
    CONSTRAINT media_sync_log_action_known CHECK ((action = ANY (ARRAY['created'::text, 'updated'::text, 'renamed'::text, 'moved'::text, 'restored'::text, 'deleted'::text, 'edited'::text, 'merged'::text, 'operation_sent'::text, 'operation_done'::text, 'operation_refused'::text, 'operation_conflict'::text, 'operation_unknown'::text, 'operation_cancelled'::text, 'operation_postponed'::text, 'conflict_resolved'::text, 'plan_held'::text, 'plan_approved'::text, 'plan_rejected'::text, 'hold_opened'::text, 'hold_approved'::text, 'hold_rejected'::text, 'cloud_bound'::text, 'incarnation_confirmed'::text]))),
    CONSTRAINT media_sync_log_actor_given CHECK ((actor <> ''::text)),
    CONSTRAINT media_sync_log_asset_has_version CHECK (((asset_id IS NULL) = (row_version IS NULL))),
    CONSTRAINT media_sync_log_digest_is_sha256 CHECK ((octet_length(digest) = 32))
);

COMMENT ON TABLE audit.media_sync_log_other IS 'Log entries of months without a partition of their own.';

CREATE TABLE diff.change (
    change_set_id bigint NOT NULL,
    asset_id text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    fields text[] DEFAULT '{}'::text[] NOT NULL,
    before jsonb,
    after jsonb,
    remote_fingerprint bytea,
    refusal text,
    CONSTRAINT change_fields_iff_content CHECK (((fields = '{}'::text[]) = ((before IS NULL) AND (after IS NULL)))),
    CONSTRAINT change_held_is_deletion CHECK (((state <> 'held'::text) OR (kind = 'deleted'::text))),
    CONSTRAINT change_kind_known CHECK ((kind = ANY (ARRAY['created'::text, 'restored'::text, 'deleted'::text, 'conflict'::text, 'renamed'::text, 'moved'::text, 'updated'::text]))),
    CONSTRAINT change_refusal_iff_refused CHECK (((refusal IS NOT NULL) = (state = 'refused'::text))),
    CONSTRAINT change_state_known CHECK ((state = ANY (ARRAY['pending'::text, 'applied'::text, 'held'::text, 'superseded'::text, 'refused'::text])))
)
WITH (fillfactor='50');

COMMENT ON TABLE diff.change IS 'One asset''s part of a change set.';

COMMENT ON COLUMN diff.change.change_set_id IS 'The change set.';

COMMENT ON COLUMN diff.change.asset_id IS 'The asset.';

COMMENT ON COLUMN diff.change.kind IS 'created, restored, deleted, conflict, renamed, moved or updated: the most telling word.';

COMMENT ON COLUMN diff.change.state IS 'pending; then applied, held (waits for an approval), superseded, or refused by Postgres (tried again by the next set).';

COMMENT ON COLUMN diff.change.fields IS 'The fields that differ, in their order; empty for created and deleted.';

COMMENT ON COLUMN diff.change.before IS 'These fields in media_assets.';

COMMENT ON COLUMN diff.change.after IS 'These fields in the mirror.';

COMMENT ON COLUMN diff.change.remote_fingerprint IS 'Fingerprint of the remote state that was compared; the change is void when it moved on.';

COMMENT ON COLUMN diff.change.refusal IS 'What Postgres said of a change that it refused.';

CREATE TABLE diff.change_set (
    id bigint NOT NULL,
    run_id bigint,
    state text DEFAULT 'pending'::text NOT NULL,
    computed_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    created_count bigint DEFAULT 0 NOT NULL,
    updated_count bigint DEFAULT 0 NOT NULL,
    renamed_count bigint DEFAULT 0 NOT NULL,
    moved_count bigint DEFAULT 0 NOT NULL,
    restored_count bigint DEFAULT 0 NOT NULL,
    deleted_count bigint DEFAULT 0 NOT NULL,
    conflict_count bigint DEFAULT 0 NOT NULL,
    held_count bigint DEFAULT 0 NOT NULL,
    CONSTRAINT change_set_finished_iff_final CHECK (((finished_at IS NOT NULL) = (state <> 'pending'::text))),
    CONSTRAINT change_set_state_known CHECK ((state = ANY (ARRAY['pending'::text, 'applied'::text, 'superseded'::text])))
);

COMMENT ON TABLE diff.change_set IS 'All differences that one run found between the mirror and media_assets.';

COMMENT ON COLUMN diff.change_set.id IS 'Number.';

COMMENT ON COLUMN diff.change_set.run_id IS 'Run that computed it.';

COMMENT ON COLUMN diff.change_set.state IS 'pending; then applied, or superseded by a newer one.';

COMMENT ON COLUMN diff.change_set.computed_at IS 'When it was computed.';

COMMENT ON COLUMN diff.change_set.finished_at IS 'When it was applied or superseded.';

COMMENT ON COLUMN diff.change_set.created_count IS 'Assets new to us.';

COMMENT ON COLUMN diff.change_set.updated_count IS 'Assets with changed fields.';

COMMENT ON COLUMN diff.change_set.renamed_count IS 'Assets with another public_id.';

COMMENT ON COLUMN diff.change_set.moved_count IS 'Assets in another folder.';

COMMENT ON COLUMN diff.change_set.restored_count IS 'Assets that are live again.';

COMMENT ON COLUMN diff.change_set.deleted_count IS 'Assets proved deleted, held ones included.';

COMMENT ON COLUMN diff.change_set.conflict_count IS 'Assets changed on both sides.';

COMMENT ON COLUMN diff.change_set.held_count IS 'Deletions that wait for an approval.';

ALTER TABLE diff.change_set ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME diff.change_set_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE landing.change_window (
    id bigint NOT NULL,
    run_id bigint,
    kind text NOT NULL,
    low_at timestamp with time zone NOT NULL,
    high_at timestamp with time zone,
    state text DEFAULT 'open'::text NOT NULL,
    cursor text,
    page_count integer DEFAULT 0 NOT NULL,
    found_count bigint DEFAULT 0 NOT NULL,
    hinted_count bigint DEFAULT 0 NOT NULL,
    quarantined_count bigint DEFAULT 0 NOT NULL,
    missing_count bigint DEFAULT 0 NOT NULL,
    restart_count integer DEFAULT 0 NOT NULL,
    broken_reason text,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT change_window_complete_has_an_end CHECK (((high_at IS NOT NULL) OR (state <> 'complete'::text))),
    CONSTRAINT change_window_counts_positive CHECK (((page_count >= 0) AND (found_count >= 0) AND (hinted_count >= 0) AND (quarantined_count >= 0) AND (missing_count >= 0) AND (restart_count >= 0))),
    CONSTRAINT change_window_ends_after_it_begins CHECK ((high_at >= low_at)),
    CONSTRAINT change_window_finished_iff_not_open CHECK (((finished_at IS NOT NULL) = (state <> 'open'::text))),
    CONSTRAINT change_window_kind_known CHECK ((kind = ANY (ARRAY['recent'::text, 'outage'::text]))),
    CONSTRAINT change_window_no_cursor_when_complete CHECK (((state <> 'complete'::text) OR (cursor IS NULL))),
    CONSTRAINT change_window_outage_has_an_end CHECK (((high_at IS NOT NULL) OR (kind = 'recent'::text))),
    CONSTRAINT change_window_reason_iff_broken CHECK (((broken_reason IS NOT NULL) = (state = 'broken'::text))),
    CONSTRAINT change_window_state_known CHECK ((state = ANY (ARRAY['open'::text, 'complete'::text, 'broken'::text])))
);

COMMENT ON TABLE landing.change_window IS 'One walk through what the search says was created or changed within a time. It only hints: what it does not show is not absent.';

COMMENT ON COLUMN landing.change_window.id IS 'Number.';

COMMENT ON COLUMN landing.change_window.run_id IS 'Run of the pipeline that began it.';

COMMENT ON COLUMN landing.change_window.kind IS 'recent (from the last one to now) or outage (days that somebody chose).';

COMMENT ON COLUMN landing.change_window.low_at IS 'First moment of the time, by Cloudinary''s clock.';

COMMENT ON COLUMN landing.change_window.high_at IS 'End of the time, by Cloudinary''s clock. Of a recent one it is the moment of the first answer, null before it: what changes later may be shown as well.';

COMMENT ON COLUMN landing.change_window.state IS 'open; then complete (the last page was read, or the rest is left to a full listing) or broken.';

COMMENT ON COLUMN landing.change_window.cursor IS 'Cursor of the next page; null before the first and after the last.';

COMMENT ON COLUMN landing.change_window.page_count IS 'Pages read.';

COMMENT ON COLUMN landing.change_window.found_count IS 'Records on these pages, bad ones included; of a walk that lost its cursor only those since.';

COMMENT ON COLUMN landing.change_window.hinted_count IS 'Assets that are to be read by id because of it.';

COMMENT ON COLUMN landing.change_window.quarantined_count IS 'Bad records among the found ones.';

COMMENT ON COLUMN landing.change_window.missing_count IS 'Records that the search counted at the end and did not show: its index was in flux.';

COMMENT ON COLUMN landing.change_window.restart_count IS 'How often its cursor was rejected.';

COMMENT ON COLUMN landing.change_window.broken_reason IS 'Why it came to no end; only for broken ones.';

COMMENT ON COLUMN landing.change_window.started_at IS 'Start, by our clock.';

COMMENT ON COLUMN landing.change_window.finished_at IS 'When it left the state open.';

COMMENT ON COLUMN landing.change_window.updated_at IS 'Last change of this row.';

ALTER TABLE landing.change_window ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME landing.change_window_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE landing.listing_page (
    listing_run_id bigint NOT NULL,
    page_number integer NOT NULL,
    touch_low bigint NOT NULL,
    cursor text,
    body bytea NOT NULL,
    body_size_bytes bigint NOT NULL,
    body_digest bytea NOT NULL,
    records_digest bytea NOT NULL,
    asset_count integer NOT NULL,
    request_id text,
    received_at timestamp with time zone NOT NULL,
    applied_at timestamp with time zone,
    CONSTRAINT listing_page_digest_is_sha256 CHECK ((octet_length(body_digest) = 32))
);
ALTER TABLE ONLY landing.listing_page ALTER COLUMN body SET STORAGE EXTERNAL;

COMMENT ON TABLE landing.listing_page IS 'One answer of a listing, as received.';

COMMENT ON COLUMN landing.listing_page.listing_run_id IS 'The walk.';

COMMENT ON COLUMN landing.listing_page.page_number IS 'Place in the walk, from 1.';

COMMENT ON COLUMN landing.listing_page.touch_low IS 'mirror.touch_seq before the request: the low end of the window rule.';

COMMENT ON COLUMN landing.listing_page.cursor IS 'Cursor the page was asked for with; null for the first.';

COMMENT ON COLUMN landing.listing_page.body IS 'The answer''s bytes, zlib.';

COMMENT ON COLUMN landing.listing_page.body_size_bytes IS 'Size before compression.';

COMMENT ON COLUMN landing.listing_page.body_digest IS 'SHA-256 of the bytes before compression.';

COMMENT ON COLUMN landing.listing_page.records_digest IS 'Digest of its records and of the version of the normalizing code: equal where two pages show the same, whatever their cursors.';

COMMENT ON COLUMN landing.listing_page.asset_count IS 'Assets on the page.';

COMMENT ON COLUMN landing.listing_page.request_id IS 'Cloudinary''s id of the request.';

COMMENT ON COLUMN landing.listing_page.received_at IS 'When the answer arrived.';

COMMENT ON COLUMN landing.listing_page.applied_at IS 'When its assets were taken into mirror.remote_asset; null before.';

CREATE TABLE landing.listing_run (
    id bigint NOT NULL,
    run_id bigint,
    resource_type text NOT NULL COLLATE pg_catalog."C",
    delivery_type text NOT NULL COLLATE pg_catalog."C",
    state text DEFAULT 'open'::text NOT NULL,
    scope text NOT NULL,
    touch_low bigint,
    cursor text,
    page_count integer DEFAULT 0 NOT NULL,
    asset_count bigint DEFAULT 0 NOT NULL,
    quarantined_count bigint DEFAULT 0 NOT NULL,
    restart_count integer DEFAULT 0 NOT NULL,
    suspect_count bigint,
    broken_reason text,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT listing_run_counts_positive CHECK (((page_count >= 0) AND (asset_count >= 0) AND (quarantined_count >= 0))),
    CONSTRAINT listing_run_finished_iff_not_open CHECK (((finished_at IS NOT NULL) = (state <> 'open'::text))),
    CONSTRAINT listing_run_no_cursor_when_complete CHECK (((state = ANY (ARRAY['open'::text, 'broken'::text])) OR (cursor IS NULL))),
    CONSTRAINT listing_run_reason_iff_broken CHECK (((broken_reason IS NOT NULL) = (state = 'broken'::text))),
    CONSTRAINT listing_run_state_known CHECK ((state = ANY (ARRAY['open'::text, 'complete'::text, 'broken'::text, 'held'::text, 'closed'::text])))
);

COMMENT ON TABLE landing.listing_run IS 'One walk of one slice through the Admin API.';

COMMENT ON COLUMN landing.listing_run.id IS 'Number.';

COMMENT ON COLUMN landing.listing_run.run_id IS 'Run of the pipeline that began it.';

COMMENT ON COLUMN landing.listing_run.resource_type IS 'First half of the slice.';

COMMENT ON COLUMN landing.listing_run.delivery_type IS 'Second half of the slice.';

COMMENT ON COLUMN landing.listing_run.state IS 'open; complete (last page had no cursor); then held (suspects wait for a person) or closed; or broken.';

COMMENT ON COLUMN landing.listing_run.scope IS 'What was asked for; absence is concluded only when it equals that of the last complete run.';

COMMENT ON COLUMN landing.listing_run.touch_low IS 'mirror.touch_seq before the first request: what was touched since proves nothing.';

COMMENT ON COLUMN landing.listing_run.cursor IS 'Cursor of the next page; null before the first and after the last.';

COMMENT ON COLUMN landing.listing_run.page_count IS 'Pages landed.';

COMMENT ON COLUMN landing.listing_run.asset_count IS 'Assets on these pages, bad ones included.';

COMMENT ON COLUMN landing.listing_run.quarantined_count IS 'Bad ones among them; if any, the run proves no absence.';

COMMENT ON COLUMN landing.listing_run.restart_count IS 'How many earlier runs of this walk lost their cursor.';

COMMENT ON COLUMN landing.listing_run.suspect_count IS 'Live assets that the complete run did not show; null before they are counted or where nothing was concluded.';

COMMENT ON COLUMN landing.listing_run.broken_reason IS 'Why the run proves nothing; only for broken runs.';

COMMENT ON COLUMN landing.listing_run.started_at IS 'Start.';

COMMENT ON COLUMN landing.listing_run.finished_at IS 'When it left the state open.';

COMMENT ON COLUMN landing.listing_run.updated_at IS 'Last change of this row.';

ALTER TABLE landing.listing_run ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME landing.listing_run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE landing.listing_wish (
    reason text NOT NULL,
    touch bigint NOT NULL,
    wished_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT listing_wish_reason_known CHECK ((reason = ANY (ARRAY['first'::text, 'outage'::text, 'flood'::text])))
);

COMMENT ON TABLE landing.listing_wish IS 'Why a full listing is wanted before the next night; settled when every slice has a complete walk that began later.';

COMMENT ON COLUMN landing.listing_wish.reason IS 'first (nothing was ever listed); outage (deletions of a time without notifications leave no other trace); flood (more was hinted at than reads by id are worth).';

COMMENT ON COLUMN landing.listing_wish.touch IS 'mirror.touch_seq when it was wished last: only a walk with a greater touch_low settles it.';

COMMENT ON COLUMN landing.listing_wish.wished_at IS 'When that was; for people.';

CREATE TABLE landing.notification (
    id bigint NOT NULL,
    body_digest bytea NOT NULL,
    body bytea NOT NULL,
    headers jsonb NOT NULL,
    channel text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    last_received_at timestamp with time zone NOT NULL,
    delivery_count bigint DEFAULT 1 NOT NULL,
    notification_type text,
    triggered_at timestamp with time zone,
    triggered_by text,
    request_id text,
    outcome text NOT NULL,
    reason text,
    asset_ids text[] DEFAULT '{}'::text[] NOT NULL COLLATE pg_catalog."C",
    is_undefined boolean DEFAULT false NOT NULL,
    landed_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT notification_channel_known CHECK ((channel = ANY (ARRAY['webhook'::text, 'poll'::text]))),
    CONSTRAINT notification_deliveries_positive CHECK ((delivery_count > 0)),
    CONSTRAINT notification_digest_is_sha256 CHECK ((octet_length(body_digest) = 32)),
    CONSTRAINT notification_outcome_known CHECK ((outcome = ANY (ARRAY['hinted'::text, 'no_asset'::text, 'not_mirrored'::text, 'folders'::text, 'unknown_type'::text, 'foreign_cloud'::text, 'quarantined'::text]))),
    CONSTRAINT notification_reason_iff_quarantined CHECK (((reason IS NOT NULL) = (outcome = 'quarantined'::text))),
    CONSTRAINT notification_times_in_order CHECK ((received_at <= last_received_at))
);

COMMENT ON TABLE landing.notification IS 'Every signed message, once however often it came; a hint, never content.';

COMMENT ON COLUMN landing.notification.id IS 'Number.';

COMMENT ON COLUMN landing.notification.body_digest IS 'SHA-256 of the body.';

COMMENT ON COLUMN landing.notification.body IS 'The body as it was signed.';

COMMENT ON COLUMN landing.notification.headers IS 'Headers of the first delivery that say something about it.';

COMMENT ON COLUMN landing.notification.channel IS 'webhook or poll: how it first came.';

COMMENT ON COLUMN landing.notification.received_at IS 'When it first came.';

COMMENT ON COLUMN landing.notification.last_received_at IS 'When it last came.';

COMMENT ON COLUMN landing.notification.delivery_count IS 'How often it came.';

COMMENT ON COLUMN landing.notification.notification_type IS 'Cloudinary''s word for what happened; null where it tells none.';

COMMENT ON COLUMN landing.notification.triggered_at IS 'When it happened, as Cloudinary tells; for people and lag, never for order.';

COMMENT ON COLUMN landing.notification.triggered_by IS 'Who did it, as source:id.';

COMMENT ON COLUMN landing.notification.request_id IS 'Request that caused it.';

COMMENT ON COLUMN landing.notification.outcome IS 'hinted: its assets are read again; no_asset: it names none that we know; not_mirrored: of a delivery type that is not mirrored; folders: the folder tree is read again; unknown_type: a new one, its assets are read again; foreign_cloud: of another cloud; quarantined: it cannot be read.';

COMMENT ON COLUMN landing.notification.reason IS 'Why it cannot be read; only where quarantined.';

COMMENT ON COLUMN landing.notification.asset_ids IS 'Assets that it made be read again.';

COMMENT ON COLUMN landing.notification.is_undefined IS 'Whether it mentions structured metadata whose definition was not known then.';

COMMENT ON COLUMN landing.notification.landed_at IS 'When it was taken out of the spool.';

COMMENT ON COLUMN landing.notification.updated_at IS 'Last change of this row.';

ALTER TABLE landing.notification ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME landing.notification_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE mirror.asset_etag (
    asset_id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    etag text COLLATE pg_catalog."C",
    read_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT asset_etag_asset_id_is_hex CHECK ((asset_id ~ '^[0-9a-f]{32}$'::text)),
    CONSTRAINT asset_etag_etag_is_hex CHECK ((etag ~ '^[0-9a-f]{32}$'::text))
);

COMMENT ON TABLE mirror.asset_etag IS 'MD5 of the bytes of assets that may be equal to others; listings do not tell it. It counts while the asset has this version.';

COMMENT ON COLUMN mirror.asset_etag.asset_id IS 'The asset.';

COMMENT ON COLUMN mirror.asset_etag.version IS 'Its version with these bytes; 0 where Cloudinary told none.';

COMMENT ON COLUMN mirror.asset_etag.etag IS 'MD5 of the bytes in hex; null where Cloudinary told none.';

COMMENT ON COLUMN mirror.asset_etag.read_at IS 'When it was read.';

CREATE VIEW mirror.alike_asset WITH (security_invoker='true') AS
 SELECT a.media_asset_id,
    a.asset_id,
    a.resource_type,
    a.size_bytes,
    e.etag,
    (e.asset_id IS NOT NULL) AS is_compared
   FROM (( SELECT m.id AS media_asset_id,
            m.asset_id,
            m.resource_type,
            m.size_bytes,
            m.version,
            count(*) OVER (PARTITION BY m.resource_type, m.size_bytes) AS alike_count
           FROM public.media_assets m
          WHERE ((m.deleted_at IS NULL) AND (NOT m.is_placeholder) AND (m.size_bytes IS NOT NULL))) a
     LEFT JOIN mirror.asset_etag e ON (((a.asset_id = e.asset_id) AND (e.version = COALESCE(a.version, (0)::bigint)))))
  WHERE (a.alike_count > 1);

COMMENT ON VIEW mirror.alike_asset IS 'Live assets of which others have the same type and size: all whose bytes may be equal.';

COMMENT ON COLUMN mirror.alike_asset.media_asset_id IS 'Its row in media_assets.';

COMMENT ON COLUMN mirror.alike_asset.asset_id IS 'The asset.';

COMMENT ON COLUMN mirror.alike_asset.resource_type IS 'See public.media_assets.';

COMMENT ON COLUMN mirror.alike_asset.size_bytes IS 'See public.media_assets.';

COMMENT ON COLUMN mirror.alike_asset.etag IS 'MD5 of its present bytes; null where it was not read yet or Cloudinary told none.';

COMMENT ON COLUMN mirror.alike_asset.is_compared IS 'Whether the MD5 of its present bytes was asked for.';

CREATE TABLE mirror.asset_field (
    name text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    "position" smallint NOT NULL,
    CONSTRAINT asset_field_kind_known CHECK ((kind = ANY (ARRAY['scalar'::text, 'set'::text, 'map'::text, 'document'::text])))
);

COMMENT ON TABLE mirror.asset_field IS 'The mirrored fields: columns that remote_asset and media_assets share and that the fingerprint covers.';

COMMENT ON COLUMN mirror.asset_field.name IS 'Name of the column in both tables.';

COMMENT ON COLUMN mirror.asset_field.kind IS 'How two values are compared and merged: scalar, set, map (per key) or document (as a whole).';

COMMENT ON COLUMN mirror.asset_field."position" IS 'Order in the fingerprint.';

CREATE TABLE mirror.asset_sighting (
    asset_id text NOT NULL COLLATE pg_catalog."C",
    resource_type text NOT NULL COLLATE pg_catalog."C",
    delivery_type text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL,
    touch bigint NOT NULL,
    seen_listing_run_id bigint,
    verified_at timestamp with time zone,
    approved_hold_id bigint,
    CONSTRAINT asset_sighting_approval_is_for_tombstones CHECK (((approved_hold_id IS NULL) OR (state = 'tombstone'::text))),
    CONSTRAINT asset_sighting_state_known CHECK ((state = ANY (ARRAY['live'::text, 'suspect'::text, 'tombstone'::text])))
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0.05');

COMMENT ON TABLE mirror.asset_sighting IS 'Narrow bookkeeping of proofs, rewritten at every read, so that wide rows are not.';

COMMENT ON COLUMN mirror.asset_sighting.asset_id IS 'Cloudinary''s immutable key.';

COMMENT ON COLUMN mirror.asset_sighting.resource_type IS 'First half of the slice it was last seen in.';

COMMENT ON COLUMN mirror.asset_sighting.delivery_type IS 'Second half of the slice it was last seen in.';

COMMENT ON COLUMN mirror.asset_sighting.state IS 'live; suspect (missing in a complete run, not read yet); tombstone (proved deleted).';

COMMENT ON COLUMN mirror.asset_sighting.touch IS 'Logical time of the last applied read, hint or push.';

COMMENT ON COLUMN mirror.asset_sighting.seen_listing_run_id IS 'Last listing run that showed it.';

COMMENT ON COLUMN mirror.asset_sighting.verified_at IS 'Last proof of its state; for people and freshness, never for order.';

COMMENT ON COLUMN mirror.asset_sighting.approved_hold_id IS 'Hold through which a person approved this deletion; it passes the guards that follow.';

CREATE TABLE mirror.proved_page (
    resource_type text NOT NULL COLLATE pg_catalog."C",
    delivery_type text NOT NULL COLLATE pg_catalog."C",
    records_digest bytea NOT NULL,
    touch bigint NOT NULL,
    asset_ids text[] NOT NULL
);
ALTER TABLE ONLY mirror.proved_page ALTER COLUMN asset_ids SET STORAGE EXTERNAL;

COMMENT ON TABLE mirror.proved_page IS 'Pages that were taken over whole. While an asset of one has still its touch, nothing was heard of it since, so the same page says nothing new of it.';

COMMENT ON COLUMN mirror.proved_page.resource_type IS 'First half of the slice.';

COMMENT ON COLUMN mirror.proved_page.delivery_type IS 'Second half of the slice.';

COMMENT ON COLUMN mirror.proved_page.records_digest IS 'See landing.listing_page.';

COMMENT ON COLUMN mirror.proved_page.touch IS 'Logical time that its assets got when the page was last taken over.';

COMMENT ON COLUMN mirror.proved_page.asset_ids IS 'Its assets, in order.';

CREATE TABLE mirror.quarantine (
    id bigint NOT NULL,
    listing_run_id bigint,
    page_number integer,
    asset_id text,
    reason text NOT NULL,
    detail text NOT NULL,
    body bytea NOT NULL,
    body_digest bytea NOT NULL,
    seen_count bigint DEFAULT 1 NOT NULL,
    first_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    last_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    resolved_at timestamp with time zone,
    CONSTRAINT quarantine_digest_is_sha256 CHECK ((octet_length(body_digest) = 32))
);

COMMENT ON TABLE mirror.quarantine IS 'Records that could not be understood, set aside with their bytes and the reason; the rest goes on.';

COMMENT ON COLUMN mirror.quarantine.id IS 'Number.';

COMMENT ON COLUMN mirror.quarantine.listing_run_id IS 'Listing run that last showed it; null for a point read.';

COMMENT ON COLUMN mirror.quarantine.page_number IS 'Page of that run.';

COMMENT ON COLUMN mirror.quarantine.asset_id IS 'Its asset_id as far as it could be read.';

COMMENT ON COLUMN mirror.quarantine.reason IS 'Which rule it breaks.';

COMMENT ON COLUMN mirror.quarantine.detail IS 'What exactly, in words.';

COMMENT ON COLUMN mirror.quarantine.body IS 'The record as received.';

COMMENT ON COLUMN mirror.quarantine.body_digest IS 'SHA-256 of the record.';

COMMENT ON COLUMN mirror.quarantine.seen_count IS 'How often exactly this record came.';

COMMENT ON COLUMN mirror.quarantine.first_seen_at IS 'First time.';

COMMENT ON COLUMN mirror.quarantine.last_seen_at IS 'Last time.';

COMMENT ON COLUMN mirror.quarantine.resolved_at IS 'When a good record of the same asset was applied; null before.';

ALTER TABLE mirror.quarantine ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME mirror.quarantine_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE mirror.remote_asset (
    asset_id text NOT NULL COLLATE pg_catalog."C",
    resource_type text NOT NULL COLLATE pg_catalog."C",
    delivery_type text NOT NULL COLLATE pg_catalog."C",
    public_id text NOT NULL COLLATE pg_catalog."C",
    format text,
    version bigint,
    created_at timestamp with time zone,
    size_bytes bigint,
    width_px integer,
    height_px integer,
    asset_folder text COLLATE pg_catalog."C",
    display_name text,
    tags text[] NOT NULL,
    context jsonb NOT NULL,
    metadata jsonb NOT NULL,
    access_mode text,
    access_control jsonb,
    moderation_kind text,
    moderation_status text,
    is_placeholder boolean NOT NULL,
    is_backed_up boolean NOT NULL,
    secure_url text,
    fingerprint bytea NOT NULL,
    document jsonb NOT NULL,
    document_digest bytea NOT NULL,
    observed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT remote_asset_asset_id_is_hex CHECK ((asset_id ~ '^[0-9a-f]{32}$'::text))
);

COMMENT ON TABLE mirror.remote_asset IS 'What is there: the last proved observation of an asset in Cloudinary.';

COMMENT ON COLUMN mirror.remote_asset.asset_id IS 'Cloudinary''s immutable key.';

COMMENT ON COLUMN mirror.remote_asset.resource_type IS 'See public.media_assets.';

COMMENT ON COLUMN mirror.remote_asset.delivery_type IS 'See public.media_assets.';

COMMENT ON COLUMN mirror.remote_asset.public_id IS 'See public.media_assets.';

COMMENT ON COLUMN mirror.remote_asset.format IS 'See public.media_assets.';

COMMENT ON COLUMN mirror.remote_asset.version IS 'See public.media_assets.';

COMMENT ON COLUMN mirror.remote_asset.created_at IS 'See public.media_assets.';

COMMENT ON COLUMN mirror.remote_asset.size_bytes IS 'See public.media_assets.';

COMMENT ON COLUMN mirror.remote_asset.width_px IS 'See public.media_assets.';

COMMENT ON COLUMN mirror.remote_asset.height_px IS 'See public.media_assets.';

COMMENT ON COLUMN mirror.remote_asset.asset_folder IS 'See public.media_assets.';

COMMENT ON COLUMN mirror.remote_asset.display_name IS 'See public.media_assets.';

COMMENT ON COLUMN mirror.remote_asset.tags IS 'See public.media_assets.';

COMMENT ON COLUMN mirror.remote_asset.context IS 'See public.media_assets.';

COMMENT ON COLUMN mirror.remote_asset.metadata IS 'See public.media_assets.';

COMMENT ON COLUMN mirror.remote_asset.access_mode IS 'See public.media_assets.';

COMMENT ON COLUMN mirror.remote_asset.access_control IS 'See public.media_assets.';

COMMENT ON COLUMN mirror.remote_asset.moderation_kind IS 'See public.media_assets.';

COMMENT ON COLUMN mirror.remote_asset.moderation_status IS 'See public.media_assets.';

COMMENT ON COLUMN mirror.remote_asset.is_placeholder IS 'See public.media_assets.';

COMMENT ON COLUMN mirror.remote_asset.is_backed_up IS 'See public.media_assets.';

COMMENT ON COLUMN mirror.remote_asset.secure_url IS 'See public.media_assets.';

COMMENT ON COLUMN mirror.remote_asset.fingerprint IS 'Digest over the fields of mirror.asset_field: equal if and only if nothing mirrored changed.';

COMMENT ON COLUMN mirror.remote_asset.document IS 'The asset as received, fields unknown to us included.';

COMMENT ON COLUMN mirror.remote_asset.document_digest IS 'Digest of the received bytes and of the version of the normalizing code; an equal one needs no second look.';

COMMENT ON COLUMN mirror.remote_asset.observed_at IS 'When this content was taken over; for people, never for order.';

CREATE SEQUENCE mirror.touch_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

COMMENT ON SEQUENCE mirror.touch_seq IS 'Logical clock of observations, hints and pushes. Order never depends on a wall clock.';

CREATE TABLE mirror.verify_queue (
    asset_id text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL,
    hint_touch bigint NOT NULL,
    hold_id bigint,
    attempt_count integer DEFAULT 0 NOT NULL,
    not_before timestamp with time zone DEFAULT now() NOT NULL,
    hinted_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT verify_queue_asset_id_is_hex CHECK ((asset_id ~ '^[0-9a-f]{32}$'::text)),
    CONSTRAINT verify_queue_attempts_positive CHECK ((attempt_count >= 0)),
    CONSTRAINT verify_queue_reason_known CHECK ((reason = ANY (ARRAY['suspect'::text, 'window'::text, 'placeholder'::text, 'notification'::text, 'search'::text, 'push'::text, 'manual'::text])))
);

COMMENT ON TABLE mirror.verify_queue IS 'Assets to read again by their id, each once however often it was hinted at.';

COMMENT ON COLUMN mirror.verify_queue.asset_id IS 'The asset.';

COMMENT ON COLUMN mirror.verify_queue.reason IS 'Why; the first reason stays.';

COMMENT ON COLUMN mirror.verify_queue.hint_touch IS 'Logical time of the latest hint; a read from before it does not settle the entry.';

COMMENT ON COLUMN mirror.verify_queue.hold_id IS 'Approved hold through which a suspect came here.';

COMMENT ON COLUMN mirror.verify_queue.attempt_count IS 'Reads begun.';

COMMENT ON COLUMN mirror.verify_queue.not_before IS 'Not to be read before; a reader moves it ahead while it reads.';

COMMENT ON COLUMN mirror.verify_queue.hinted_at IS 'When the entry was made; for people.';

CREATE TABLE ops.alembic_version (
    version_num character varying(32) NOT NULL
);

COMMENT ON TABLE ops.alembic_version IS 'Alembic''s own note of the last migration.';

COMMENT ON COLUMN ops.alembic_version.version_num IS 'Number of the last migration.';

CREATE TABLE ops.api_budget (
    id boolean DEFAULT true NOT NULL,
    limit_count integer NOT NULL,
    remaining_count integer NOT NULL,
    reset_at timestamp with time zone NOT NULL,
    observed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT api_budget_counts_positive CHECK (((limit_count >= 0) AND (remaining_count >= 0))),
    CONSTRAINT api_budget_one_row CHECK (id)
);

COMMENT ON TABLE ops.api_budget IS 'The allowance of Admin API calls as the last answer told it.';

COMMENT ON COLUMN ops.api_budget.id IS 'Always true: there is one row.';

COMMENT ON COLUMN ops.api_budget.limit_count IS 'Calls an hour that the plan allows.';

COMMENT ON COLUMN ops.api_budget.remaining_count IS 'Calls left until reset_at.';

COMMENT ON COLUMN ops.api_budget.reset_at IS 'When the allowance is given anew.';

COMMENT ON COLUMN ops.api_budget.observed_at IS 'When the answer arrived.';

CREATE TABLE ops.api_call (
    window_at timestamp with time zone NOT NULL,
    purpose text NOT NULL,
    call_count integer DEFAULT 0 NOT NULL,
    CONSTRAINT api_call_count_positive CHECK ((call_count >= 0)),
    CONSTRAINT api_call_purpose_known CHECK ((purpose = ANY (ARRAY['listing'::text, 'verify'::text, 'folders'::text, 'push'::text, 'other'::text])))
);

COMMENT ON TABLE ops.api_call IS 'Ledger: Admin API calls an hour and purpose, so that no activity starves another.';

COMMENT ON COLUMN ops.api_call.window_at IS 'Start of the clock hour.';

COMMENT ON COLUMN ops.api_call.purpose IS 'listing, verify, folders, push or other.';

COMMENT ON COLUMN ops.api_call.call_count IS 'Units spent.';

CREATE TABLE ops.canary_touch (
    id bigint NOT NULL,
    run_id bigint,
    asset_id text NOT NULL COLLATE pg_catalog."C",
    touched_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    request_id text,
    is_sent boolean DEFAULT false NOT NULL,
    notified_at timestamp with time zone,
    applied_at timestamp with time zone
);

COMMENT ON TABLE ops.canary_touch IS 'One change of the canary asset by us, and when it came back: by a notification, and as a row of media_assets.';

COMMENT ON COLUMN ops.canary_touch.id IS 'Number; the canary''s context shows it as "touched".';

COMMENT ON COLUMN ops.canary_touch.run_id IS 'Run of the pipeline.';

COMMENT ON COLUMN ops.canary_touch.asset_id IS 'The canary.';

COMMENT ON COLUMN ops.canary_touch.touched_at IS 'When the change was asked for.';

COMMENT ON COLUMN ops.canary_touch.request_id IS 'Cloudinary''s id of the request; its notification names it.';

COMMENT ON COLUMN ops.canary_touch.is_sent IS 'Whether Cloudinary said that it is done; one that is not sent proves nothing.';

COMMENT ON COLUMN ops.canary_touch.notified_at IS 'When the notification of the change arrived; null where none did yet.';

COMMENT ON COLUMN ops.canary_touch.applied_at IS 'When media_assets showed this change or a later one.';

ALTER TABLE ops.canary_touch ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ops.canary_touch_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE ops.cloud_binding (
    id boolean DEFAULT true NOT NULL,
    cloud_name text NOT NULL,
    is_emulator boolean NOT NULL,
    folder_mode text NOT NULL,
    incarnation uuid DEFAULT gen_random_uuid() NOT NULL,
    bound_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT cloud_binding_cloud_name_given CHECK ((cloud_name <> ''::text)),
    CONSTRAINT cloud_binding_folder_mode_known CHECK ((folder_mode = ANY (ARRAY['dynamic'::text, 'fixed'::text]))),
    CONSTRAINT cloud_binding_one_row CHECK (id)
);

COMMENT ON TABLE ops.cloud_binding IS 'The one cloud this database belongs to; another is refused before the first write.';

COMMENT ON COLUMN ops.cloud_binding.id IS 'Always true: there is one row.';

COMMENT ON COLUMN ops.cloud_binding.cloud_name IS 'Cloudinary''s name of the product environment.';

COMMENT ON COLUMN ops.cloud_binding.is_emulator IS 'True where the emulator stood in when the database was bound.';

COMMENT ON COLUMN ops.cloud_binding.folder_mode IS 'dynamic or fixed, as the cloud''s configuration says.';

COMMENT ON COLUMN ops.cloud_binding.incarnation IS 'Identity of this database; a restored copy is told apart by it.';

COMMENT ON COLUMN ops.cloud_binding.bound_at IS 'When the first sync bound the database.';

CREATE TABLE ops.fence (
    activity text NOT NULL,
    fence bigint NOT NULL,
    holder text NOT NULL,
    acquired_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE ops.fence IS 'Who holds an activity. A writing transaction checks its fence here, so that a holder that was taken over writes nothing.';

COMMENT ON COLUMN ops.fence.activity IS 'What is being done, e.g. listing image/upload, apply.';

COMMENT ON COLUMN ops.fence.fence IS 'Number of the current holder.';

COMMENT ON COLUMN ops.fence.holder IS 'Host, process and run of the holder.';

COMMENT ON COLUMN ops.fence.acquired_at IS 'When the holder began.';

CREATE SEQUENCE ops.fence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

COMMENT ON SEQUENCE ops.fence_seq IS 'Numbers of fences; a later holder has a greater one.';

CREATE TABLE ops.hold (
    id bigint NOT NULL,
    kind text NOT NULL,
    resource_type text,
    delivery_type text,
    state text DEFAULT 'open'::text NOT NULL,
    reason text NOT NULL,
    asset_count bigint NOT NULL,
    total_count bigint NOT NULL,
    ids_digest bytea NOT NULL,
    run_id bigint,
    listing_run_id bigint,
    opened_at timestamp with time zone DEFAULT now() NOT NULL,
    decided_at timestamp with time zone,
    decided_by text,
    settled_at timestamp with time zone,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT hold_counts_positive CHECK (((asset_count > 0) AND (total_count >= asset_count))),
    CONSTRAINT hold_decided_by_person CHECK (((decided_by IS NOT NULL) = (state = ANY (ARRAY['approved'::text, 'rejected'::text])))),
    CONSTRAINT hold_decided_iff_by CHECK (((decided_at IS NOT NULL) = (state <> 'open'::text))),
    CONSTRAINT hold_digest_is_sha256 CHECK ((octet_length(ids_digest) = 32)),
    CONSTRAINT hold_kind_known CHECK ((kind = ANY (ARRAY['suspects'::text, 'deletions'::text]))),
    CONSTRAINT hold_state_known CHECK ((state = ANY (ARRAY['open'::text, 'approved'::text, 'rejected'::text, 'replaced'::text])))
);

COMMENT ON TABLE ops.hold IS 'Something a guard stopped. It goes on only after a person approves exactly this set of assets.';

COMMENT ON COLUMN ops.hold.id IS 'Number that people use: media-pipeline holds approve <id>.';

COMMENT ON COLUMN ops.hold.kind IS 'suspects: missing in a listing, not read yet. deletions: proved deleted, not applied yet.';

COMMENT ON COLUMN ops.hold.resource_type IS 'Slice of the suspects; null for deletions of any slice.';

COMMENT ON COLUMN ops.hold.delivery_type IS 'Slice of the suspects; null for deletions of any slice.';

COMMENT ON COLUMN ops.hold.state IS 'open; then approved, rejected, or replaced by a newer hold.';

COMMENT ON COLUMN ops.hold.reason IS 'Which guard spoke and why, in words.';

COMMENT ON COLUMN ops.hold.asset_count IS 'Assets in this hold.';

COMMENT ON COLUMN ops.hold.total_count IS 'Live assets the guard compared with.';

COMMENT ON COLUMN ops.hold.ids_digest IS 'SHA-256 over the sorted asset ids; the approval is for exactly these.';

COMMENT ON COLUMN ops.hold.run_id IS 'Run that opened it.';

COMMENT ON COLUMN ops.hold.listing_run_id IS 'Listing run whose suspects these are.';

COMMENT ON COLUMN ops.hold.opened_at IS 'When the guard spoke.';

COMMENT ON COLUMN ops.hold.decided_at IS 'When it was decided or replaced.';

COMMENT ON COLUMN ops.hold.decided_by IS 'The person who decided, as actor.';

COMMENT ON COLUMN ops.hold.settled_at IS 'When the approved assets were handed on.';

COMMENT ON COLUMN ops.hold.updated_at IS 'Last change of this row.';

ALTER TABLE ops.hold ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ops.hold_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE ops.hold_item (
    hold_id bigint NOT NULL,
    asset_id text NOT NULL COLLATE pg_catalog."C"
);

COMMENT ON TABLE ops.hold_item IS 'The assets of a hold.';

COMMENT ON COLUMN ops.hold_item.hold_id IS 'The hold.';

COMMENT ON COLUMN ops.hold_item.asset_id IS 'Cloudinary''s immutable key.';

CREATE TABLE ops.migration (
    file text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT migration_file_numbered CHECK ((file ~ '^[0-9]{4}_[a-z0-9_]+\.sql$'::text)),
    CONSTRAINT migration_sha256_is_hex CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text))
);

COMMENT ON TABLE ops.migration IS 'The migrations this database has seen; a file that changed afterwards is found by its digest.';

COMMENT ON COLUMN ops.migration.file IS 'Name of the file in sql/migrations.';

COMMENT ON COLUMN ops.migration.sha256 IS 'SHA-256 of the file when it was applied.';

COMMENT ON COLUMN ops.migration.applied_at IS 'When it was applied.';

CREATE TABLE ops.run (
    id bigint NOT NULL,
    kind text NOT NULL,
    state text DEFAULT 'running'::text NOT NULL,
    actor text NOT NULL,
    dagster_run_id text,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    counts jsonb DEFAULT '{}'::jsonb NOT NULL,
    error text,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT run_error_iff_failed CHECK (((error IS NOT NULL) = (state = 'failed'::text))),
    CONSTRAINT run_finished_iff_final CHECK (((finished_at IS NOT NULL) = (state <> 'running'::text))),
    CONSTRAINT run_kind_known CHECK ((kind = ANY (ARRAY['full_sync'::text, 'incremental_sync'::text, 'backfill'::text, 'verify'::text, 'push'::text, 'drain'::text, 'canary'::text, 'definitions'::text, 'quality'::text, 'reports'::text, 'upkeep'::text]))),
    CONSTRAINT run_state_known CHECK ((state = ANY (ARRAY['running'::text, 'succeeded'::text, 'held'::text, 'failed'::text])))
);

COMMENT ON TABLE ops.run IS 'One row a run of the pipeline, linked to the Dagster run that did it.';

COMMENT ON COLUMN ops.run.id IS 'Number of the run.';

COMMENT ON COLUMN ops.run.kind IS 'full_sync, incremental_sync, backfill, verify, push, drain, canary, definitions, quality, reports or upkeep.';

COMMENT ON COLUMN ops.run.state IS 'running; then succeeded, held (something waits for an approval) or failed.';

COMMENT ON COLUMN ops.run.actor IS 'Who asked for it: cli:<user>, dagster:<run id>, token or user.';

COMMENT ON COLUMN ops.run.dagster_run_id IS 'The run in Dagster, null when no Dagster was involved.';

COMMENT ON COLUMN ops.run.started_at IS 'Start.';

COMMENT ON COLUMN ops.run.finished_at IS 'End, null while running.';

COMMENT ON COLUMN ops.run.counts IS 'Counted rows by step: seen, created, updated, deleted, quarantined, calls.';

COMMENT ON COLUMN ops.run.error IS 'What failed, in words; only for failed runs.';

COMMENT ON COLUMN ops.run.updated_at IS 'Last change of this row.';

ALTER TABLE ops.run ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ops.run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE ops.setting (
    name text NOT NULL,
    value jsonb NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    changed_by text NOT NULL
);

COMMENT ON TABLE ops.setting IS 'Settings that operators change while the system runs.';

COMMENT ON COLUMN ops.setting.name IS 'Name of the setting.';

COMMENT ON COLUMN ops.setting.value IS 'Its value.';

COMMENT ON COLUMN ops.setting.changed_at IS 'Last change.';

COMMENT ON COLUMN ops.setting.changed_by IS 'Who changed it, as actor.';

CREATE TABLE ops.status_snapshot (
    id bigint NOT NULL,
    taken_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    run_id bigint,
    figures jsonb NOT NULL,
    CONSTRAINT status_snapshot_figures_is_object CHECK ((jsonb_typeof(figures) = 'object'::text))
);

COMMENT ON TABLE ops.status_snapshot IS 'Figures of the library and of what waits, counted by the database itself every quarter of an hour.';

COMMENT ON COLUMN ops.status_snapshot.id IS 'Number.';

COMMENT ON COLUMN ops.status_snapshot.taken_at IS 'When it was counted.';

COMMENT ON COLUMN ops.status_snapshot.run_id IS 'Run of the pipeline that asked for it.';

COMMENT ON COLUMN ops.status_snapshot.figures IS 'What get_media_statistics() says, with the age of what waits, the lag and the allowance; a figure that nothing was known for is null.';

ALTER TABLE ops.status_snapshot ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ops.status_snapshot_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE ops.vault_copy (
    asset_id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    sha256 text NOT NULL COLLATE pg_catalog."C",
    kept_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT vault_copy_asset_id_is_hex CHECK ((asset_id ~ '^[0-9a-f]{32}$'::text))
);

COMMENT ON TABLE ops.vault_copy IS 'Which bytes an asset has, or had, in Cloudinary: proved by their MD5 and their length.';

COMMENT ON COLUMN ops.vault_copy.asset_id IS 'The asset.';

COMMENT ON COLUMN ops.vault_copy.version IS 'Its version with these bytes; 0 where Cloudinary told none.';

COMMENT ON COLUMN ops.vault_copy.sha256 IS 'The file.';

COMMENT ON COLUMN ops.vault_copy.kept_at IS 'When it was proved.';

CREATE TABLE ops.vault_object (
    sha256 text NOT NULL COLLATE pg_catalog."C",
    md5 text NOT NULL COLLATE pg_catalog."C",
    size_bytes bigint NOT NULL,
    state text DEFAULT 'whole'::text NOT NULL,
    stored_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    verified_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT vault_object_md5_is_hex CHECK ((md5 ~ '^[0-9a-f]{32}$'::text)),
    CONSTRAINT vault_object_sha256_is_hex CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT vault_object_size_positive CHECK ((size_bytes >= 0)),
    CONSTRAINT vault_object_state_known CHECK ((state = ANY (ARRAY['whole'::text, 'corrupt'::text, 'missing'::text])))
);

COMMENT ON TABLE ops.vault_object IS 'Files of the vault, by content: equal bytes are kept once.';

COMMENT ON COLUMN ops.vault_object.sha256 IS 'SHA-256 of the bytes in hex; the name of the file.';

COMMENT ON COLUMN ops.vault_object.md5 IS 'MD5 of the bytes in hex: Cloudinary''s etag.';

COMMENT ON COLUMN ops.vault_object.size_bytes IS 'Length.';

COMMENT ON COLUMN ops.vault_object.state IS 'whole; corrupt or missing when the file was last read.';

COMMENT ON COLUMN ops.vault_object.stored_at IS 'When the file was written.';

COMMENT ON COLUMN ops.vault_object.verified_at IS 'When its bytes were last compared with its name.';

CREATE TABLE outbox.attempt (
    id bigint NOT NULL,
    operation_id bigint NOT NULL,
    lease uuid NOT NULL,
    push_plan_id bigint NOT NULL,
    run_id bigint,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    finished_at timestamp with time zone,
    result text,
    request_id text,
    detail text,
    CONSTRAINT attempt_finished_iff_result CHECK (((finished_at IS NULL) = (result IS NULL))),
    CONSTRAINT attempt_result_known CHECK ((result = ANY (ARRAY['sent'::text, 'refused'::text, 'conflict'::text, 'unknown'::text, 'postponed'::text])))
);

COMMENT ON TABLE outbox.attempt IS 'One try of an operation; written before the call, so that a crash leaves a trace of it.';

COMMENT ON COLUMN outbox.attempt.id IS 'Number.';

COMMENT ON COLUMN outbox.attempt.operation_id IS 'The operation.';

COMMENT ON COLUMN outbox.attempt.lease IS 'Claim under which it was made.';

COMMENT ON COLUMN outbox.attempt.push_plan_id IS 'Plan that allowed it.';

COMMENT ON COLUMN outbox.attempt.run_id IS 'Run that made it.';

COMMENT ON COLUMN outbox.attempt.started_at IS 'When it was claimed, before any call.';

COMMENT ON COLUMN outbox.attempt.finished_at IS 'When its result was recorded; null for one that died.';

COMMENT ON COLUMN outbox.attempt.result IS 'sent, refused, conflict, unknown, postponed (nothing was done).';

COMMENT ON COLUMN outbox.attempt.request_id IS 'Cloudinary''s id of the call, for its support.';

COMMENT ON COLUMN outbox.attempt.detail IS 'What Cloudinary or the base comparison said.';

ALTER TABLE outbox.attempt ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME outbox.attempt_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE outbox.conflict (
    id bigint NOT NULL,
    operation_id bigint NOT NULL,
    asset_id text NOT NULL COLLATE pg_catalog."C",
    field text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    base jsonb,
    local jsonb,
    remote jsonb,
    state text DEFAULT 'open'::text NOT NULL,
    opened_at timestamp with time zone DEFAULT now() NOT NULL,
    resolved_at timestamp with time zone,
    resolved_by text,
    CONSTRAINT conflict_resolved_iff_final CHECK ((((state = 'open'::text) = (resolved_at IS NULL)) AND ((resolved_at IS NULL) = (resolved_by IS NULL)))),
    CONSTRAINT conflict_state_known CHECK ((state = ANY (ARRAY['open'::text, 'local_wins'::text, 'remote_wins'::text])))
);

COMMENT ON TABLE outbox.conflict IS 'The same field changed on both sides: nothing is overwritten until a policy or a person decides.';

COMMENT ON COLUMN outbox.conflict.id IS 'Number.';

COMMENT ON COLUMN outbox.conflict.operation_id IS 'The operation that met it.';

COMMENT ON COLUMN outbox.conflict.asset_id IS 'The asset.';

COMMENT ON COLUMN outbox.conflict.field IS 'Column of media_assets; deleted_at where one side deleted what the other changed: base and remote then hold the fields that changed there, or base and local the edits by their kind.';

COMMENT ON COLUMN outbox.conflict.key IS 'Key within a map, else the name of the field.';

COMMENT ON COLUMN outbox.conflict.base IS 'Value when the edit was recorded; null where there was none.';

COMMENT ON COLUMN outbox.conflict.local IS 'Value that people here want.';

COMMENT ON COLUMN outbox.conflict.remote IS 'Value in Cloudinary.';

COMMENT ON COLUMN outbox.conflict.state IS 'open, then who won.';

COMMENT ON COLUMN outbox.conflict.opened_at IS 'When it was found.';

COMMENT ON COLUMN outbox.conflict.resolved_at IS 'When it was decided.';

COMMENT ON COLUMN outbox.conflict.resolved_by IS 'Who decided, as actor; policy where a setting did.';

ALTER TABLE outbox.conflict ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME outbox.conflict_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE outbox.operation (
    id bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    asset_id text COLLATE pg_catalog."C",
    media_asset_id uuid,
    state text DEFAULT 'pending'::text NOT NULL,
    base jsonb NOT NULL,
    wanted jsonb NOT NULL,
    actor text NOT NULL,
    reason text,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    edited_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    edit_count integer DEFAULT 1 NOT NULL,
    not_before timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    attempt_count integer DEFAULT 0 NOT NULL,
    lease uuid,
    leased_until timestamp with time zone,
    outcome text,
    finished_at timestamp with time zone,
    CONSTRAINT operation_actor_given CHECK ((actor <> ''::text)),
    CONSTRAINT operation_base_is_object CHECK ((jsonb_typeof(base) = 'object'::text)),
    CONSTRAINT operation_counts_positive CHECK (((edit_count > 0) AND (attempt_count >= 0))),
    CONSTRAINT operation_finished_iff_final CHECK (((finished_at IS NOT NULL) = (state = ANY (ARRAY['done'::text, 'refused'::text, 'conflict'::text, 'cancelled'::text])))),
    CONSTRAINT operation_lease_iff_leased CHECK ((((state = 'leased'::text) = (lease IS NOT NULL)) AND ((lease IS NULL) = (leased_until IS NULL)))),
    CONSTRAINT operation_names_its_asset CHECK (((kind = 'upload'::text) OR ((asset_id IS NOT NULL) AND (media_asset_id IS NOT NULL)))),
    CONSTRAINT operation_refusal_has_outcome CHECK (((state <> ALL (ARRAY['refused'::text, 'conflict'::text, 'unknown'::text])) OR (outcome IS NOT NULL))),
    CONSTRAINT operation_state_known CHECK ((state = ANY (ARRAY['pending'::text, 'leased'::text, 'unknown'::text, 'sent'::text, 'done'::text, 'refused'::text, 'conflict'::text, 'cancelled'::text]))),
    CONSTRAINT operation_wanted_is_object CHECK ((jsonb_typeof(wanted) = 'object'::text))
);

COMMENT ON TABLE outbox.operation IS 'One intent: one asset, one kind. Recorded in the transaction of the edit; the only cause of a write to Cloudinary.';

COMMENT ON COLUMN outbox.operation.id IS 'Number; operations of an asset are pushed in this order.';

COMMENT ON COLUMN outbox.operation.kind IS 'What it does.';

COMMENT ON COLUMN outbox.operation.asset_id IS 'The asset, by Cloudinary''s immutable key; of an upload null until Cloudinary gave it.';

COMMENT ON COLUMN outbox.operation.media_asset_id IS 'The asset, by our stable key; of an upload null until it is mirrored.';

COMMENT ON COLUMN outbox.operation.state IS 'pending; leased (a call is being made); unknown (a read must show what happened); sent (Cloudinary accepted it, a read must confirm); then done, refused, conflict or cancelled.';

COMMENT ON COLUMN outbox.operation.base IS 'Field or key to the applied remote value when it was first edited; null for a key that was not there. For a deletion all mirrored fields.';

COMMENT ON COLUMN outbox.operation.wanted IS 'The same fields or keys to the value that people want; null removes a key.';

COMMENT ON COLUMN outbox.operation.actor IS 'Who made the last edit.';

COMMENT ON COLUMN outbox.operation.reason IS 'Why, as far as the editor said so (setting media_pipeline.reason).';

COMMENT ON COLUMN outbox.operation.recorded_at IS 'First edit.';

COMMENT ON COLUMN outbox.operation.edited_at IS 'Last edit.';

COMMENT ON COLUMN outbox.operation.edit_count IS 'Edits that it stands for.';

COMMENT ON COLUMN outbox.operation.not_before IS 'Not to be tried before: the pause after a failure.';

COMMENT ON COLUMN outbox.operation.attempt_count IS 'Calls made for it.';

COMMENT ON COLUMN outbox.operation.lease IS 'Claim of the pusher that works on it; a result without it is void.';

COMMENT ON COLUMN outbox.operation.leased_until IS 'End of the claim; after it a read must show what happened.';

COMMENT ON COLUMN outbox.operation.outcome IS 'What came of the last attempt, in words.';

COMMENT ON COLUMN outbox.operation.finished_at IS 'When it came to its end.';

ALTER TABLE outbox.operation ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME outbox.operation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE outbox.operation_kind (
    kind text NOT NULL COLLATE pg_catalog."C",
    field text COLLATE pg_catalog."C",
    "position" smallint NOT NULL
);

COMMENT ON TABLE outbox.operation_kind IS 'What an operation can do.';

COMMENT ON COLUMN outbox.operation_kind.kind IS 'Name.';

COMMENT ON COLUMN outbox.operation_kind.field IS 'Column of media_assets that people edit for it; null for what concerns the asset as a whole.';

COMMENT ON COLUMN outbox.operation_kind."position" IS 'Order in which plans show them.';

CREATE VIEW outbox.overlaid_asset WITH (security_invoker='true') AS
 SELECT o.asset_id
   FROM outbox.operation o
  WHERE ((o.state = ANY (ARRAY['pending'::text, 'leased'::text, 'unknown'::text, 'sent'::text])) AND (o.kind <> 'upload'::text))
UNION
 SELECT c.asset_id
   FROM outbox.conflict c
  WHERE (c.state = 'open'::text);

COMMENT ON VIEW outbox.overlaid_asset IS 'Assets with open operations or conflicts.';

COMMENT ON COLUMN outbox.overlaid_asset.asset_id IS 'The asset.';

CREATE TABLE public.media_collection_items (
    collection_id uuid NOT NULL,
    media_asset_id uuid NOT NULL,
    "position" integer NOT NULL,
    added_at timestamp with time zone DEFAULT now() NOT NULL,
    added_by text NOT NULL,
    CONSTRAINT media_collection_items_position_positive CHECK (("position" >= 0))
);

COMMENT ON TABLE public.media_collection_items IS 'Assets of a collection, in order.';

COMMENT ON COLUMN public.media_collection_items.collection_id IS 'The collection.';

COMMENT ON COLUMN public.media_collection_items.media_asset_id IS 'The asset, by its stable key; it stays when the asset is renamed or deleted.';

COMMENT ON COLUMN public.media_collection_items."position" IS 'Place in the order, from 0.';

COMMENT ON COLUMN public.media_collection_items.added_at IS 'When it was added.';

COMMENT ON COLUMN public.media_collection_items.added_by IS 'Who added it, as actor.';

CREATE TABLE public.media_usage (
    id bigint NOT NULL,
    media_asset_id uuid NOT NULL,
    source_system text NOT NULL,
    reference text NOT NULL,
    usage_kind text NOT NULL,
    is_live boolean DEFAULT true NOT NULL,
    first_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    last_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT media_usage_seen_in_order CHECK ((last_seen_at >= first_seen_at))
);

COMMENT ON TABLE public.media_usage IS 'Where an asset is used.';

COMMENT ON COLUMN public.media_usage.id IS 'Number.';

COMMENT ON COLUMN public.media_usage.media_asset_id IS 'The asset, by its stable key.';

COMMENT ON COLUMN public.media_usage.source_system IS 'System that uses it, e.g. a website or a newsletter tool.';

COMMENT ON COLUMN public.media_usage.reference IS 'Where in that system, e.g. a page address.';

COMMENT ON COLUMN public.media_usage.usage_kind IS 'How it is used, in the words of that system.';

COMMENT ON COLUMN public.media_usage.is_live IS 'True while the last scan found it.';

COMMENT ON COLUMN public.media_usage.first_seen_at IS 'First scan that found it.';

COMMENT ON COLUMN public.media_usage.last_seen_at IS 'Last scan that found it.';

COMMENT ON COLUMN public.media_usage.updated_at IS 'Last change of this row.';

CREATE VIEW outbox.orphan_asset WITH (security_invoker='true') AS
 SELECT m.asset_id,
    GREATEST(m.updated_at, u.last_seen_at) AS last_wanted_at
   FROM ((public.media_assets m
     JOIN mirror.asset_sighting s ON (((m.asset_id = s.asset_id) AND (s.state = 'live'::text))))
     LEFT JOIN ( SELECT g.media_asset_id,
            max(g.last_seen_at) AS last_seen_at,
            bool_or(g.is_live) AS is_live
           FROM public.media_usage g
          GROUP BY g.media_asset_id) u ON ((m.id = u.media_asset_id)))
  WHERE ((m.deleted_at IS NULL) AND (u.is_live IS NOT TRUE) AND (NOT (EXISTS ( SELECT
           FROM public.media_collection_items i
          WHERE (i.media_asset_id = m.id)))) AND (NOT (EXISTS ( SELECT
           FROM outbox.overlaid_asset v
          WHERE (v.asset_id = m.asset_id)))));

COMMENT ON VIEW outbox.orphan_asset IS 'Live assets that are used nowhere, in no collection, and neither edited nor disputed at the moment.';

COMMENT ON COLUMN outbox.orphan_asset.asset_id IS 'The asset.';

COMMENT ON COLUMN outbox.orphan_asset.last_wanted_at IS 'Last change of its row, or the last time that a use of it was found.';

CREATE TABLE outbox.push_plan (
    id bigint NOT NULL,
    part text NOT NULL,
    state text NOT NULL,
    digest bytea NOT NULL,
    operation_count bigint NOT NULL,
    admin_call_count bigint NOT NULL,
    upload_call_count bigint NOT NULL,
    estimated_seconds real NOT NULL,
    reason text,
    run_id bigint,
    planned_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    decided_at timestamp with time zone,
    decided_by text,
    finished_at timestamp with time zone,
    CONSTRAINT push_plan_approval_is_named CHECK (((state <> ALL (ARRAY['approved'::text, 'rejected'::text, 'applied'::text])) OR (decided_by IS NOT NULL))),
    CONSTRAINT push_plan_decided_iff_named CHECK (((decided_at IS NULL) = (decided_by IS NULL))),
    CONSTRAINT push_plan_digest_is_sha256 CHECK ((octet_length(digest) = 32)),
    CONSTRAINT push_plan_finished_iff_final CHECK (((finished_at IS NOT NULL) = (state = ANY (ARRAY['rejected'::text, 'superseded'::text, 'applied'::text])))),
    CONSTRAINT push_plan_held_has_reason CHECK (((state <> 'held'::text) OR (reason IS NOT NULL))),
    CONSTRAINT push_plan_part_known CHECK ((part = ANY (ARRAY['deletions'::text, 'replacements'::text, 'edits'::text]))),
    CONSTRAINT push_plan_state_known CHECK ((state = ANY (ARRAY['held'::text, 'approved'::text, 'rejected'::text, 'superseded'::text, 'applied'::text])))
);

COMMENT ON TABLE outbox.push_plan IS 'A frozen set of operations about to be done: what it costs, what the guard said, who approved exactly it.';

COMMENT ON COLUMN outbox.push_plan.id IS 'Number.';

COMMENT ON COLUMN outbox.push_plan.part IS 'deletions, replacements (of bytes), or edits: what is held keeps no edit waiting.';

COMMENT ON COLUMN outbox.push_plan.state IS 'held (waits for a person), approved, then applied; or rejected, superseded (newer operations made another plan).';

COMMENT ON COLUMN outbox.push_plan.digest IS 'SHA-256 over its items: an approval is for exactly these.';

COMMENT ON COLUMN outbox.push_plan.operation_count IS 'Operations.';

COMMENT ON COLUMN outbox.push_plan.admin_call_count IS 'Admin API calls it needs, reads included.';

COMMENT ON COLUMN outbox.push_plan.upload_call_count IS 'Upload API calls it needs; they cost no allowance.';

COMMENT ON COLUMN outbox.push_plan.estimated_seconds IS 'Time it takes, waiting for the allowance included.';

COMMENT ON COLUMN outbox.push_plan.reason IS 'Why the guard held it.';

COMMENT ON COLUMN outbox.push_plan.run_id IS 'Run that made it.';

COMMENT ON COLUMN outbox.push_plan.planned_at IS 'When.';

COMMENT ON COLUMN outbox.push_plan.decided_at IS 'When it was approved or rejected.';

COMMENT ON COLUMN outbox.push_plan.decided_by IS 'Who did; guard where it was within the limits.';

COMMENT ON COLUMN outbox.push_plan.finished_at IS 'When nothing of it was left to do.';

ALTER TABLE outbox.push_plan ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME outbox.push_plan_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE outbox.push_plan_item (
    push_plan_id bigint NOT NULL,
    operation_id bigint NOT NULL,
    digest bytea NOT NULL,
    state text DEFAULT 'planned'::text NOT NULL,
    CONSTRAINT push_plan_item_digest_is_sha256 CHECK ((octet_length(digest) = 32)),
    CONSTRAINT push_plan_item_state_known CHECK ((state = ANY (ARRAY['planned'::text, 'taken'::text, 'stale'::text])))
);

COMMENT ON TABLE outbox.push_plan_item IS 'An operation of a plan, as it was when it was planned.';

COMMENT ON COLUMN outbox.push_plan_item.push_plan_id IS 'The plan.';

COMMENT ON COLUMN outbox.push_plan_item.operation_id IS 'The operation.';

COMMENT ON COLUMN outbox.push_plan_item.digest IS 'SHA-256 over what it was to do; an operation that was edited since is not what was approved.';

COMMENT ON COLUMN outbox.push_plan_item.state IS 'planned; taken by the push; stale: edited or withdrawn since, the next plan has it.';

CREATE TABLE public.media_collections (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    parent_id uuid,
    slug text NOT NULL,
    title text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    owner text NOT NULL,
    visibility text DEFAULT 'private'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT media_collections_not_own_parent CHECK ((parent_id <> id)),
    CONSTRAINT media_collections_slug_form CHECK ((slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'::text)),
    CONSTRAINT media_collections_visibility_known CHECK ((visibility = ANY (ARRAY['private'::text, 'shared'::text, 'public'::text])))
);

COMMENT ON TABLE public.media_collections IS 'Collections that people make, nested without cycles.';

COMMENT ON COLUMN public.media_collections.id IS 'Key.';

COMMENT ON COLUMN public.media_collections.parent_id IS 'Collection above, null at the top.';

COMMENT ON COLUMN public.media_collections.slug IS 'Name in addresses: small letters, digits and hyphens.';

COMMENT ON COLUMN public.media_collections.title IS 'Title.';

COMMENT ON COLUMN public.media_collections.description IS 'Description.';

COMMENT ON COLUMN public.media_collections.owner IS 'Who made it, as actor.';

COMMENT ON COLUMN public.media_collections.visibility IS 'private, shared or public.';

COMMENT ON COLUMN public.media_collections.created_at IS 'When it was made.';

COMMENT ON COLUMN public.media_collections.updated_at IS 'Last change of this row.';

CREATE TABLE public.media_folders (
    path text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    parent_path text COLLATE pg_catalog."C",
    external_id text,
    verified_at timestamp with time zone DEFAULT now() NOT NULL,
    mirrored_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT media_folders_parent_is_prefix CHECK ((((parent_path IS NULL) AND (POSITION(('/'::text) IN (path)) = 0)) OR (path = ((parent_path || '/'::text) || name)))),
    CONSTRAINT media_folders_path_given CHECK (((path <> ''::text) AND (path !~ '^/|/$'::text)))
);

COMMENT ON TABLE public.media_folders IS 'The folder tree, empty folders included.';

COMMENT ON COLUMN public.media_folders.path IS 'Full path, without slashes at its ends.';

COMMENT ON COLUMN public.media_folders.name IS 'Last part of the path.';

COMMENT ON COLUMN public.media_folders.parent_path IS 'Path of the folder above, null at the top.';

COMMENT ON COLUMN public.media_folders.external_id IS 'Cloudinary''s id of the folder.';

COMMENT ON COLUMN public.media_folders.verified_at IS 'When a read last showed it.';

COMMENT ON COLUMN public.media_folders.mirrored_at IS 'When this row was made.';

COMMENT ON COLUMN public.media_folders.updated_at IS 'Last change of this row.';

CREATE TABLE public.media_metadata_fields (
    external_id text NOT NULL COLLATE pg_catalog."C",
    label text NOT NULL,
    type text NOT NULL,
    is_mandatory boolean DEFAULT false NOT NULL,
    default_value jsonb,
    validation jsonb,
    datasource jsonb,
    document jsonb NOT NULL,
    "position" integer NOT NULL,
    mirrored_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT media_metadata_fields_external_id_given CHECK ((external_id <> ''::text))
);

COMMENT ON TABLE public.media_metadata_fields IS 'Definitions of structured metadata.';

COMMENT ON COLUMN public.media_metadata_fields.external_id IS 'Key of the field in media_assets.metadata.';

COMMENT ON COLUMN public.media_metadata_fields.label IS 'Name shown to people.';

COMMENT ON COLUMN public.media_metadata_fields.type IS 'string, integer, date, enum or set.';

COMMENT ON COLUMN public.media_metadata_fields.is_mandatory IS 'Whether an upload must give it.';

COMMENT ON COLUMN public.media_metadata_fields.default_value IS 'Value given to assets uploaded without one.';

COMMENT ON COLUMN public.media_metadata_fields.validation IS 'Rule for values.';

COMMENT ON COLUMN public.media_metadata_fields.datasource IS 'Allowed values of enum and set.';

COMMENT ON COLUMN public.media_metadata_fields.document IS 'The definition as Cloudinary gave it.';

COMMENT ON COLUMN public.media_metadata_fields."position" IS 'Order in which Cloudinary lists them, from 0.';

COMMENT ON COLUMN public.media_metadata_fields.mirrored_at IS 'When this row was made.';

COMMENT ON COLUMN public.media_metadata_fields.updated_at IS 'Last change of this row.';

ALTER TABLE public.media_sync_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.media_sync_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.media_sync_log_seal (
    id bigint NOT NULL,
    sealed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    through_xid xid8 NOT NULL,
    through_id bigint NOT NULL,
    entry_count bigint NOT NULL,
    entries_digest bytea NOT NULL,
    previous_digest bytea NOT NULL,
    digest bytea NOT NULL,
    CONSTRAINT media_sync_log_seal_count_positive CHECK ((entry_count > 0))
);

COMMENT ON TABLE public.media_sync_log_seal IS 'Chain of digests over the log: from a seal on, a changed or missing entry is detectable.';

COMMENT ON COLUMN public.media_sync_log_seal.id IS 'Number of the seal.';

COMMENT ON COLUMN public.media_sync_log_seal.sealed_at IS 'When it was made.';

COMMENT ON COLUMN public.media_sync_log_seal.through_xid IS 'Last entry under this seal, in (xid, id) order.';

COMMENT ON COLUMN public.media_sync_log_seal.through_id IS 'Last entry under this seal, in (xid, id) order.';

COMMENT ON COLUMN public.media_sync_log_seal.entry_count IS 'Entries since the previous seal.';

COMMENT ON COLUMN public.media_sync_log_seal.entries_digest IS 'SHA-256 over the digests of these entries, in order.';

COMMENT ON COLUMN public.media_sync_log_seal.previous_digest IS 'Digest of the previous seal; 32 zero bytes for the first.';

COMMENT ON COLUMN public.media_sync_log_seal.digest IS 'SHA-256 over previous_digest, bounds, count and entries_digest.';

ALTER TABLE public.media_sync_log_seal ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.media_sync_log_seal_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.media_usage ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.media_usage_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE VIEW quality.altered_row WITH (security_invoker='true') AS
 SELECT m.asset_id,
    m.public_id,
    m.row_version
   FROM (public.media_assets m
     JOIN mirror.remote_asset r ON ((m.asset_id = r.asset_id)))
  WHERE ((m.deleted_at IS NULL) AND (m.applied_fingerprint = r.fingerprint) AND ((m.resource_type IS DISTINCT FROM r.resource_type) OR (m.delivery_type IS DISTINCT FROM r.delivery_type) OR (m.public_id IS DISTINCT FROM r.public_id) OR (m.format IS DISTINCT FROM r.format) OR (m.version IS DISTINCT FROM r.version) OR (m.created_at IS DISTINCT FROM r.created_at) OR (m.size_bytes IS DISTINCT FROM r.size_bytes) OR (m.width_px IS DISTINCT FROM r.width_px) OR (m.height_px IS DISTINCT FROM r.height_px) OR (m.asset_folder IS DISTINCT FROM r.asset_folder) OR (m.display_name IS DISTINCT FROM r.display_name) OR (m.tags IS DISTINCT FROM r.tags) OR (m.context IS DISTINCT FROM r.context) OR (m.metadata IS DISTINCT FROM r.metadata) OR (m.access_mode IS DISTINCT FROM r.access_mode) OR (m.access_control IS DISTINCT FROM r.access_control) OR (m.moderation_kind IS DISTINCT FROM r.moderation_kind) OR (m.moderation_status IS DISTINCT FROM r.moderation_status) OR (m.is_placeholder IS DISTINCT FROM r.is_placeholder) OR (m.is_backed_up IS DISTINCT FROM r.is_backed_up) OR (m.secure_url IS DISTINCT FROM r.secure_url)) AND (NOT (EXISTS ( SELECT
           FROM outbox.overlaid_asset v
          WHERE (v.asset_id = m.asset_id)))));

COMMENT ON VIEW quality.altered_row IS 'Live rows that differ from the state they were made equal to, although nobody edited them.';

COMMENT ON COLUMN quality.altered_row.asset_id IS 'See public.media_assets.';

COMMENT ON COLUMN quality.altered_row.public_id IS 'See public.media_assets.';

COMMENT ON COLUMN quality.altered_row.row_version IS 'See public.media_assets.';

CREATE TABLE quality.api_field (
    name text NOT NULL COLLATE pg_catalog."C",
    json_types text[] NOT NULL,
    is_always boolean NOT NULL,
    CONSTRAINT api_field_types_known CHECK (((json_types <@ ARRAY['string'::text, 'number'::text, 'boolean'::text, 'array'::text, 'object'::text]) AND (cardinality(json_types) > 0)))
);

COMMENT ON TABLE quality.api_field IS 'Members that asset documents of Cloudinary are known to have, on listings and reads by id.';

COMMENT ON COLUMN quality.api_field.name IS 'Cloudinary''s name of the member.';

COMMENT ON COLUMN quality.api_field.json_types IS 'Types that its value may have; null is always allowed.';

COMMENT ON COLUMN quality.api_field.is_always IS 'Whether every asset has it.';

CREATE VIEW quality.live_asset WITH (security_invoker='true') AS
 SELECT asset_id,
    resource_type,
    delivery_type,
    public_id,
    format,
    version,
    created_at,
    size_bytes,
    width_px,
    height_px,
    asset_folder,
    display_name,
    access_mode,
    moderation_status,
    secure_url
   FROM public.media_assets m
  WHERE ((deleted_at IS NULL) AND (NOT is_placeholder));

COMMENT ON VIEW quality.live_asset IS 'Live assets that are no remnants.';

COMMENT ON COLUMN quality.live_asset.asset_id IS 'See public.media_assets.';

COMMENT ON COLUMN quality.live_asset.resource_type IS 'See public.media_assets.';

COMMENT ON COLUMN quality.live_asset.delivery_type IS 'See public.media_assets.';

COMMENT ON COLUMN quality.live_asset.public_id IS 'See public.media_assets.';

COMMENT ON COLUMN quality.live_asset.format IS 'See public.media_assets.';

COMMENT ON COLUMN quality.live_asset.version IS 'See public.media_assets.';

COMMENT ON COLUMN quality.live_asset.created_at IS 'See public.media_assets.';

COMMENT ON COLUMN quality.live_asset.size_bytes IS 'See public.media_assets.';

COMMENT ON COLUMN quality.live_asset.width_px IS 'See public.media_assets.';

COMMENT ON COLUMN quality.live_asset.height_px IS 'See public.media_assets.';

COMMENT ON COLUMN quality.live_asset.asset_folder IS 'See public.media_assets.';

COMMENT ON COLUMN quality.live_asset.display_name IS 'See public.media_assets.';

COMMENT ON COLUMN quality.live_asset.access_mode IS 'See public.media_assets.';

COMMENT ON COLUMN quality.live_asset.moderation_status IS 'See public.media_assets.';

COMMENT ON COLUMN quality.live_asset.secure_url IS 'See public.media_assets.';

CREATE VIEW quality.asset_without_folder WITH (security_invoker='true') AS
 SELECT asset_id,
    public_id,
    asset_folder
   FROM quality.live_asset a
  WHERE ((asset_folder <> ''::text) AND (NOT (EXISTS ( SELECT
           FROM public.media_folders f
          WHERE (f.path = a.asset_folder)))));

COMMENT ON VIEW quality.asset_without_folder IS 'Live assets in a folder that the folder tree lacks.';

COMMENT ON COLUMN quality.asset_without_folder.asset_id IS 'See public.media_assets.';

COMMENT ON COLUMN quality.asset_without_folder.public_id IS 'See public.media_assets.';

COMMENT ON COLUMN quality.asset_without_folder.asset_folder IS 'See public.media_assets.';

CREATE VIEW quality.disallowed_metadata_value WITH (security_invoker='true') AS
 SELECT m.asset_id,
    m.public_id,
    f.external_id AS key,
    v.value
   FROM ((public.media_metadata_fields f
     JOIN public.media_assets m ON ((m.metadata ? f.external_id)))
     CROSS JOIN LATERAL jsonb_array_elements_text(
        CASE jsonb_typeof((m.metadata -> f.external_id))
            WHEN 'array'::text THEN (m.metadata -> f.external_id)
            ELSE jsonb_build_array((m.metadata -> f.external_id))
        END) v(value))
  WHERE ((m.deleted_at IS NULL) AND (f.type = ANY (ARRAY['enum'::text, 'set'::text])) AND (v.value IS NOT NULL) AND (NOT (EXISTS ( SELECT
           FROM jsonb_array_elements((f.datasource -> 'values'::text)) d(entry)
          WHERE ((d.entry ->> 'external_id'::text) = v.value)))));

COMMENT ON VIEW quality.disallowed_metadata_value IS 'Values of choice fields that their definition does not offer.';

COMMENT ON COLUMN quality.disallowed_metadata_value.asset_id IS 'See public.media_assets.';

COMMENT ON COLUMN quality.disallowed_metadata_value.public_id IS 'See public.media_assets.';

COMMENT ON COLUMN quality.disallowed_metadata_value.key IS 'External id of the field.';

COMMENT ON COLUMN quality.disallowed_metadata_value.value IS 'The value.';

CREATE VIEW quality.document_member WITH (security_invoker='true') AS
 SELECT r.asset_id,
    e.key AS name,
    jsonb_typeof(e.value) AS json_type
   FROM (((( SELECT o.asset_id
           FROM mirror.remote_asset o
          ORDER BY o.observed_at DESC, o.asset_id
         LIMIT 20000) n
     JOIN mirror.asset_sighting s ON (((n.asset_id = s.asset_id) AND (s.state = 'live'::text))))
     JOIN mirror.remote_asset r ON ((n.asset_id = r.asset_id)))
     CROSS JOIN LATERAL jsonb_each(r.document) e(key, value));

COMMENT ON VIEW quality.document_member IS 'Members of the 20,000 asset documents that were read last.';

COMMENT ON COLUMN quality.document_member.asset_id IS 'See public.media_assets.';

COMMENT ON COLUMN quality.document_member.name IS 'Name of the member.';

COMMENT ON COLUMN quality.document_member.json_type IS 'Type of its value.';

CREATE VIEW quality.folder_without_parent WITH (security_invoker='true') AS
 SELECT path,
    parent_path
   FROM public.media_folders f
  WHERE ((parent_path IS NOT NULL) AND (NOT (EXISTS ( SELECT
           FROM public.media_folders p
          WHERE (p.path = f.parent_path)))));

COMMENT ON VIEW quality.folder_without_parent IS 'Folders whose parent the folder tree lacks.';

COMMENT ON COLUMN quality.folder_without_parent.path IS 'See public.media_folders.';

COMMENT ON COLUMN quality.folder_without_parent.parent_path IS 'See public.media_folders.';

CREATE VIEW quality.live_picture WITH (security_invoker='true') AS
 SELECT asset_id,
    public_id,
    format,
    width_px,
    height_px
   FROM quality.live_asset a
  WHERE (resource_type = 'image'::text);

COMMENT ON VIEW quality.live_picture IS 'Live pictures.';

COMMENT ON COLUMN quality.live_picture.asset_id IS 'See public.media_assets.';

COMMENT ON COLUMN quality.live_picture.public_id IS 'See public.media_assets.';

COMMENT ON COLUMN quality.live_picture.format IS 'See public.media_assets.';

COMMENT ON COLUMN quality.live_picture.width_px IS 'See public.media_assets.';

COMMENT ON COLUMN quality.live_picture.height_px IS 'See public.media_assets.';

CREATE TABLE quality.log_problem (
    report_id bigint NOT NULL,
    "position" integer NOT NULL,
    kind text NOT NULL,
    detail text NOT NULL
);

COMMENT ON TABLE quality.log_problem IS 'Something in the audit log that is not as it was written.';

COMMENT ON COLUMN quality.log_problem.report_id IS 'The report.';

COMMENT ON COLUMN quality.log_problem."position" IS 'Place in the report, from 1.';

COMMENT ON COLUMN quality.log_problem.kind IS 'What was tampered with: an entry, a seal, the chain, an archive.';

COMMENT ON COLUMN quality.log_problem.detail IS 'Which, in words.';

CREATE VIEW quality.lost_touch WITH (security_invoker='true') AS
 SELECT id,
    touched_at
   FROM ops.canary_touch t
  WHERE (is_sent AND (applied_at IS NULL) AND ((touched_at >= (now() - '1 day'::interval)) AND (touched_at <= (now() - '02:00:00'::interval))));

COMMENT ON VIEW quality.lost_touch IS 'Changes of the canary within the last day that did not come back within two hours.';

COMMENT ON COLUMN quality.lost_touch.id IS 'See ops.canary_touch.';

COMMENT ON COLUMN quality.lost_touch.touched_at IS 'See ops.canary_touch.';

CREATE VIEW quality.mistyped_api_field WITH (security_invoker='true') AS
 SELECT d.name,
    d.json_type,
    f.json_types,
    count(*) AS asset_count,
    min(d.asset_id) AS example_asset_id
   FROM (quality.document_member d
     JOIN quality.api_field f ON ((d.name = f.name)))
  WHERE (d.json_type <> ALL ((f.json_types || 'null'::text)))
  GROUP BY d.name, d.json_type, f.json_types;

COMMENT ON VIEW quality.mistyped_api_field IS 'Members of documents whose value is of another type than known.';

COMMENT ON COLUMN quality.mistyped_api_field.name IS 'Name of the member.';

COMMENT ON COLUMN quality.mistyped_api_field.json_type IS 'Type of its value.';

COMMENT ON COLUMN quality.mistyped_api_field.json_types IS 'Types that are known.';

COMMENT ON COLUMN quality.mistyped_api_field.asset_count IS 'Documents with that type.';

COMMENT ON COLUMN quality.mistyped_api_field.example_asset_id IS 'One of them.';

CREATE TABLE quality.report (
    id bigint NOT NULL,
    run_id bigint,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    finished_at timestamp with time zone,
    asset_count bigint,
    page text,
    seal_digest bytea
);

COMMENT ON TABLE quality.report IS 'One run of all suites of expectations.';

COMMENT ON COLUMN quality.report.id IS 'Number.';

COMMENT ON COLUMN quality.report.run_id IS 'Run of the pipeline that made it.';

COMMENT ON COLUMN quality.report.started_at IS 'Start.';

COMMENT ON COLUMN quality.report.finished_at IS 'When all its results were there; null for one that died.';

COMMENT ON COLUMN quality.report.asset_count IS 'Live assets of the library then.';

COMMENT ON COLUMN quality.report.page IS 'Its page below the directory of reports.';

COMMENT ON COLUMN quality.report.seal_digest IS 'Digest of the newest seal of the audit log then: an anchor outside of the chain.';

CREATE VIEW quality.newest_log_problem WITH (security_invoker='true') AS
 SELECT kind,
    detail
   FROM quality.log_problem p
  WHERE (report_id = ( SELECT max(r.id) AS max
           FROM quality.report r));

COMMENT ON VIEW quality.newest_log_problem IS 'What the newest report found wrong with the audit log.';

COMMENT ON COLUMN quality.newest_log_problem.kind IS 'See quality.log_problem.';

COMMENT ON COLUMN quality.newest_log_problem.detail IS 'See quality.log_problem.';

CREATE TABLE quality.sampled_asset (
    report_id bigint NOT NULL,
    asset_id text NOT NULL COLLATE pg_catalog."C",
    public_id text NOT NULL COLLATE pg_catalog."C",
    is_shown boolean NOT NULL,
    is_current boolean,
    field_count integer NOT NULL,
    differing_fields text[] DEFAULT '{}'::text[] NOT NULL,
    in_cloud jsonb DEFAULT '{}'::jsonb NOT NULL,
    in_mirror jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT sampled_asset_absent_has_no_fields CHECK ((is_shown OR (field_count = 0))),
    CONSTRAINT sampled_asset_current_iff_shown CHECK (((is_current IS NULL) = (NOT is_shown)))
);

COMMENT ON TABLE quality.sampled_asset IS 'A live asset of the mirror that was chosen by chance and read again, and the fields in which it differed.';

COMMENT ON COLUMN quality.sampled_asset.report_id IS 'The report.';

COMMENT ON COLUMN quality.sampled_asset.asset_id IS 'The asset.';

COMMENT ON COLUMN quality.sampled_asset.public_id IS 'Its name in the mirror.';

COMMENT ON COLUMN quality.sampled_asset.is_shown IS 'Whether Cloudinary showed it.';

COMMENT ON COLUMN quality.sampled_asset.is_current IS 'Whether its fingerprint is that of the mirror: it did not change since it was last read. Null for one that was not shown.';

COMMENT ON COLUMN quality.sampled_asset.field_count IS 'Fields that were compared.';

COMMENT ON COLUMN quality.sampled_asset.differing_fields IS 'Fields that differ.';

COMMENT ON COLUMN quality.sampled_asset.in_cloud IS 'Their values in Cloudinary.';

COMMENT ON COLUMN quality.sampled_asset.in_mirror IS 'Their values in mirror.remote_asset.';

CREATE VIEW quality.newest_sampled_asset WITH (security_invoker='true') AS
 SELECT asset_id,
    public_id,
    is_shown,
    is_current,
        CASE
            WHEN is_current THEN cardinality(differing_fields)
            ELSE NULL::integer
        END AS differing_count,
    differing_fields,
    in_cloud,
    in_mirror
   FROM quality.sampled_asset a
  WHERE (report_id = ( SELECT max(r.id) AS max
           FROM quality.report r));

COMMENT ON VIEW quality.newest_sampled_asset IS 'Assets that the newest report read again.';

COMMENT ON COLUMN quality.newest_sampled_asset.asset_id IS 'See quality.sampled_asset.';

COMMENT ON COLUMN quality.newest_sampled_asset.public_id IS 'See quality.sampled_asset.';

COMMENT ON COLUMN quality.newest_sampled_asset.is_shown IS 'See quality.sampled_asset.';

COMMENT ON COLUMN quality.newest_sampled_asset.is_current IS 'See quality.sampled_asset.';

COMMENT ON COLUMN quality.newest_sampled_asset.differing_count IS 'How many fields differ; null where it changed since, for then some must.';

COMMENT ON COLUMN quality.newest_sampled_asset.differing_fields IS 'See quality.sampled_asset.';

COMMENT ON COLUMN quality.newest_sampled_asset.in_cloud IS 'See quality.sampled_asset.';

COMMENT ON COLUMN quality.newest_sampled_asset.in_mirror IS 'See quality.sampled_asset.';

CREATE TABLE quality.slice_count (
    report_id bigint NOT NULL,
    resource_type text NOT NULL COLLATE pg_catalog."C",
    delivery_type text NOT NULL COLLATE pg_catalog."C",
    cloud_count bigint NOT NULL,
    mirror_count bigint NOT NULL,
    CONSTRAINT slice_count_positive CHECK (((cloud_count >= 0) AND (mirror_count >= 0)))
);

COMMENT ON TABLE quality.slice_count IS 'Assets of a slice as Cloudinary''s search counts them, and live ones of the mirror.';

COMMENT ON COLUMN quality.slice_count.report_id IS 'The report.';

COMMENT ON COLUMN quality.slice_count.resource_type IS 'First half of the slice.';

COMMENT ON COLUMN quality.slice_count.delivery_type IS 'Second half of the slice.';

COMMENT ON COLUMN quality.slice_count.cloud_count IS 'Cloudinary''s own count; its index lags.';

COMMENT ON COLUMN quality.slice_count.mirror_count IS 'Live assets of the mirror.';

CREATE VIEW quality.newest_slice_count WITH (security_invoker='true') AS
 SELECT ((resource_type || '/'::text) || delivery_type) AS slice,
    cloud_count,
    mirror_count
   FROM quality.slice_count c
  WHERE (report_id = ( SELECT max(r.id) AS max
           FROM quality.report r));

COMMENT ON VIEW quality.newest_slice_count IS 'Counts of slices of the newest report.';

COMMENT ON COLUMN quality.newest_slice_count.slice IS 'resource_type/delivery_type.';

COMMENT ON COLUMN quality.newest_slice_count.cloud_count IS 'See quality.slice_count.';

COMMENT ON COLUMN quality.newest_slice_count.mirror_count IS 'See quality.slice_count.';

CREATE VIEW quality.observation_without_sighting WITH (security_invoker='true') AS
 SELECT COALESCE(r.asset_id, s.asset_id) AS asset_id,
        CASE
            WHEN (r.asset_id IS NULL) THEN 'content'::text
            ELSE 'sighting'::text
        END AS lacks
   FROM (mirror.remote_asset r
     FULL JOIN mirror.asset_sighting s ON ((r.asset_id = s.asset_id)))
  WHERE ((r.asset_id IS NULL) OR (s.asset_id IS NULL));

COMMENT ON VIEW quality.observation_without_sighting IS 'Assets of which the mirror has the content or the bookkeeping, but not both.';

COMMENT ON COLUMN quality.observation_without_sighting.asset_id IS 'The asset.';

COMMENT ON COLUMN quality.observation_without_sighting.lacks IS 'content (mirror.remote_asset) or sighting (mirror.asset_sighting).';

CREATE VIEW quality.open_operation WITH (security_invoker='true') AS
 SELECT id,
    kind,
    asset_id,
    state,
    attempt_count,
    outcome,
    ((EXTRACT(epoch FROM (now() - edited_at)))::double precision / (3600)::double precision) AS age_hours,
    GREATEST(((EXTRACT(epoch FROM (now() - leased_until)))::double precision / (3600)::double precision), (0)::double precision) AS overdue_hours,
        CASE
            WHEN (state = 'sent'::text) THEN ( SELECT ((EXTRACT(epoch FROM (now() - max(a.finished_at))))::double precision / (3600)::double precision)
               FROM outbox.attempt a
              WHERE (a.operation_id = o.id))
            ELSE NULL::double precision
        END AS unconfirmed_hours,
    (EXISTS ( SELECT
           FROM (outbox.push_plan_item i
             JOIN outbox.push_plan p ON ((i.push_plan_id = p.id)))
          WHERE ((i.operation_id = o.id) AND (p.state = 'held'::text)))) AS is_held
   FROM outbox.operation o
  WHERE (state = ANY (ARRAY['pending'::text, 'leased'::text, 'unknown'::text, 'sent'::text]));

COMMENT ON VIEW quality.open_operation IS 'Edits on their way to Cloudinary.';

COMMENT ON COLUMN quality.open_operation.id IS 'See outbox.operation.';

COMMENT ON COLUMN quality.open_operation.kind IS 'See outbox.operation.';

COMMENT ON COLUMN quality.open_operation.asset_id IS 'See outbox.operation.';

COMMENT ON COLUMN quality.open_operation.state IS 'See outbox.operation.';

COMMENT ON COLUMN quality.open_operation.attempt_count IS 'See outbox.operation.';

COMMENT ON COLUMN quality.open_operation.outcome IS 'See outbox.operation.';

COMMENT ON COLUMN quality.open_operation.age_hours IS 'Hours since the last edit.';

COMMENT ON COLUMN quality.open_operation.overdue_hours IS 'Hours since its claim ended; null without a claim.';

COMMENT ON COLUMN quality.open_operation.unconfirmed_hours IS 'Hours since Cloudinary accepted it; null before.';

COMMENT ON COLUMN quality.open_operation.is_held IS 'Whether it waits for a person.';

ALTER TABLE quality.report ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME quality.report_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE quality.result (
    report_id bigint NOT NULL,
    suite text NOT NULL COLLATE pg_catalog."C",
    expectation text NOT NULL COLLATE pg_catalog."C",
    "position" integer NOT NULL,
    severity text NOT NULL,
    state text NOT NULL,
    element_count bigint,
    unexpected_count bigint,
    sample jsonb DEFAULT '[]'::jsonb NOT NULL,
    problem text,
    CONSTRAINT result_sample_is_list CHECK ((jsonb_typeof(sample) = 'array'::text)),
    CONSTRAINT result_severity_known CHECK ((severity = ANY (ARRAY['critical'::text, 'warning'::text]))),
    CONSTRAINT result_state_known CHECK ((state = ANY (ARRAY['met'::text, 'failed'::text, 'unknown'::text]))),
    CONSTRAINT result_unknown_has_problem CHECK (((problem IS NOT NULL) = (state = 'unknown'::text)))
);

COMMENT ON TABLE quality.result IS 'What one report found of one expectation.';

COMMENT ON COLUMN quality.result.report_id IS 'The report.';

COMMENT ON COLUMN quality.result.suite IS 'Suite of the expectation.';

COMMENT ON COLUMN quality.result.expectation IS 'Its name.';

COMMENT ON COLUMN quality.result."position" IS 'Place in the report, from 1.';

COMMENT ON COLUMN quality.result.severity IS 'critical or warning.';

COMMENT ON COLUMN quality.result.state IS 'met, failed, or unknown where it could not be asked.';

COMMENT ON COLUMN quality.result.element_count IS 'Rows that were looked at; null where none are counted.';

COMMENT ON COLUMN quality.result.unexpected_count IS 'Rows that break it; null where it could not be asked.';

COMMENT ON COLUMN quality.result.sample IS 'The first of these rows.';

COMMENT ON COLUMN quality.result.problem IS 'Why it could not be asked.';

CREATE VIEW quality.row_without_observation WITH (security_invoker='true') AS
 SELECT asset_id,
    public_id
   FROM public.media_assets m
  WHERE ((deleted_at IS NULL) AND (NOT (EXISTS ( SELECT
           FROM mirror.remote_asset r
          WHERE (r.asset_id = m.asset_id)))));

COMMENT ON VIEW quality.row_without_observation IS 'Live rows that no observation in Cloudinary stands behind.';

COMMENT ON COLUMN quality.row_without_observation.asset_id IS 'See public.media_assets.';

COMMENT ON COLUMN quality.row_without_observation.public_id IS 'See public.media_assets.';

CREATE VIEW quality.skipped_version WITH (security_invoker='true') AS
 SELECT media_asset_id,
    min(row_version) AS from_version,
    max(row_version) AS to_version,
    (((max(row_version) - min(row_version)) + 1) - count(DISTINCT row_version)) AS skipped_count
   FROM public.media_sync_log l
  WHERE ((media_asset_id IS NOT NULL) AND (recorded_at > COALESCE(( SELECT (max(m.end_at) + '2 days'::interval)
           FROM audit.archived_month m), '-infinity'::timestamp with time zone)))
  GROUP BY media_asset_id
 HAVING (count(DISTINCT row_version) < ((max(row_version) - min(row_version)) + 1));

COMMENT ON VIEW quality.skipped_version IS 'Assets of which the log leaves out a version between the first and the last one it knows.';

COMMENT ON COLUMN quality.skipped_version.media_asset_id IS 'Our key of the asset.';

COMMENT ON COLUMN quality.skipped_version.from_version IS 'First version that the log knows.';

COMMENT ON COLUMN quality.skipped_version.to_version IS 'Last version that the log knows.';

COMMENT ON COLUMN quality.skipped_version.skipped_count IS 'Versions between them that it does not know.';

CREATE VIEW quality.slice_age WITH (security_invoker='true') AS
 SELECT ((resource_type || '/'::text) || delivery_type) AS slice,
    ((EXTRACT(epoch FROM (now() - max(finished_at))))::double precision / (3600)::double precision) AS age_hours
   FROM landing.listing_run w
  WHERE (state = ANY (ARRAY['complete'::text, 'held'::text, 'closed'::text]))
  GROUP BY resource_type, delivery_type;

COMMENT ON VIEW quality.slice_age IS 'Age of the last whole listing of each slice.';

COMMENT ON COLUMN quality.slice_age.slice IS 'resource_type/delivery_type.';

COMMENT ON COLUMN quality.slice_age.age_hours IS 'Hours since its last whole listing ended.';

CREATE VIEW quality.unapplied_asset WITH (security_invoker='true') AS
 SELECT r.asset_id,
    r.public_id
   FROM ((mirror.remote_asset r
     JOIN mirror.asset_sighting s ON ((r.asset_id = s.asset_id)))
     LEFT JOIN public.media_assets m ON ((r.asset_id = m.asset_id)))
  WHERE ((s.state = 'live'::text) AND ((m.asset_id IS NULL) OR (m.deleted_at IS NOT NULL) OR (m.applied_fingerprint <> r.fingerprint)) AND (NOT (EXISTS ( SELECT
           FROM outbox.overlaid_asset v
          WHERE (v.asset_id = r.asset_id)))) AND (r.observed_at < ( SELECT max(t.computed_at) AS max
           FROM diff.change_set t
          WHERE (t.state = 'applied'::text))));

COMMENT ON VIEW quality.unapplied_asset IS 'Live assets of the mirror that media_assets shows otherwise, or not at all.';

COMMENT ON COLUMN quality.unapplied_asset.asset_id IS 'See public.media_assets.';

COMMENT ON COLUMN quality.unapplied_asset.public_id IS 'See public.media_assets.';

CREATE VIEW quality.undefined_metadata_key WITH (security_invoker='true') AS
 SELECT m.asset_id,
    m.public_id,
    k.key
   FROM (public.media_assets m
     CROSS JOIN LATERAL jsonb_object_keys(m.metadata) k(key))
  WHERE ((m.deleted_at IS NULL) AND (m.metadata <> '{}'::jsonb) AND (NOT (EXISTS ( SELECT
           FROM public.media_metadata_fields f
          WHERE (f.external_id = k.key)))));

COMMENT ON VIEW quality.undefined_metadata_key IS 'Keys of structured metadata that no definition explains.';

COMMENT ON COLUMN quality.undefined_metadata_key.asset_id IS 'See public.media_assets.';

COMMENT ON COLUMN quality.undefined_metadata_key.public_id IS 'See public.media_assets.';

COMMENT ON COLUMN quality.undefined_metadata_key.key IS 'The key.';

CREATE VIEW quality.unheld_operation WITH (security_invoker='true') AS
 SELECT id,
    kind,
    asset_id,
    state,
    attempt_count,
    age_hours,
    outcome
   FROM quality.open_operation o
  WHERE (NOT is_held);

COMMENT ON VIEW quality.unheld_operation IS 'Edits on their way to Cloudinary that wait for no person.';

COMMENT ON COLUMN quality.unheld_operation.id IS 'See outbox.operation.';

COMMENT ON COLUMN quality.unheld_operation.kind IS 'See outbox.operation.';

COMMENT ON COLUMN quality.unheld_operation.asset_id IS 'See outbox.operation.';

COMMENT ON COLUMN quality.unheld_operation.state IS 'See outbox.operation.';

COMMENT ON COLUMN quality.unheld_operation.attempt_count IS 'See outbox.operation.';

COMMENT ON COLUMN quality.unheld_operation.age_hours IS 'Hours since the last edit.';

COMMENT ON COLUMN quality.unheld_operation.outcome IS 'See outbox.operation.';

CREATE VIEW quality.unknown_api_field WITH (security_invoker='true') AS
 SELECT name,
    json_type,
    count(*) AS asset_count,
    min(asset_id) AS example_asset_id
   FROM quality.document_member d
  WHERE (NOT (EXISTS ( SELECT
           FROM quality.api_field f
          WHERE (f.name = d.name))))
  GROUP BY name, json_type;

COMMENT ON VIEW quality.unknown_api_field IS 'Members of documents that are not known.';

COMMENT ON COLUMN quality.unknown_api_field.name IS 'Name of the member.';

COMMENT ON COLUMN quality.unknown_api_field.json_type IS 'Type of its value.';

COMMENT ON COLUMN quality.unknown_api_field.asset_count IS 'Documents that have it.';

COMMENT ON COLUMN quality.unknown_api_field.example_asset_id IS 'One of them.';

CREATE VIEW quality.unlogged_version WITH (security_invoker='true') AS
 SELECT asset_id,
    public_id,
    row_version
   FROM public.media_assets m
  WHERE ((updated_at > (now() - '31 days'::interval)) AND (NOT (EXISTS ( SELECT
           FROM public.media_sync_log l
          WHERE ((l.asset_id = m.asset_id) AND (l.row_version = m.row_version))))));

COMMENT ON VIEW quality.unlogged_version IS 'Rows that changed within the last 31 days and whose present version the log does not tell of.';

COMMENT ON COLUMN quality.unlogged_version.asset_id IS 'See public.media_assets.';

COMMENT ON COLUMN quality.unlogged_version.public_id IS 'See public.media_assets.';

COMMENT ON COLUMN quality.unlogged_version.row_version IS 'See public.media_assets.';

CREATE VIEW quality.unresolved_record WITH (security_invoker='true') AS
 SELECT id,
    asset_id,
    reason,
    detail,
    last_seen_at
   FROM mirror.quarantine q
  WHERE (resolved_at IS NULL);

COMMENT ON VIEW quality.unresolved_record IS 'Records that could not be understood and that nothing has replaced.';

COMMENT ON COLUMN quality.unresolved_record.id IS 'See mirror.quarantine.';

COMMENT ON COLUMN quality.unresolved_record.asset_id IS 'See mirror.quarantine.';

COMMENT ON COLUMN quality.unresolved_record.reason IS 'See mirror.quarantine.';

COMMENT ON COLUMN quality.unresolved_record.detail IS 'See mirror.quarantine.';

COMMENT ON COLUMN quality.unresolved_record.last_seen_at IS 'See mirror.quarantine.';

CREATE VIEW quality.unsealed_entry WITH (security_invoker='true') AS
 SELECT (xid)::text AS xid,
    id,
    action,
    ((EXTRACT(epoch FROM (now() - recorded_at)))::double precision / (3600)::double precision) AS age_hours
   FROM public.media_sync_log l
  WHERE (ROW(xid, id) > ROW(COALESCE(( SELECT s.through_xid
           FROM public.media_sync_log_seal s
          ORDER BY s.id DESC
         LIMIT 1), '0'::xid8), COALESCE(( SELECT s.through_id
           FROM public.media_sync_log_seal s
          ORDER BY s.id DESC
         LIMIT 1), (0)::bigint)));

COMMENT ON VIEW quality.unsealed_entry IS 'Entries of the log that no seal covers yet.';

COMMENT ON COLUMN quality.unsealed_entry.xid IS 'See public.media_sync_log.';

COMMENT ON COLUMN quality.unsealed_entry.id IS 'See public.media_sync_log.';

COMMENT ON COLUMN quality.unsealed_entry.action IS 'See public.media_sync_log.';

COMMENT ON COLUMN quality.unsealed_entry.age_hours IS 'Hours since it was written.';

CREATE VIEW quality.vanished_api_field WITH (security_invoker='true') AS
 SELECT f.name,
    (d.asset_count - COALESCE(m.asset_count, (0)::bigint)) AS asset_count
   FROM ((quality.api_field f
     CROSS JOIN ( SELECT count(DISTINCT o.asset_id) AS asset_count
           FROM quality.document_member o) d)
     LEFT JOIN ( SELECT o.name,
            count(*) AS asset_count
           FROM quality.document_member o
          GROUP BY o.name) m ON ((f.name = m.name)))
  WHERE (f.is_always AND (COALESCE(m.asset_count, (0)::bigint) < d.asset_count));

COMMENT ON VIEW quality.vanished_api_field IS 'Members that every document has had, and that some lack now.';

COMMENT ON COLUMN quality.vanished_api_field.name IS 'Name of the member.';

COMMENT ON COLUMN quality.vanished_api_field.asset_count IS 'Documents that lack it.';

CREATE VIEW quality.waiting_read WITH (security_invoker='true') AS
 SELECT asset_id,
    reason,
    attempt_count,
    ((EXTRACT(epoch FROM (now() - hinted_at)))::double precision / (3600)::double precision) AS age_hours
   FROM mirror.verify_queue q;

COMMENT ON VIEW quality.waiting_read IS 'Assets that wait to be read again by their id.';

COMMENT ON COLUMN quality.waiting_read.asset_id IS 'See public.media_assets.';

COMMENT ON COLUMN quality.waiting_read.reason IS 'See mirror.verify_queue.';

COMMENT ON COLUMN quality.waiting_read.attempt_count IS 'See mirror.verify_queue.';

COMMENT ON COLUMN quality.waiting_read.age_hours IS 'Hours since it was first asked for.';

ALTER TABLE ONLY public.media_sync_log ATTACH PARTITION audit.media_sync_log_other DEFAULT;

ALTER TABLE ONLY audit.archived_entry
    ADD CONSTRAINT archived_entry_pkey PRIMARY KEY (xid, entry_id);

ALTER TABLE ONLY audit.archived_month
    ADD CONSTRAINT archived_month_pkey PRIMARY KEY (month);

ALTER TABLE ONLY public.media_sync_log
    ADD CONSTRAINT media_sync_log_pkey PRIMARY KEY (xid, id, recorded_at);

ALTER TABLE ONLY audit.media_sync_log_other
    ADD CONSTRAINT media_sync_log_other_pkey PRIMARY KEY (xid, id, recorded_at);

ALTER TABLE ONLY diff.change
    ADD CONSTRAINT change_pkey PRIMARY KEY (change_set_id, asset_id);

ALTER TABLE ONLY diff.change_set
    ADD CONSTRAINT change_set_pkey PRIMARY KEY (id);

ALTER TABLE ONLY landing.change_window
    ADD CONSTRAINT change_window_pkey PRIMARY KEY (id);

ALTER TABLE ONLY landing.listing_page
    ADD CONSTRAINT listing_page_pkey PRIMARY KEY (listing_run_id, page_number);

ALTER TABLE ONLY landing.listing_run
    ADD CONSTRAINT listing_run_pkey PRIMARY KEY (id);

ALTER TABLE ONLY landing.listing_wish
    ADD CONSTRAINT listing_wish_pkey PRIMARY KEY (reason);

ALTER TABLE ONLY landing.notification
    ADD CONSTRAINT notification_body_digest_key UNIQUE (body_digest);

ALTER TABLE ONLY landing.notification
    ADD CONSTRAINT notification_pkey PRIMARY KEY (id);

ALTER TABLE ONLY mirror.asset_etag
    ADD CONSTRAINT asset_etag_pkey PRIMARY KEY (asset_id);

ALTER TABLE ONLY mirror.asset_field
    ADD CONSTRAINT asset_field_pkey PRIMARY KEY (name);

ALTER TABLE ONLY mirror.asset_field
    ADD CONSTRAINT asset_field_position_key UNIQUE ("position");

ALTER TABLE ONLY mirror.asset_sighting
    ADD CONSTRAINT asset_sighting_pkey PRIMARY KEY (asset_id);

ALTER TABLE ONLY mirror.proved_page
    ADD CONSTRAINT proved_page_pkey PRIMARY KEY (resource_type, delivery_type, records_digest);

ALTER TABLE ONLY mirror.quarantine
    ADD CONSTRAINT quarantine_body_digest_key UNIQUE (body_digest);

ALTER TABLE ONLY mirror.quarantine
    ADD CONSTRAINT quarantine_pkey PRIMARY KEY (id);

ALTER TABLE ONLY mirror.remote_asset
    ADD CONSTRAINT remote_asset_pkey PRIMARY KEY (asset_id);

ALTER TABLE ONLY mirror.verify_queue
    ADD CONSTRAINT verify_queue_pkey PRIMARY KEY (asset_id);

ALTER TABLE ONLY ops.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY ops.api_budget
    ADD CONSTRAINT api_budget_pkey PRIMARY KEY (id);

ALTER TABLE ONLY ops.api_call
    ADD CONSTRAINT api_call_pkey PRIMARY KEY (window_at, purpose);

ALTER TABLE ONLY ops.canary_touch
    ADD CONSTRAINT canary_touch_pkey PRIMARY KEY (id);

ALTER TABLE ONLY ops.cloud_binding
    ADD CONSTRAINT cloud_binding_pkey PRIMARY KEY (id);

ALTER TABLE ONLY ops.fence
    ADD CONSTRAINT fence_pkey PRIMARY KEY (activity);

ALTER TABLE ONLY ops.hold_item
    ADD CONSTRAINT hold_item_pkey PRIMARY KEY (hold_id, asset_id);

ALTER TABLE ONLY ops.hold
    ADD CONSTRAINT hold_pkey PRIMARY KEY (id);

ALTER TABLE ONLY ops.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (file);

ALTER TABLE ONLY ops.run
    ADD CONSTRAINT run_pkey PRIMARY KEY (id);

ALTER TABLE ONLY ops.setting
    ADD CONSTRAINT setting_pkey PRIMARY KEY (name);

ALTER TABLE ONLY ops.status_snapshot
    ADD CONSTRAINT status_snapshot_pkey PRIMARY KEY (id);

ALTER TABLE ONLY ops.vault_copy
    ADD CONSTRAINT vault_copy_pkey PRIMARY KEY (asset_id, version);

ALTER TABLE ONLY ops.vault_object
    ADD CONSTRAINT vault_object_pkey PRIMARY KEY (sha256);

ALTER TABLE ONLY outbox.attempt
    ADD CONSTRAINT attempt_once UNIQUE (operation_id, lease);

ALTER TABLE ONLY outbox.attempt
    ADD CONSTRAINT attempt_pkey PRIMARY KEY (id);

ALTER TABLE ONLY outbox.conflict
    ADD CONSTRAINT conflict_pkey PRIMARY KEY (id);

ALTER TABLE ONLY outbox.operation_kind
    ADD CONSTRAINT operation_kind_field_key UNIQUE (field);

ALTER TABLE ONLY outbox.operation_kind
    ADD CONSTRAINT operation_kind_pkey PRIMARY KEY (kind);

ALTER TABLE ONLY outbox.operation_kind
    ADD CONSTRAINT operation_kind_position_key UNIQUE ("position");

ALTER TABLE ONLY outbox.operation
    ADD CONSTRAINT operation_pkey PRIMARY KEY (id);

ALTER TABLE ONLY outbox.push_plan_item
    ADD CONSTRAINT push_plan_item_pkey PRIMARY KEY (push_plan_id, operation_id);

ALTER TABLE ONLY outbox.push_plan
    ADD CONSTRAINT push_plan_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.media_assets
    ADD CONSTRAINT media_assets_asset_id_key UNIQUE (asset_id);

ALTER TABLE ONLY public.media_assets
    ADD CONSTRAINT media_assets_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.media_collection_items
    ADD CONSTRAINT media_collection_items_pkey PRIMARY KEY (collection_id, media_asset_id);

ALTER TABLE ONLY public.media_collection_items
    ADD CONSTRAINT media_collection_items_position_key UNIQUE (collection_id, "position") DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.media_collections
    ADD CONSTRAINT media_collections_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.media_collections
    ADD CONSTRAINT media_collections_slug_key UNIQUE (slug);

ALTER TABLE ONLY public.media_folders
    ADD CONSTRAINT media_folders_pkey PRIMARY KEY (path);

ALTER TABLE ONLY public.media_metadata_fields
    ADD CONSTRAINT media_metadata_fields_pkey PRIMARY KEY (external_id);

ALTER TABLE ONLY public.media_sync_log_seal
    ADD CONSTRAINT media_sync_log_seal_one_chain UNIQUE (previous_digest);

ALTER TABLE ONLY public.media_sync_log_seal
    ADD CONSTRAINT media_sync_log_seal_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.media_usage
    ADD CONSTRAINT media_usage_once UNIQUE (media_asset_id, source_system, reference, usage_kind);

ALTER TABLE ONLY public.media_usage
    ADD CONSTRAINT media_usage_pkey PRIMARY KEY (id);

ALTER TABLE ONLY quality.api_field
    ADD CONSTRAINT api_field_pkey PRIMARY KEY (name);

ALTER TABLE ONLY quality.log_problem
    ADD CONSTRAINT log_problem_pkey PRIMARY KEY (report_id, "position");

ALTER TABLE ONLY quality.report
    ADD CONSTRAINT report_pkey PRIMARY KEY (id);

ALTER TABLE ONLY quality.result
    ADD CONSTRAINT result_pkey PRIMARY KEY (report_id, suite, expectation);

ALTER TABLE ONLY quality.sampled_asset
    ADD CONSTRAINT sampled_asset_pkey PRIMARY KEY (report_id, asset_id);

ALTER TABLE ONLY quality.slice_count
    ADD CONSTRAINT slice_count_pkey PRIMARY KEY (report_id, resource_type, delivery_type);

CREATE INDEX media_sync_log_asset_idx ON ONLY public.media_sync_log USING btree (asset_id, row_version) WHERE (asset_id IS NOT NULL);

CREATE INDEX media_sync_log_other_asset_id_row_version_idx ON audit.media_sync_log_other USING btree (asset_id, row_version) WHERE (asset_id IS NOT NULL);

CREATE INDEX change_set_pending_idx ON diff.change_set USING btree (id) WHERE (state = 'pending'::text);

CREATE INDEX change_set_run_idx ON diff.change_set USING btree (run_id);

CREATE INDEX change_window_newest_idx ON landing.change_window USING btree (kind, id DESC);

CREATE UNIQUE INDEX change_window_one_outage_idx ON landing.change_window USING btree (low_at, high_at) WHERE ((state = 'open'::text) AND (kind = 'outage'::text));

CREATE UNIQUE INDEX change_window_one_recent_idx ON landing.change_window USING btree (kind) WHERE ((state = 'open'::text) AND (kind = 'recent'::text));

CREATE INDEX change_window_run_idx ON landing.change_window USING btree (run_id);

CREATE INDEX listing_page_unapplied_idx ON landing.listing_page USING btree (listing_run_id, page_number) WHERE (applied_at IS NULL);

CREATE UNIQUE INDEX listing_run_one_open_idx ON landing.listing_run USING btree (resource_type, delivery_type) WHERE (state = 'open'::text);

CREATE INDEX listing_run_run_idx ON landing.listing_run USING btree (run_id);

CREATE INDEX listing_run_slice_idx ON landing.listing_run USING btree (resource_type, delivery_type, id DESC);

CREATE INDEX listing_run_unsettled_idx ON landing.listing_run USING btree (id) WHERE (state = ANY (ARRAY['complete'::text, 'held'::text]));

CREATE INDEX notification_assets_idx ON landing.notification USING gin (asset_ids);

CREATE INDEX notification_landed_idx ON landing.notification USING btree (landed_at);

CREATE INDEX notification_request_idx ON landing.notification USING btree (request_id) WHERE (request_id IS NOT NULL);

CREATE INDEX asset_etag_etag_idx ON mirror.asset_etag USING btree (etag);

CREATE INDEX quarantine_listing_run_idx ON mirror.quarantine USING btree (listing_run_id);

CREATE INDEX quarantine_open_idx ON mirror.quarantine USING btree (asset_id) WHERE (resolved_at IS NULL);

CREATE INDEX verify_queue_due_idx ON mirror.verify_queue USING btree (not_before, asset_id);

CREATE INDEX canary_touch_open_idx ON ops.canary_touch USING btree (id) WHERE ((notified_at IS NULL) OR (applied_at IS NULL));

CREATE INDEX canary_touch_run_idx ON ops.canary_touch USING btree (run_id);

CREATE INDEX canary_touch_time_idx ON ops.canary_touch USING btree (touched_at);

CREATE INDEX hold_item_asset_id_idx ON ops.hold_item USING btree (asset_id);

CREATE UNIQUE INDEX hold_one_open_per_slice_idx ON ops.hold USING btree (kind, COALESCE(resource_type, ''::text), COALESCE(delivery_type, ''::text)) WHERE (state = 'open'::text);

CREATE INDEX hold_run_idx ON ops.hold USING btree (run_id);

CREATE UNIQUE INDEX run_dagster_run_id_idx ON ops.run USING btree (dagster_run_id) WHERE (dagster_run_id IS NOT NULL);

CREATE INDEX run_started_at_idx ON ops.run USING btree (started_at DESC);

CREATE INDEX status_snapshot_run_id_idx ON ops.status_snapshot USING btree (run_id);

CREATE INDEX status_snapshot_taken_at_idx ON ops.status_snapshot USING btree (taken_at);

CREATE INDEX vault_copy_sha256_idx ON ops.vault_copy USING btree (sha256);

CREATE INDEX attempt_push_plan_idx ON outbox.attempt USING btree (push_plan_id);

CREATE INDEX attempt_run_idx ON outbox.attempt USING btree (run_id);

CREATE UNIQUE INDEX conflict_one_open ON outbox.conflict USING btree (asset_id, field, key) WHERE (state = 'open'::text);

CREATE INDEX conflict_operation_idx ON outbox.conflict USING btree (operation_id);

CREATE INDEX operation_asset_idx ON outbox.operation USING btree (asset_id, id);

CREATE UNIQUE INDEX operation_one_in_flight ON outbox.operation USING btree (asset_id) WHERE (state = ANY (ARRAY['leased'::text, 'unknown'::text]));

CREATE UNIQUE INDEX operation_one_pending ON outbox.operation USING btree (asset_id, kind) WHERE (state = 'pending'::text);

CREATE INDEX operation_open_idx ON outbox.operation USING btree (asset_id, id) WHERE (state = ANY (ARRAY['pending'::text, 'leased'::text, 'unknown'::text, 'sent'::text]));

CREATE INDEX operation_pending_idx ON outbox.operation USING btree (id) WHERE (state = 'pending'::text);

CREATE INDEX push_plan_item_operation_idx ON outbox.push_plan_item USING btree (operation_id);

CREATE UNIQUE INDEX push_plan_one_held ON outbox.push_plan USING btree (part) WHERE (state = 'held'::text);

CREATE INDEX push_plan_run_idx ON outbox.push_plan USING btree (run_id);

CREATE INDEX push_plan_state_idx ON outbox.push_plan USING btree (state, id);

CREATE INDEX media_assets_deleted_idx ON public.media_assets USING btree (deleted_at DESC, id) WHERE (deleted_at IS NOT NULL);

CREATE INDEX media_assets_folder_idx ON public.media_assets USING btree (asset_folder, created_at DESC, id);

CREATE INDEX media_assets_natural_key_idx ON public.media_assets USING btree (public_id, resource_type, delivery_type);

CREATE INDEX media_assets_newest_idx ON public.media_assets USING btree (created_at DESC, id);

CREATE INDEX media_assets_search_idx ON public.media_assets USING gin (search);

CREATE INDEX media_assets_tags_idx ON public.media_assets USING gin (tags);

CREATE INDEX media_collection_items_asset_idx ON public.media_collection_items USING btree (media_asset_id);

CREATE INDEX media_collections_parent_idx ON public.media_collections USING btree (parent_id);

CREATE INDEX media_folders_parent_idx ON public.media_folders USING btree (parent_path, path);

CREATE INDEX media_usage_source_idx ON public.media_usage USING btree (source_system, last_seen_at);

CREATE INDEX report_run_idx ON quality.report USING btree (run_id);

CREATE INDEX result_expectation_idx ON quality.result USING btree (suite, expectation, report_id);

ALTER INDEX public.media_sync_log_asset_idx ATTACH PARTITION audit.media_sync_log_other_asset_id_row_version_idx;

ALTER INDEX public.media_sync_log_pkey ATTACH PARTITION audit.media_sync_log_other_pkey;

CREATE TRIGGER archived_entry_append_only BEFORE DELETE OR UPDATE ON audit.archived_entry FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();

CREATE TRIGGER archived_entry_no_truncate BEFORE TRUNCATE ON audit.archived_entry FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

CREATE TRIGGER archived_month_append_only BEFORE DELETE OR UPDATE ON audit.archived_month FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();

CREATE TRIGGER archived_month_no_truncate BEFORE TRUNCATE ON audit.archived_month FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

CREATE TRIGGER media_sync_log_no_truncate BEFORE TRUNCATE ON audit.media_sync_log_other FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

CREATE TRIGGER change_set_announce AFTER UPDATE ON diff.change_set FOR EACH ROW WHEN (((old.state <> new.state) AND (new.state = 'applied'::text))) EXECUTE FUNCTION ops.announce();

CREATE TRIGGER change_window_set_updated_at BEFORE UPDATE ON landing.change_window FOR EACH ROW EXECUTE FUNCTION ops.set_updated_at();

CREATE TRIGGER listing_run_set_updated_at BEFORE UPDATE ON landing.listing_run FOR EACH ROW EXECUTE FUNCTION ops.set_updated_at();

CREATE TRIGGER notification_set_updated_at BEFORE UPDATE ON landing.notification FOR EACH ROW EXECUTE FUNCTION ops.set_updated_at();

CREATE TRIGGER remote_asset_forget_edited_pages AFTER UPDATE ON mirror.remote_asset FOR EACH STATEMENT WHEN ((CURRENT_USER <> 'media_sync'::name)) EXECUTE FUNCTION mirror.forget_proved_pages();

CREATE TRIGGER remote_asset_forget_pages AFTER DELETE OR TRUNCATE ON mirror.remote_asset FOR EACH STATEMENT EXECUTE FUNCTION mirror.forget_proved_pages();

CREATE TRIGGER hold_announce AFTER INSERT ON ops.hold FOR EACH ROW EXECUTE FUNCTION ops.announce();

CREATE TRIGGER hold_announce_decision AFTER UPDATE ON ops.hold FOR EACH ROW WHEN ((old.state <> new.state)) EXECUTE FUNCTION ops.announce();

CREATE TRIGGER hold_set_updated_at BEFORE UPDATE ON ops.hold FOR EACH ROW EXECUTE FUNCTION ops.set_updated_at();

CREATE TRIGGER run_announce_end AFTER UPDATE ON ops.run FOR EACH ROW WHEN ((old.state <> new.state)) EXECUTE FUNCTION ops.announce();

CREATE TRIGGER run_announce_start AFTER INSERT ON ops.run FOR EACH ROW EXECUTE FUNCTION ops.announce();

CREATE TRIGGER run_set_updated_at BEFORE UPDATE ON ops.run FOR EACH ROW EXECUTE FUNCTION ops.set_updated_at();

CREATE TRIGGER status_snapshot_announce AFTER INSERT ON ops.status_snapshot FOR EACH ROW EXECUTE FUNCTION ops.announce();

CREATE TRIGGER conflict_announce AFTER INSERT ON outbox.conflict FOR EACH ROW EXECUTE FUNCTION ops.announce();

CREATE TRIGGER conflict_announce_end AFTER UPDATE ON outbox.conflict FOR EACH ROW WHEN ((old.state <> new.state)) EXECUTE FUNCTION ops.announce();

CREATE TRIGGER push_plan_announce AFTER INSERT ON outbox.push_plan FOR EACH ROW WHEN ((new.state = 'held'::text)) EXECUTE FUNCTION ops.announce();

CREATE TRIGGER push_plan_announce_decision AFTER UPDATE ON outbox.push_plan FOR EACH ROW WHEN ((old.state <> new.state)) EXECUTE FUNCTION ops.announce();

CREATE TRIGGER media_assets_record_edit BEFORE UPDATE ON public.media_assets FOR EACH ROW WHEN ((CURRENT_USER <> 'media_sync'::name)) EXECUTE FUNCTION outbox.record_edit();

CREATE TRIGGER media_assets_refuse_row BEFORE INSERT OR DELETE OR TRUNCATE ON public.media_assets FOR EACH STATEMENT WHEN ((CURRENT_USER <> 'media_sync'::name)) EXECUTE FUNCTION outbox.refuse_row();

CREATE TRIGGER media_assets_set_updated_at BEFORE UPDATE ON public.media_assets FOR EACH ROW EXECUTE FUNCTION ops.set_updated_at();

CREATE TRIGGER media_collections_no_cycle BEFORE INSERT OR UPDATE OF parent_id ON public.media_collections FOR EACH ROW WHEN ((new.parent_id IS NOT NULL)) EXECUTE FUNCTION public.refuse_collection_cycle();

CREATE TRIGGER media_collections_set_updated_at BEFORE UPDATE ON public.media_collections FOR EACH ROW EXECUTE FUNCTION ops.set_updated_at();

CREATE TRIGGER media_folders_set_updated_at BEFORE UPDATE ON public.media_folders FOR EACH ROW EXECUTE FUNCTION ops.set_updated_at();

CREATE TRIGGER media_metadata_fields_set_updated_at BEFORE UPDATE ON public.media_metadata_fields FOR EACH ROW EXECUTE FUNCTION ops.set_updated_at();

CREATE TRIGGER media_sync_log_append_only BEFORE DELETE OR UPDATE ON public.media_sync_log FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();

CREATE TRIGGER media_sync_log_no_truncate BEFORE TRUNCATE ON public.media_sync_log FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

CREATE TRIGGER media_sync_log_seal_append_only BEFORE DELETE OR UPDATE ON public.media_sync_log_seal FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();

CREATE TRIGGER media_sync_log_seal_no_truncate BEFORE TRUNCATE ON public.media_sync_log_seal FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

CREATE TRIGGER media_usage_set_updated_at BEFORE UPDATE ON public.media_usage FOR EACH ROW EXECUTE FUNCTION ops.set_updated_at();

ALTER TABLE ONLY diff.change_set
    ADD CONSTRAINT change_set_run_id_fkey FOREIGN KEY (run_id) REFERENCES ops.run(id);

ALTER TABLE ONLY landing.change_window
    ADD CONSTRAINT change_window_run_id_fkey FOREIGN KEY (run_id) REFERENCES ops.run(id);

ALTER TABLE ONLY landing.listing_page
    ADD CONSTRAINT listing_page_listing_run_id_fkey FOREIGN KEY (listing_run_id) REFERENCES landing.listing_run(id);

ALTER TABLE ONLY landing.listing_run
    ADD CONSTRAINT listing_run_run_id_fkey FOREIGN KEY (run_id) REFERENCES ops.run(id);

ALTER TABLE ONLY mirror.asset_sighting
    ADD CONSTRAINT asset_sighting_approved_hold_id_fkey FOREIGN KEY (approved_hold_id) REFERENCES ops.hold(id);

ALTER TABLE ONLY mirror.quarantine
    ADD CONSTRAINT quarantine_listing_run_id_fkey FOREIGN KEY (listing_run_id) REFERENCES landing.listing_run(id);

ALTER TABLE ONLY mirror.verify_queue
    ADD CONSTRAINT verify_queue_hold_id_fkey FOREIGN KEY (hold_id) REFERENCES ops.hold(id);

ALTER TABLE ONLY ops.canary_touch
    ADD CONSTRAINT canary_touch_run_id_fkey FOREIGN KEY (run_id) REFERENCES ops.run(id);

ALTER TABLE ONLY ops.hold_item
    ADD CONSTRAINT hold_item_hold_id_fkey FOREIGN KEY (hold_id) REFERENCES ops.hold(id) ON DELETE CASCADE;

ALTER TABLE ONLY ops.hold
    ADD CONSTRAINT hold_run_id_fkey FOREIGN KEY (run_id) REFERENCES ops.run(id);

ALTER TABLE ONLY ops.status_snapshot
    ADD CONSTRAINT status_snapshot_run_id_fkey FOREIGN KEY (run_id) REFERENCES ops.run(id);

ALTER TABLE ONLY ops.vault_copy
    ADD CONSTRAINT vault_copy_sha256_fkey FOREIGN KEY (sha256) REFERENCES ops.vault_object(sha256);

ALTER TABLE ONLY outbox.attempt
    ADD CONSTRAINT attempt_operation_id_fkey FOREIGN KEY (operation_id) REFERENCES outbox.operation(id);

ALTER TABLE ONLY outbox.attempt
    ADD CONSTRAINT attempt_push_plan_id_fkey FOREIGN KEY (push_plan_id) REFERENCES outbox.push_plan(id);

ALTER TABLE ONLY outbox.attempt
    ADD CONSTRAINT attempt_run_id_fkey FOREIGN KEY (run_id) REFERENCES ops.run(id);

ALTER TABLE ONLY outbox.conflict
    ADD CONSTRAINT conflict_operation_id_fkey FOREIGN KEY (operation_id) REFERENCES outbox.operation(id);

ALTER TABLE ONLY outbox.operation
    ADD CONSTRAINT operation_kind_fkey FOREIGN KEY (kind) REFERENCES outbox.operation_kind(kind);

ALTER TABLE ONLY outbox.operation
    ADD CONSTRAINT operation_media_asset_id_fkey FOREIGN KEY (media_asset_id) REFERENCES public.media_assets(id);

ALTER TABLE ONLY outbox.push_plan_item
    ADD CONSTRAINT push_plan_item_operation_id_fkey FOREIGN KEY (operation_id) REFERENCES outbox.operation(id);

ALTER TABLE ONLY outbox.push_plan_item
    ADD CONSTRAINT push_plan_item_push_plan_id_fkey FOREIGN KEY (push_plan_id) REFERENCES outbox.push_plan(id) ON DELETE CASCADE;

ALTER TABLE ONLY outbox.push_plan
    ADD CONSTRAINT push_plan_run_id_fkey FOREIGN KEY (run_id) REFERENCES ops.run(id);

ALTER TABLE ONLY public.media_collection_items
    ADD CONSTRAINT media_collection_items_collection_id_fkey FOREIGN KEY (collection_id) REFERENCES public.media_collections(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.media_collection_items
    ADD CONSTRAINT media_collection_items_media_asset_id_fkey FOREIGN KEY (media_asset_id) REFERENCES public.media_assets(id);

ALTER TABLE ONLY public.media_collections
    ADD CONSTRAINT media_collections_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES public.media_collections(id);

ALTER TABLE ONLY public.media_usage
    ADD CONSTRAINT media_usage_media_asset_id_fkey FOREIGN KEY (media_asset_id) REFERENCES public.media_assets(id);

ALTER TABLE ONLY quality.log_problem
    ADD CONSTRAINT log_problem_report_id_fkey FOREIGN KEY (report_id) REFERENCES quality.report(id) ON DELETE CASCADE;

ALTER TABLE ONLY quality.report
    ADD CONSTRAINT report_run_id_fkey FOREIGN KEY (run_id) REFERENCES ops.run(id);

ALTER TABLE ONLY quality.result
    ADD CONSTRAINT result_report_id_fkey FOREIGN KEY (report_id) REFERENCES quality.report(id) ON DELETE CASCADE;

ALTER TABLE ONLY quality.sampled_asset
    ADD CONSTRAINT sampled_asset_report_id_fkey FOREIGN KEY (report_id) REFERENCES quality.report(id) ON DELETE CASCADE;

ALTER TABLE ONLY quality.slice_count
    ADD CONSTRAINT slice_count_report_id_fkey FOREIGN KEY (report_id) REFERENCES quality.report(id) ON DELETE CASCADE;

ALTER TABLE audit.archived_entry ENABLE ROW LEVEL SECURITY;

CREATE POLICY archived_entry_read ON audit.archived_entry FOR SELECT TO media_sync USING (true);

ALTER TABLE audit.archived_month ENABLE ROW LEVEL SECURITY;

CREATE POLICY archived_month_read ON audit.archived_month FOR SELECT TO media_sync, media_upkeep USING (true);

ALTER TABLE audit.media_sync_log_other ENABLE ROW LEVEL SECURITY;

CREATE POLICY media_sync_log_other_upkeep_read ON audit.media_sync_log_other FOR SELECT TO media_upkeep USING (true);

ALTER TABLE diff.change ENABLE ROW LEVEL SECURITY;

CREATE POLICY change_engine ON diff.change TO media_sync USING (true) WITH CHECK (true);

ALTER TABLE diff.change_set ENABLE ROW LEVEL SECURITY;

CREATE POLICY change_set_engine ON diff.change_set TO media_sync USING (true) WITH CHECK (true);

CREATE POLICY change_set_upkeep ON diff.change_set FOR DELETE TO media_upkeep USING (((state = ANY (ARRAY['applied'::text, 'superseded'::text])) AND (finished_at < (now() - '1 day'::interval)) AND (id < ( SELECT max(n.id) AS max
   FROM diff.change_set n
  WHERE (n.state = 'applied'::text))) AND (NOT (EXISTS ( SELECT
   FROM diff.change c
  WHERE (c.change_set_id = change_set.id))))));

CREATE POLICY change_set_upkeep_read ON diff.change_set FOR SELECT TO media_upkeep USING (true);

CREATE POLICY change_upkeep ON diff.change FOR DELETE TO media_upkeep USING (((state = ANY (ARRAY['applied'::text, 'superseded'::text, 'refused'::text])) AND (EXISTS ( SELECT
   FROM diff.change_set s
  WHERE ((s.id = change.change_set_id) AND (s.state = ANY (ARRAY['applied'::text, 'superseded'::text])) AND (s.finished_at < (now() - '1 day'::interval)) AND (s.id < ( SELECT max(n.id) AS max
           FROM diff.change_set n
          WHERE (n.state = 'applied'::text))))))));

CREATE POLICY change_upkeep_read ON diff.change FOR SELECT TO media_upkeep USING (true);

ALTER TABLE landing.change_window ENABLE ROW LEVEL SECURITY;

CREATE POLICY change_window_engine ON landing.change_window TO media_sync USING (true) WITH CHECK (true);

CREATE POLICY change_window_upkeep ON landing.change_window FOR DELETE TO media_upkeep USING (((state = ANY (ARRAY['complete'::text, 'broken'::text])) AND (finished_at < (now() - '1 day'::interval)) AND ((kind = 'outage'::text) OR (id < ( SELECT max(n.id) AS max
   FROM landing.change_window n
  WHERE ((n.kind = 'recent'::text) AND (n.state = 'complete'::text)))))));

CREATE POLICY change_window_upkeep_read ON landing.change_window FOR SELECT TO media_upkeep USING (true);

ALTER TABLE landing.listing_page ENABLE ROW LEVEL SECURITY;

CREATE POLICY listing_page_engine ON landing.listing_page TO media_sync USING (true) WITH CHECK (true);

CREATE POLICY listing_page_upkeep ON landing.listing_page FOR DELETE TO media_upkeep USING (((applied_at < (now() - '1 day'::interval)) AND (EXISTS ( SELECT
   FROM landing.listing_run l
  WHERE ((l.id = listing_page.listing_run_id) AND (l.state = ANY (ARRAY['broken'::text, 'closed'::text])) AND (l.finished_at < (now() - '1 day'::interval)))))));

CREATE POLICY listing_page_upkeep_read ON landing.listing_page FOR SELECT TO media_upkeep USING (true);

ALTER TABLE landing.listing_run ENABLE ROW LEVEL SECURITY;

CREATE POLICY listing_run_engine ON landing.listing_run TO media_sync USING (true) WITH CHECK (true);

CREATE POLICY listing_run_upkeep ON landing.listing_run FOR DELETE TO media_upkeep USING (((state = ANY (ARRAY['broken'::text, 'closed'::text])) AND (finished_at < (now() - '1 day'::interval)) AND (EXISTS ( SELECT
   FROM landing.listing_run n
  WHERE ((n.resource_type = listing_run.resource_type) AND (n.delivery_type = listing_run.delivery_type) AND (n.id > listing_run.id) AND (n.state = ANY (ARRAY['held'::text, 'closed'::text]))))) AND (NOT (EXISTS ( SELECT
   FROM landing.listing_page p
  WHERE (p.listing_run_id = listing_run.id)))) AND (NOT (EXISTS ( SELECT
   FROM mirror.quarantine q
  WHERE (q.listing_run_id = listing_run.id))))));

CREATE POLICY listing_run_upkeep_read ON landing.listing_run FOR SELECT TO media_upkeep USING (true);

ALTER TABLE landing.listing_wish ENABLE ROW LEVEL SECURITY;

CREATE POLICY listing_wish_engine ON landing.listing_wish TO media_sync USING (true) WITH CHECK (true);

ALTER TABLE landing.notification ENABLE ROW LEVEL SECURITY;

CREATE POLICY notification_engine ON landing.notification TO media_sync USING (true) WITH CHECK (true);

CREATE POLICY notification_upkeep ON landing.notification FOR DELETE TO media_upkeep USING (((outcome <> 'quarantined'::text) AND (landed_at < (now() - '1 day'::interval)) AND (id < ( SELECT max(n.id) AS max
   FROM landing.notification n)) AND ((outcome <> 'folders'::text) OR (landed_at <= ( SELECT max(r.started_at) AS max
   FROM ops.run r
  WHERE ((r.counts ? 'folders'::text) AND (r.state = ANY (ARRAY['succeeded'::text, 'held'::text])))))) AND ((NOT is_undefined) OR (landed_at <= ( SELECT max(r.started_at) AS max
   FROM ops.run r
  WHERE ((r.counts ? 'metadata_fields'::text) AND (r.state = ANY (ARRAY['succeeded'::text, 'held'::text]))))))));

CREATE POLICY notification_upkeep_read ON landing.notification FOR SELECT TO media_upkeep USING (true);

ALTER TABLE mirror.asset_etag ENABLE ROW LEVEL SECURITY;

CREATE POLICY asset_etag_engine ON mirror.asset_etag TO media_sync USING (true) WITH CHECK (true);

ALTER TABLE mirror.asset_field ENABLE ROW LEVEL SECURITY;

CREATE POLICY asset_field_engine ON mirror.asset_field FOR SELECT TO media_sync USING (true);

ALTER TABLE mirror.asset_sighting ENABLE ROW LEVEL SECURITY;

CREATE POLICY asset_sighting_engine ON mirror.asset_sighting TO media_sync USING (true) WITH CHECK (true);

ALTER TABLE mirror.proved_page ENABLE ROW LEVEL SECURITY;

CREATE POLICY proved_page_engine ON mirror.proved_page TO media_sync USING (true) WITH CHECK (true);

ALTER TABLE mirror.quarantine ENABLE ROW LEVEL SECURITY;

CREATE POLICY quarantine_engine ON mirror.quarantine TO media_sync USING (true) WITH CHECK (true);

CREATE POLICY quarantine_upkeep ON mirror.quarantine FOR DELETE TO media_upkeep USING ((resolved_at < (now() - '1 day'::interval)));

CREATE POLICY quarantine_upkeep_read ON mirror.quarantine FOR SELECT TO media_upkeep USING (true);

ALTER TABLE mirror.remote_asset ENABLE ROW LEVEL SECURITY;

CREATE POLICY remote_asset_engine ON mirror.remote_asset TO media_sync USING (true) WITH CHECK (true);

ALTER TABLE mirror.verify_queue ENABLE ROW LEVEL SECURITY;

CREATE POLICY verify_queue_engine ON mirror.verify_queue TO media_sync USING (true) WITH CHECK (true);

ALTER TABLE ops.alembic_version ENABLE ROW LEVEL SECURITY;

ALTER TABLE ops.api_budget ENABLE ROW LEVEL SECURITY;

CREATE POLICY api_budget_engine ON ops.api_budget TO media_sync USING (true) WITH CHECK (true);

ALTER TABLE ops.api_call ENABLE ROW LEVEL SECURITY;

CREATE POLICY api_call_engine ON ops.api_call TO media_sync USING (true) WITH CHECK (true);

CREATE POLICY api_call_upkeep ON ops.api_call FOR DELETE TO media_upkeep USING ((window_at < (now() - '1 day'::interval)));

CREATE POLICY api_call_upkeep_read ON ops.api_call FOR SELECT TO media_upkeep USING (true);

ALTER TABLE ops.canary_touch ENABLE ROW LEVEL SECURITY;

CREATE POLICY canary_touch_engine ON ops.canary_touch TO media_sync USING (true) WITH CHECK (true);

CREATE POLICY canary_touch_upkeep ON ops.canary_touch FOR DELETE TO media_upkeep USING (((touched_at < (now() - '1 day'::interval)) AND (id < LEAST(( SELECT max(t.id) AS max
   FROM ops.canary_touch t), ( SELECT max(t.id) AS max
   FROM ops.canary_touch t
  WHERE (t.applied_at IS NOT NULL)))) AND ((touched_at < (now() - '90 days'::interval)) OR (touched_at < ( SELECT max(t.touched_at) AS max
   FROM ops.canary_touch t
  WHERE (t.is_sent AND (t.notified_at IS NOT NULL) AND (t.touched_at < ( SELECT max(r.started_at) AS max
           FROM ops.run r
          WHERE ((r.kind = 'full_sync'::text) AND (r.state = ANY (ARRAY['succeeded'::text, 'held'::text])))))))))));

CREATE POLICY canary_touch_upkeep_read ON ops.canary_touch FOR SELECT TO media_upkeep USING (true);

ALTER TABLE ops.cloud_binding ENABLE ROW LEVEL SECURITY;

CREATE POLICY cloud_binding_engine ON ops.cloud_binding TO media_sync USING (true) WITH CHECK (true);

ALTER TABLE ops.fence ENABLE ROW LEVEL SECURITY;

CREATE POLICY fence_engine ON ops.fence TO media_sync USING (true) WITH CHECK (true);

ALTER TABLE ops.hold ENABLE ROW LEVEL SECURITY;

CREATE POLICY hold_engine ON ops.hold TO media_sync USING (true) WITH CHECK (true);

ALTER TABLE ops.hold_item ENABLE ROW LEVEL SECURITY;

CREATE POLICY hold_item_engine ON ops.hold_item TO media_sync USING (true) WITH CHECK (true);

CREATE POLICY hold_upkeep_read ON ops.hold FOR SELECT TO media_upkeep USING (true);

ALTER TABLE ops.migration ENABLE ROW LEVEL SECURITY;

CREATE POLICY migration_readable ON ops.migration FOR SELECT USING (true);

ALTER TABLE ops.run ENABLE ROW LEVEL SECURITY;

CREATE POLICY run_engine ON ops.run TO media_sync USING (true) WITH CHECK (true);

CREATE POLICY run_upkeep ON ops.run FOR DELETE TO media_upkeep USING (((state <> 'running'::text) AND (finished_at < ( SELECT max(m.end_at) AS max
   FROM audit.archived_month m)) AND (NOT (id IN ( SELECT max(r.id) AS max
   FROM ops.run r
  WHERE (r.state = ANY (ARRAY['succeeded'::text, 'held'::text]))
  GROUP BY r.kind))) AND (NOT (id IN ( SELECT max(r.id) AS max
   FROM (ops.run r
     CROSS JOIN ( VALUES ('folders'::text), ('metadata_fields'::text)) part(name))
  WHERE ((r.counts ? part.name) AND (r.state = ANY (ARRAY['succeeded'::text, 'held'::text])))
  GROUP BY part.name))) AND (NOT (EXISTS ( SELECT
   FROM ops.hold h
  WHERE (h.run_id = run.id)))) AND (NOT (EXISTS ( SELECT
   FROM ops.canary_touch t
  WHERE (t.run_id = run.id)))) AND (NOT (EXISTS ( SELECT
   FROM landing.listing_run l
  WHERE (l.run_id = run.id)))) AND (NOT (EXISTS ( SELECT
   FROM landing.change_window w
  WHERE (w.run_id = run.id)))) AND (NOT (EXISTS ( SELECT
   FROM diff.change_set s
  WHERE (s.run_id = run.id)))) AND (NOT (EXISTS ( SELECT
   FROM outbox.push_plan p
  WHERE (p.run_id = run.id)))) AND (NOT (EXISTS ( SELECT
   FROM outbox.attempt a
  WHERE (a.run_id = run.id)))) AND (NOT (EXISTS ( SELECT
   FROM quality.report q
  WHERE (q.run_id = run.id)))) AND (NOT (EXISTS ( SELECT
   FROM ops.status_snapshot s
  WHERE (s.run_id = run.id))))));

CREATE POLICY run_upkeep_read ON ops.run FOR SELECT TO media_upkeep USING (true);

ALTER TABLE ops.setting ENABLE ROW LEVEL SECURITY;

CREATE POLICY setting_engine ON ops.setting TO media_sync USING (true) WITH CHECK (true);

ALTER TABLE ops.status_snapshot ENABLE ROW LEVEL SECURITY;

CREATE POLICY status_snapshot_engine ON ops.status_snapshot FOR SELECT TO media_sync USING (true);

CREATE POLICY status_snapshot_upkeep_read ON ops.status_snapshot FOR SELECT TO media_upkeep USING (true);

ALTER TABLE ops.vault_copy ENABLE ROW LEVEL SECURITY;

CREATE POLICY vault_copy_engine ON ops.vault_copy TO media_sync USING (true) WITH CHECK (true);

ALTER TABLE ops.vault_object ENABLE ROW LEVEL SECURITY;

CREATE POLICY vault_object_engine ON ops.vault_object TO media_sync USING (true) WITH CHECK (true);

ALTER TABLE outbox.attempt ENABLE ROW LEVEL SECURITY;

CREATE POLICY attempt_engine ON outbox.attempt TO media_sync USING (true) WITH CHECK (true);

CREATE POLICY attempt_upkeep ON outbox.attempt FOR DELETE TO media_upkeep USING (((started_at < (now() - '1 day'::interval)) AND (EXISTS ( SELECT
   FROM outbox.operation o
  WHERE ((o.id = attempt.operation_id) AND (o.state = ANY (ARRAY['done'::text, 'refused'::text, 'conflict'::text, 'cancelled'::text])) AND (o.finished_at < (now() - '1 day'::interval))))) AND (NOT (EXISTS ( SELECT
   FROM outbox.conflict c
  WHERE ((c.operation_id = attempt.operation_id) AND (c.state = 'open'::text)))))));

CREATE POLICY attempt_upkeep_read ON outbox.attempt FOR SELECT TO media_upkeep USING (true);

ALTER TABLE outbox.conflict ENABLE ROW LEVEL SECURITY;

CREATE POLICY conflict_engine ON outbox.conflict TO media_sync USING (true) WITH CHECK (true);

CREATE POLICY conflict_upkeep_read ON outbox.conflict FOR SELECT TO media_upkeep USING (true);

ALTER TABLE outbox.operation ENABLE ROW LEVEL SECURITY;

CREATE POLICY operation_engine ON outbox.operation TO media_sync USING (true) WITH CHECK (true);

ALTER TABLE outbox.operation_kind ENABLE ROW LEVEL SECURITY;

CREATE POLICY operation_kind_engine ON outbox.operation_kind FOR SELECT TO media_sync USING (true);

CREATE POLICY operation_upkeep_read ON outbox.operation FOR SELECT TO media_upkeep USING (true);

ALTER TABLE outbox.push_plan ENABLE ROW LEVEL SECURITY;

CREATE POLICY push_plan_engine ON outbox.push_plan TO media_sync USING (true) WITH CHECK (true);

ALTER TABLE outbox.push_plan_item ENABLE ROW LEVEL SECURITY;

CREATE POLICY push_plan_item_engine ON outbox.push_plan_item TO media_sync USING (true) WITH CHECK (true);

CREATE POLICY push_plan_item_upkeep ON outbox.push_plan_item FOR DELETE TO media_upkeep USING (((EXISTS ( SELECT
   FROM outbox.push_plan p
  WHERE ((p.id = push_plan_item.push_plan_id) AND (p.state = ANY (ARRAY['rejected'::text, 'superseded'::text, 'applied'::text])) AND (p.finished_at < (now() - '1 day'::interval))))) AND (EXISTS ( SELECT
   FROM outbox.operation o
  WHERE ((o.id = push_plan_item.operation_id) AND (o.state = ANY (ARRAY['done'::text, 'refused'::text, 'conflict'::text, 'cancelled'::text])) AND (o.finished_at < (now() - '1 day'::interval))))) AND (NOT (EXISTS ( SELECT
   FROM outbox.attempt a
  WHERE ((a.operation_id = push_plan_item.operation_id) AND (a.push_plan_id = push_plan_item.push_plan_id)))))));

CREATE POLICY push_plan_item_upkeep_read ON outbox.push_plan_item FOR SELECT TO media_upkeep USING (true);

CREATE POLICY push_plan_upkeep ON outbox.push_plan FOR DELETE TO media_upkeep USING (((state = ANY (ARRAY['rejected'::text, 'superseded'::text, 'applied'::text])) AND (finished_at < (now() - '1 day'::interval)) AND (NOT (EXISTS ( SELECT
   FROM outbox.push_plan_item i
  WHERE (i.push_plan_id = push_plan.id)))) AND (NOT (EXISTS ( SELECT
   FROM outbox.attempt a
  WHERE (a.push_plan_id = push_plan.id))))));

CREATE POLICY push_plan_upkeep_read ON outbox.push_plan FOR SELECT TO media_upkeep USING (true);

ALTER TABLE public.media_assets ENABLE ROW LEVEL SECURITY;

CREATE POLICY media_assets_engine ON public.media_assets TO media_sync USING (true) WITH CHECK (true);

ALTER TABLE public.media_collection_items ENABLE ROW LEVEL SECURITY;

CREATE POLICY media_collection_items_engine ON public.media_collection_items FOR SELECT TO media_sync USING (true);

ALTER TABLE public.media_collections ENABLE ROW LEVEL SECURITY;

CREATE POLICY media_collections_engine ON public.media_collections FOR SELECT TO media_sync USING (true);

ALTER TABLE public.media_folders ENABLE ROW LEVEL SECURITY;

CREATE POLICY media_folders_engine ON public.media_folders TO media_sync USING (true) WITH CHECK (true);

ALTER TABLE public.media_metadata_fields ENABLE ROW LEVEL SECURITY;

CREATE POLICY media_metadata_fields_engine ON public.media_metadata_fields TO media_sync USING (true) WITH CHECK (true);

ALTER TABLE public.media_sync_log ENABLE ROW LEVEL SECURITY;

CREATE POLICY media_sync_log_engine_append ON public.media_sync_log FOR INSERT TO media_sync WITH CHECK (true);

CREATE POLICY media_sync_log_engine_read ON public.media_sync_log FOR SELECT TO media_sync USING (true);

ALTER TABLE public.media_sync_log_seal ENABLE ROW LEVEL SECURITY;

CREATE POLICY media_sync_log_seal_engine_append ON public.media_sync_log_seal FOR INSERT TO media_sync WITH CHECK (true);

CREATE POLICY media_sync_log_seal_engine_read ON public.media_sync_log_seal FOR SELECT TO media_sync USING (true);

CREATE POLICY media_sync_log_seal_upkeep_read ON public.media_sync_log_seal FOR SELECT TO media_upkeep USING (true);

CREATE POLICY media_sync_log_upkeep_read ON public.media_sync_log FOR SELECT TO media_upkeep USING (true);

ALTER TABLE public.media_usage ENABLE ROW LEVEL SECURITY;

CREATE POLICY media_usage_engine ON public.media_usage FOR SELECT TO media_sync USING (true);

ALTER TABLE quality.api_field ENABLE ROW LEVEL SECURITY;

CREATE POLICY api_field_engine ON quality.api_field FOR SELECT TO media_sync USING (true);

ALTER TABLE quality.log_problem ENABLE ROW LEVEL SECURITY;

CREATE POLICY log_problem_engine ON quality.log_problem TO media_sync USING (true) WITH CHECK (true);

CREATE POLICY quality_report_upkeep ON quality.report FOR DELETE TO media_upkeep USING (((started_at < (now() - '1 day'::interval)) AND (id < ( SELECT max(n.id) AS max
   FROM quality.report n))));

CREATE POLICY quality_report_upkeep_read ON quality.report FOR SELECT TO media_upkeep USING (true);

ALTER TABLE quality.report ENABLE ROW LEVEL SECURITY;

CREATE POLICY report_engine ON quality.report TO media_sync USING (true) WITH CHECK (true);

ALTER TABLE quality.result ENABLE ROW LEVEL SECURITY;

CREATE POLICY result_engine ON quality.result TO media_sync USING (true) WITH CHECK (true);

ALTER TABLE quality.sampled_asset ENABLE ROW LEVEL SECURITY;

CREATE POLICY sampled_asset_engine ON quality.sampled_asset TO media_sync USING (true) WITH CHECK (true);

ALTER TABLE quality.slice_count ENABLE ROW LEVEL SECURITY;

CREATE POLICY slice_count_engine ON quality.slice_count TO media_sync USING (true) WITH CHECK (true);

GRANT USAGE ON SCHEMA audit TO media_sync;
GRANT USAGE ON SCHEMA audit TO media_upkeep;

GRANT USAGE ON SCHEMA diff TO media_sync;
GRANT USAGE ON SCHEMA diff TO media_upkeep;

GRANT USAGE ON SCHEMA landing TO media_sync;
GRANT USAGE ON SCHEMA landing TO media_upkeep;

GRANT USAGE ON SCHEMA mirror TO media_sync;
GRANT USAGE ON SCHEMA mirror TO media_upkeep;

GRANT USAGE ON SCHEMA ops TO media_sync;
GRANT USAGE ON SCHEMA ops TO media_upkeep;

GRANT USAGE ON SCHEMA outbox TO media_sync;
GRANT USAGE ON SCHEMA outbox TO media_upkeep;

REVOKE USAGE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO media_sync;
GRANT USAGE ON SCHEMA public TO media_upkeep;

GRANT USAGE ON SCHEMA quality TO media_sync;
GRANT USAGE ON SCHEMA quality TO media_upkeep;

REVOKE ALL ON FUNCTION audit.archive_month(month text, days integer, file_name text, file_sha256 bytea, file_size_bytes bigint, entry_count bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION audit.archive_month(month text, days integer, file_name text, file_sha256 bytea, file_size_bytes bigint, entry_count bigint) TO media_upkeep;

REVOKE ALL ON FUNCTION audit.ensure_partitions(through date) FROM PUBLIC;
GRANT ALL ON FUNCTION audit.ensure_partitions(through date) TO media_sync;

REVOKE ALL ON FUNCTION audit.entry_digest(action text, cause text, actor text, run_id bigint, asset_id text, media_asset_id uuid, row_version bigint, fingerprint bytea, before jsonb, after jsonb, recorded_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION audit.entry_digest(action text, cause text, actor text, run_id bigint, asset_id text, media_asset_id uuid, row_version bigint, fingerprint bytea, before jsonb, after jsonb, recorded_at timestamp with time zone) TO media_sync;

REVOKE ALL ON FUNCTION audit.refuse_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION mirror.forget_proved_pages() FROM PUBLIC;

REVOKE ALL ON FUNCTION mirror.hint(ids text[], hint_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION mirror.hint(ids text[], hint_reason text) TO media_sync;

REVOKE ALL ON FUNCTION ops.announce() FROM PUBLIC;

REVOKE ALL ON FUNCTION ops.set_updated_at() FROM PUBLIC;

REVOKE ALL ON FUNCTION ops.take_status_snapshot(of_run bigint, keep_days integer) FROM PUBLIC;
GRANT ALL ON FUNCTION ops.take_status_snapshot(of_run bigint, keep_days integer) TO media_sync;

REVOKE ALL ON FUNCTION outbox.check_context(context jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION outbox.check_metadata(changed jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION outbox.check_path(field text, path text) FROM PUBLIC;

REVOKE ALL ON FUNCTION outbox.check_tags(tags text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION outbox.current_actor() FROM PUBLIC;

REVOKE ALL ON FUNCTION outbox.file_of(file_sha256 text, file_name text) FROM PUBLIC;

REVOKE ALL ON FUNCTION outbox.map_delta(old_map jsonb, new_map jsonb, OUT base jsonb, OUT wanted jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION outbox.operation_digest(operation_id bigint, kind text, asset_id text, base jsonb, wanted jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION outbox.operation_digest(operation_id bigint, kind text, asset_id text, base jsonb, wanted jsonb) TO media_sync;

REVOKE ALL ON FUNCTION outbox.record(operation_kind text, edited_asset_id text, edited_media_asset_id uuid, edit_base jsonb, edit_wanted jsonb, edit_actor text) FROM PUBLIC;

REVOKE ALL ON FUNCTION outbox.record_decided(decided_conflict_id bigint, decided_by text) FROM PUBLIC;
GRANT ALL ON FUNCTION outbox.record_decided(decided_conflict_id bigint, decided_by text) TO media_sync;

REVOKE ALL ON FUNCTION outbox.record_edit() FROM PUBLIC;

REVOKE ALL ON FUNCTION outbox.refuse(field text, problem text, advice text) FROM PUBLIC;

REVOKE ALL ON FUNCTION outbox.refuse_row() FROM PUBLIC;

REVOKE ALL ON FUNCTION outbox.withdraw(operation_kind text, edited_asset_id text, outcome_text text) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.get_media_statistics() FROM PUBLIC;
GRANT ALL ON FUNCTION public.get_media_statistics() TO media_sync;

REVOKE ALL ON FUNCTION public.media_tags_text(tags text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.media_tags_text(tags text[]) TO media_sync;

REVOKE ALL ON FUNCTION public.media_search_vector(public_id text, display_name text, tags text[], context jsonb, metadata jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.media_search_vector(public_id text, display_name text, tags text[], context jsonb, metadata jsonb) TO media_sync;

GRANT SELECT,INSERT,UPDATE ON TABLE public.media_assets TO media_sync;

REVOKE ALL ON FUNCTION public.media_assets_at(at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.media_assets_at(at timestamp with time zone) TO media_sync;

REVOKE ALL ON FUNCTION public.refuse_collection_cycle() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.replace_media_asset(media_asset_id uuid, sha256 text, file_name text, reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.restore_media_asset(media_asset_id uuid, reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.soft_delete_media_asset(media_asset_id uuid, reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.upload_media_asset(sha256 text, file_name text, public_id text, resource_type text, delivery_type text, asset_folder text, display_name text, tags text[], context jsonb, metadata jsonb, reason text) FROM PUBLIC;

GRANT SELECT ON TABLE audit.archived_entry TO media_sync;

GRANT SELECT ON TABLE audit.archived_month TO media_sync;
GRANT SELECT ON TABLE audit.archived_month TO media_upkeep;

GRANT SELECT ON TABLE public.media_sync_log TO media_sync;
GRANT SELECT ON TABLE public.media_sync_log TO media_upkeep;

GRANT INSERT(action) ON TABLE public.media_sync_log TO media_sync;

GRANT INSERT(cause) ON TABLE public.media_sync_log TO media_sync;

GRANT INSERT(actor) ON TABLE public.media_sync_log TO media_sync;

GRANT INSERT(run_id) ON TABLE public.media_sync_log TO media_sync;

GRANT INSERT(asset_id) ON TABLE public.media_sync_log TO media_sync;

GRANT INSERT(media_asset_id) ON TABLE public.media_sync_log TO media_sync;

GRANT INSERT(row_version) ON TABLE public.media_sync_log TO media_sync;

GRANT INSERT(fingerprint) ON TABLE public.media_sync_log TO media_sync;

GRANT INSERT(before) ON TABLE public.media_sync_log TO media_sync;

GRANT INSERT(after) ON TABLE public.media_sync_log TO media_sync;

GRANT INSERT(digest) ON TABLE public.media_sync_log TO media_sync;

GRANT SELECT ON TABLE audit.media_sync_log_other TO media_upkeep;

GRANT SELECT,INSERT,UPDATE ON TABLE diff.change TO media_sync;
GRANT SELECT,DELETE ON TABLE diff.change TO media_upkeep;

GRANT SELECT,INSERT,UPDATE ON TABLE diff.change_set TO media_sync;
GRANT SELECT,DELETE ON TABLE diff.change_set TO media_upkeep;

GRANT SELECT,INSERT,UPDATE ON TABLE landing.change_window TO media_sync;
GRANT SELECT,DELETE ON TABLE landing.change_window TO media_upkeep;

GRANT SELECT,INSERT,UPDATE ON TABLE landing.listing_page TO media_sync;
GRANT SELECT,DELETE ON TABLE landing.listing_page TO media_upkeep;

GRANT SELECT,INSERT,UPDATE ON TABLE landing.listing_run TO media_sync;
GRANT SELECT,DELETE ON TABLE landing.listing_run TO media_upkeep;

GRANT SELECT,INSERT,UPDATE ON TABLE landing.listing_wish TO media_sync;

GRANT SELECT,INSERT,UPDATE ON TABLE landing.notification TO media_sync;
GRANT SELECT,DELETE ON TABLE landing.notification TO media_upkeep;

GRANT SELECT,INSERT,UPDATE ON TABLE mirror.asset_etag TO media_sync;

GRANT SELECT ON TABLE mirror.alike_asset TO media_sync;

GRANT SELECT ON TABLE mirror.asset_field TO media_sync;

GRANT SELECT,INSERT,UPDATE ON TABLE mirror.asset_sighting TO media_sync;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE mirror.proved_page TO media_sync;

GRANT SELECT,INSERT,UPDATE ON TABLE mirror.quarantine TO media_sync;
GRANT SELECT,DELETE ON TABLE mirror.quarantine TO media_upkeep;

GRANT SELECT,INSERT,UPDATE ON TABLE mirror.remote_asset TO media_sync;

GRANT USAGE ON SEQUENCE mirror.touch_seq TO media_sync;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE mirror.verify_queue TO media_sync;

GRANT SELECT,INSERT,UPDATE ON TABLE ops.api_budget TO media_sync;

GRANT SELECT,INSERT,UPDATE ON TABLE ops.api_call TO media_sync;
GRANT SELECT,DELETE ON TABLE ops.api_call TO media_upkeep;

GRANT SELECT,INSERT,UPDATE ON TABLE ops.canary_touch TO media_sync;
GRANT SELECT,DELETE ON TABLE ops.canary_touch TO media_upkeep;

GRANT SELECT,INSERT,UPDATE ON TABLE ops.cloud_binding TO media_sync;

GRANT SELECT,INSERT,UPDATE ON TABLE ops.fence TO media_sync;

GRANT USAGE ON SEQUENCE ops.fence_seq TO media_sync;

GRANT SELECT,INSERT,UPDATE ON TABLE ops.hold TO media_sync;
GRANT SELECT ON TABLE ops.hold TO media_upkeep;

GRANT SELECT,INSERT ON TABLE ops.hold_item TO media_sync;

GRANT SELECT ON TABLE ops.migration TO media_sync;

GRANT SELECT,INSERT,UPDATE ON TABLE ops.run TO media_sync;
GRANT SELECT,DELETE ON TABLE ops.run TO media_upkeep;

GRANT SELECT,INSERT,UPDATE ON TABLE ops.setting TO media_sync;

GRANT SELECT ON TABLE ops.status_snapshot TO media_sync;
GRANT SELECT ON TABLE ops.status_snapshot TO media_upkeep;

GRANT SELECT,INSERT,UPDATE ON TABLE ops.vault_copy TO media_sync;

GRANT SELECT,INSERT,UPDATE ON TABLE ops.vault_object TO media_sync;

GRANT SELECT,INSERT,UPDATE ON TABLE outbox.attempt TO media_sync;
GRANT SELECT,DELETE ON TABLE outbox.attempt TO media_upkeep;

GRANT SELECT ON SEQUENCE outbox.attempt_id_seq TO media_sync;

GRANT SELECT,INSERT,UPDATE ON TABLE outbox.conflict TO media_sync;
GRANT SELECT ON TABLE outbox.conflict TO media_upkeep;

GRANT SELECT,UPDATE ON TABLE outbox.operation TO media_sync;
GRANT SELECT ON TABLE outbox.operation TO media_upkeep;

GRANT SELECT ON TABLE outbox.operation_kind TO media_sync;

GRANT SELECT ON TABLE outbox.overlaid_asset TO media_sync;

GRANT SELECT ON TABLE public.media_collection_items TO media_sync;

GRANT SELECT ON TABLE public.media_usage TO media_sync;

GRANT SELECT ON TABLE outbox.orphan_asset TO media_sync;

GRANT SELECT,INSERT,UPDATE ON TABLE outbox.push_plan TO media_sync;
GRANT SELECT,DELETE ON TABLE outbox.push_plan TO media_upkeep;

GRANT SELECT,INSERT,UPDATE ON TABLE outbox.push_plan_item TO media_sync;
GRANT SELECT,DELETE ON TABLE outbox.push_plan_item TO media_upkeep;

GRANT SELECT ON TABLE public.media_collections TO media_sync;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.media_folders TO media_sync;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.media_metadata_fields TO media_sync;

GRANT SELECT,INSERT ON TABLE public.media_sync_log_seal TO media_sync;
GRANT SELECT ON TABLE public.media_sync_log_seal TO media_upkeep;

GRANT SELECT ON TABLE quality.altered_row TO media_sync;

GRANT SELECT ON TABLE quality.api_field TO media_sync;

GRANT SELECT ON TABLE quality.live_asset TO media_sync;

GRANT SELECT ON TABLE quality.asset_without_folder TO media_sync;

GRANT SELECT ON TABLE quality.disallowed_metadata_value TO media_sync;

GRANT SELECT ON TABLE quality.document_member TO media_sync;

GRANT SELECT ON TABLE quality.folder_without_parent TO media_sync;

GRANT SELECT ON TABLE quality.live_picture TO media_sync;

GRANT SELECT,INSERT ON TABLE quality.log_problem TO media_sync;

GRANT SELECT ON TABLE quality.lost_touch TO media_sync;

GRANT SELECT ON TABLE quality.mistyped_api_field TO media_sync;

GRANT SELECT,INSERT,UPDATE ON TABLE quality.report TO media_sync;
GRANT SELECT,DELETE ON TABLE quality.report TO media_upkeep;

GRANT SELECT ON TABLE quality.newest_log_problem TO media_sync;

GRANT SELECT,INSERT ON TABLE quality.sampled_asset TO media_sync;

GRANT SELECT ON TABLE quality.newest_sampled_asset TO media_sync;

GRANT SELECT,INSERT ON TABLE quality.slice_count TO media_sync;

GRANT SELECT ON TABLE quality.newest_slice_count TO media_sync;

GRANT SELECT ON TABLE quality.observation_without_sighting TO media_sync;

GRANT SELECT ON TABLE quality.open_operation TO media_sync;

GRANT SELECT,INSERT ON TABLE quality.result TO media_sync;

GRANT SELECT ON TABLE quality.row_without_observation TO media_sync;

GRANT SELECT ON TABLE quality.skipped_version TO media_sync;

GRANT SELECT ON TABLE quality.slice_age TO media_sync;

GRANT SELECT ON TABLE quality.unapplied_asset TO media_sync;

GRANT SELECT ON TABLE quality.undefined_metadata_key TO media_sync;

GRANT SELECT ON TABLE quality.unheld_operation TO media_sync;

GRANT SELECT ON TABLE quality.unknown_api_field TO media_sync;

GRANT SELECT ON TABLE quality.unlogged_version TO media_sync;

GRANT SELECT ON TABLE quality.unresolved_record TO media_sync;

GRANT SELECT ON TABLE quality.unsealed_entry TO media_sync;

GRANT SELECT ON TABLE quality.vanished_api_field TO media_sync;

GRANT SELECT ON TABLE quality.waiting_read TO media_sync;
