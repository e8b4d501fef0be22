-- Intents: what people change in media_assets, until Cloudinary has it.

create schema if not exists outbox;
comment on schema outbox is 'Edits of media_assets on their way to Cloudinary: operations, plans, approvals, conflicts.';
revoke all on schema outbox from public;
grant usage on schema outbox to media_sync;

create table outbox.operation_kind (
  kind text collate "C" not null,
  field text collate "C",
  position smallint not null,
  constraint operation_kind_pkey primary key (kind),
  constraint operation_kind_field_key unique (field),
  constraint operation_kind_position_key unique (position)
);
comment on table outbox.operation_kind is 'What an operation can do.';
comment on column outbox.operation_kind.kind is 'Name.';
comment on column outbox.operation_kind.field is 'Column of media_assets that people edit for it; null for what concerns the asset as a whole.';
comment on column outbox.operation_kind.position is 'Order in which plans show them.';
insert into outbox.operation_kind (position, kind, field) values
(1, 'delete', null),
(2, 'restore', null),
(3, 'rename', 'public_id'),
(4, 'update_tags', 'tags'),
(5, 'update_context', 'context'),
(6, 'update_metadata', 'metadata'),
(7, 'update_display_name', 'display_name'),
(8, 'update_folder', 'asset_folder'),
(9, 'update_access_control', 'access_control'),
(10, 'upload', null),
(11, 'replace', null);

create table outbox.operation (
  id bigint generated always as identity,
  kind text collate "C" not null,
  asset_id text collate "C",
  media_asset_id uuid,
  state text not null default 'pending',
  base jsonb not null,
  wanted jsonb not null,
  actor text not null,
  reason text,
  recorded_at timestamptz not null default clock_timestamp(),
  edited_at timestamptz not null default clock_timestamp(),
  edit_count integer not null default 1,
  not_before timestamptz not null default '-infinity',
  attempt_count integer not null default 0,
  lease uuid,
  leased_until timestamptz,
  outcome text,
  finished_at timestamptz,
  constraint operation_pkey primary key (id),
  constraint operation_kind_fkey foreign key (kind) references outbox.operation_kind (kind),
  constraint operation_media_asset_id_fkey foreign key (media_asset_id) references public.media_assets (id),
  constraint operation_state_known check (
    state in ('pending', 'leased', 'unknown', 'sent', 'done', 'refused', 'conflict', 'cancelled')
  ),
  constraint operation_finished_iff_final check (
    (finished_at is not null) = (state in ('done', 'refused', 'conflict', 'cancelled'))
  ),
  constraint operation_lease_iff_leased check (
    (state = 'leased') = (lease is not null) and (lease is null) = (leased_until is null)
  ),
  constraint operation_refusal_has_outcome check (state not in ('refused', 'conflict', 'unknown') or outcome is not null),
  constraint operation_base_is_object check (jsonb_typeof(base) = 'object'),
  constraint operation_wanted_is_object check (jsonb_typeof(wanted) = 'object'),
  constraint operation_names_its_asset check (kind = 'upload' or (asset_id is not null and media_asset_id is not null)),
  constraint operation_actor_given check (actor <> ''),
  constraint operation_counts_positive check (edit_count > 0 and attempt_count >= 0)
);
-- Edits coalesce into the one that waits, and at most one operation of an asset is on its way at a time.
create unique index operation_one_pending on outbox.operation (asset_id, kind) where state = 'pending';
create unique index operation_one_in_flight on outbox.operation (asset_id) where state in ('leased', 'unknown');
create index operation_open_idx on outbox.operation (asset_id, id) where state in ('pending', 'leased', 'unknown', 'sent');
create index operation_asset_idx on outbox.operation (asset_id, id);
create index operation_pending_idx on outbox.operation (id) where state = 'pending';
comment on table outbox.operation is 'One intent: one asset, one kind. Recorded in the transaction of the edit; the only cause of a write to Cloudinary.';
comment on column outbox.operation.id is 'Number; operations of an asset are pushed in this order.';
comment on column outbox.operation.kind is 'What it does.';
comment on column outbox.operation.asset_id is 'The asset, by Cloudinary''s immutable key; of an upload null until Cloudinary gave it.';
comment on column outbox.operation.media_asset_id is 'The asset, by our stable key; of an upload null until it is mirrored.';
comment on column outbox.operation.state is 'pending; leased (a call is being made); unknown (a read must show what happened); sent (Cloudinary accepted it, a read must confirm); then done, refused, conflict or cancelled.';
comment on column outbox.operation.base is 'Field or key to the applied remote value when it was first edited; null for a key that was not there. For a deletion all mirrored fields.';
comment on column outbox.operation.wanted is 'The same fields or keys to the value that people want; null removes a key.';
comment on column outbox.operation.actor is 'Who made the last edit.';
comment on column outbox.operation.reason is 'Why, as far as the editor said so (setting media_pipeline.reason).';
comment on column outbox.operation.recorded_at is 'First edit.';
comment on column outbox.operation.edited_at is 'Last edit.';
comment on column outbox.operation.edit_count is 'Edits that it stands for.';
comment on column outbox.operation.not_before is 'Not to be tried before: the pause after a failure.';
comment on column outbox.operation.attempt_count is 'Calls made for it.';
comment on column outbox.operation.lease is 'Claim of the pusher that works on it; a result without it is void.';
comment on column outbox.operation.leased_until is 'End of the claim; after it a read must show what happened.';
comment on column outbox.operation.outcome is 'What came of the last attempt, in words.';
comment on column outbox.operation.finished_at is 'When it came to its end.';

create table outbox.conflict (
  id bigint generated always as identity,
  operation_id bigint not null,
  asset_id text collate "C" not null,
  field text collate "C" not null,
  key text collate "C" not null,
  base jsonb,
  local jsonb,
  remote jsonb,
  state text not null default 'open',
  opened_at timestamptz not null default now(),
  resolved_at timestamptz,
  resolved_by text,
  constraint conflict_pkey primary key (id),
  constraint conflict_operation_id_fkey foreign key (operation_id) references outbox.operation (id),
  constraint conflict_state_known check (state in ('open', 'local_wins', 'remote_wins')),
  constraint conflict_resolved_iff_final check (
    (state = 'open') = (resolved_at is null) and (resolved_at is null) = (resolved_by is null)
  )
);
create unique index conflict_one_open on outbox.conflict (asset_id, field, key) where state = 'open';
create index conflict_operation_idx on outbox.conflict (operation_id);
comment on table outbox.conflict is 'The same field changed on both sides: nothing is overwritten until a policy or a person decides.';
comment on column outbox.conflict.id is 'Number.';
comment on column outbox.conflict.operation_id is 'The operation that met it.';
comment on column outbox.conflict.asset_id is 'The asset.';
comment on column outbox.conflict.field is 'Column of media_assets; deleted_at where one side deleted what the other changed: base and remote then hold the fields that changed there, or base and local the edits by their kind.';
comment on column outbox.conflict.key is 'Key within a map, else the name of the field.';
comment on column outbox.conflict.base is 'Value when the edit was recorded; null where there was none.';
comment on column outbox.conflict.local is 'Value that people here want.';
comment on column outbox.conflict.remote is 'Value in Cloudinary.';
comment on column outbox.conflict.state is 'open, then who won.';
comment on column outbox.conflict.opened_at is 'When it was found.';
comment on column outbox.conflict.resolved_at is 'When it was decided.';
comment on column outbox.conflict.resolved_by is 'Who decided, as actor; policy where a setting did.';

create table outbox.push_plan (
  id bigint generated always as identity,
  part text not null,
  state text not null,
  digest bytea not null,
  operation_count bigint not null,
  admin_call_count bigint not null,
  upload_call_count bigint not null,
  estimated_seconds real not null,
  reason text,
  run_id bigint,
  planned_at timestamptz not null default clock_timestamp(),
  decided_at timestamptz,
  decided_by text,
  finished_at timestamptz,
  constraint push_plan_pkey primary key (id),
  constraint push_plan_run_id_fkey foreign key (run_id) references ops.run (id),
  constraint push_plan_part_known check (part in ('deletions', 'replacements', 'edits')),
  constraint push_plan_state_known check (state in ('held', 'approved', 'rejected', 'superseded', 'applied')),
  constraint push_plan_digest_is_sha256 check (octet_length(digest) = 32),
  constraint push_plan_decided_iff_named check ((decided_at is null) = (decided_by is null)),
  constraint push_plan_approval_is_named check (state not in ('approved', 'rejected', 'applied') or decided_by is not null),
  constraint push_plan_finished_iff_final check (
    (finished_at is not null) = (state in ('rejected', 'superseded', 'applied'))
  ),
  constraint push_plan_held_has_reason check (state <> 'held' or reason is not null)
);
create unique index push_plan_one_held on outbox.push_plan (part) where state = 'held';
create index push_plan_state_idx on outbox.push_plan (state, id);
comment on table outbox.push_plan is 'A frozen set of operations about to be done: what it costs, what the guard said, who approved exactly it.';
comment on column outbox.push_plan.id is 'Number.';
comment on column outbox.push_plan.part is 'deletions, replacements (of bytes), or edits: what is held keeps no edit waiting.';
comment on column outbox.push_plan.state is 'held (waits for a person), approved, then applied; or rejected, superseded (newer operations made another plan).';
comment on column outbox.push_plan.digest is 'SHA-256 over its items: an approval is for exactly these.';
comment on column outbox.push_plan.operation_count is 'Operations.';
comment on column outbox.push_plan.admin_call_count is 'Admin API calls it needs, reads included.';
comment on column outbox.push_plan.upload_call_count is 'Upload API calls it needs; they cost no allowance.';
comment on column outbox.push_plan.estimated_seconds is 'Time it takes, waiting for the allowance included.';
comment on column outbox.push_plan.reason is 'Why the guard held it.';
comment on column outbox.push_plan.run_id is 'Run that made it.';
comment on column outbox.push_plan.planned_at is 'When.';
comment on column outbox.push_plan.decided_at is 'When it was approved or rejected.';
comment on column outbox.push_plan.decided_by is 'Who did; guard where it was within the limits.';
comment on column outbox.push_plan.finished_at is 'When nothing of it was left to do.';

create table outbox.push_plan_item (
  push_plan_id bigint not null,
  operation_id bigint not null,
  digest bytea not null,
  state text not null default 'planned',
  constraint push_plan_item_pkey primary key (push_plan_id, operation_id),
  constraint push_plan_item_push_plan_id_fkey
  foreign key (push_plan_id) references outbox.push_plan (id) on delete cascade,
  constraint push_plan_item_operation_id_fkey foreign key (operation_id) references outbox.operation (id),
  constraint push_plan_item_state_known check (state in ('planned', 'taken', 'stale')),
  constraint push_plan_item_digest_is_sha256 check (octet_length(digest) = 32)
);
create index push_plan_item_operation_idx on outbox.push_plan_item (operation_id);
comment on table outbox.push_plan_item is 'An operation of a plan, as it was when it was planned.';
comment on column outbox.push_plan_item.push_plan_id is 'The plan.';
comment on column outbox.push_plan_item.operation_id is 'The operation.';
comment on column outbox.push_plan_item.digest is 'SHA-256 over what it was to do; an operation that was edited since is not what was approved.';
comment on column outbox.push_plan_item.state is 'planned; taken by the push; stale: edited or withdrawn since, the next plan has it.';

create table outbox.attempt (
  id bigint generated always as identity,
  operation_id bigint not null,
  lease uuid not null,
  push_plan_id bigint not null,
  run_id bigint,
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  result text,
  request_id text,
  detail text,
  constraint attempt_pkey primary key (id),
  constraint attempt_once unique (operation_id, lease),
  constraint attempt_operation_id_fkey foreign key (operation_id) references outbox.operation (id),
  constraint attempt_push_plan_id_fkey foreign key (push_plan_id) references outbox.push_plan (id),
  constraint attempt_run_id_fkey foreign key (run_id) references ops.run (id),
  constraint attempt_result_known check (result in ('sent', 'refused', 'conflict', 'unknown', 'postponed')),
  constraint attempt_finished_iff_result check ((finished_at is null) = (result is null))
);
comment on table outbox.attempt is 'One try of an operation; written before the call, so that a crash leaves a trace of it.';
comment on column outbox.attempt.id is 'Number.';
comment on column outbox.attempt.operation_id is 'The operation.';
comment on column outbox.attempt.lease is 'Claim under which it was made.';
comment on column outbox.attempt.push_plan_id is 'Plan that allowed it.';
comment on column outbox.attempt.run_id is 'Run that made it.';
comment on column outbox.attempt.started_at is 'When it was claimed, before any call.';
comment on column outbox.attempt.finished_at is 'When its result was recorded; null for one that died.';
comment on column outbox.attempt.result is 'sent, refused, conflict, unknown, postponed (nothing was done).';
comment on column outbox.attempt.request_id is 'Cloudinary''s id of the call, for its support.';
comment on column outbox.attempt.detail is 'What Cloudinary or the base comparison said.';

-- Which assets show something else than the last applied remote state: their rows are merged field by field.
create view outbox.overlaid_asset with (security_invoker = true) as
select o.asset_id from outbox.operation as o
where o.state in ('pending', 'leased', 'unknown', 'sent') and o.kind <> 'upload'
union
select c.asset_id from outbox.conflict as c where c.state = 'open';
comment on view outbox.overlaid_asset is 'Assets with open operations or conflicts.';
comment on column outbox.overlaid_asset.asset_id is 'The asset.';

-- Assets that nothing here wants, whatever Cloudinary has: no use, no collection, no edit on its way, no conflict.
create view outbox.orphan_asset with (security_invoker = true) as
select m.asset_id, greatest(m.updated_at, u.last_seen_at) as last_wanted_at
from public.media_assets as m
inner join mirror.asset_sighting as s on m.asset_id = s.asset_id and s.state = 'live'
left join (
  select g.media_asset_id, max(g.last_seen_at) as last_seen_at, bool_or(g.is_live) as is_live
  from public.media_usage as g
  group by g.media_asset_id
) as u on m.id = u.media_asset_id
where
  m.deleted_at is null and u.is_live is not true
  and not exists (select from public.media_collection_items as i where i.media_asset_id = m.id)
  and not exists (select from outbox.overlaid_asset as v where v.asset_id = m.asset_id);
comment on view outbox.orphan_asset is 'Live assets that are used nowhere, in no collection, and neither edited nor disputed at the moment.';
comment on column outbox.orphan_asset.asset_id is 'The asset.';
comment on column outbox.orphan_asset.last_wanted_at is 'Last change of its row, or the last time that a use of it was found.';

create function outbox.operation_digest(operation_id bigint, kind text, asset_id text, base jsonb, wanted jsonb) returns bytea
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
return sha256(convert_to(operation_id::text || chr(31) || kind || chr(31) || coalesce(asset_id, '') || chr(31)
  || (base #>> '{}') || chr(31) || (wanted #>> '{}'), 'UTF8'));
revoke all on function outbox.operation_digest(bigint, text, text, jsonb, jsonb) from public;
grant execute on function outbox.operation_digest(bigint, text, text, jsonb, jsonb) to media_sync;
comment on function outbox.operation_digest(bigint, text, text, jsonb, jsonb) is 'SHA-256 over what an operation is to do.';

-- Rules for values, told at the edit with the field and the rule. Limits are Cloudinary's.
create function outbox.refuse(field text, problem text, advice text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'media_assets.%: %', field, problem using errcode = 'check_violation', column = field, hint = advice;
end
$$;
revoke all on function outbox.refuse(text, text, text) from public;
comment on function outbox.refuse(text, text, text) is 'Refuses an edit with the field, the rule it breaks and what to do.';

create function outbox.check_path(field text, path text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if length(path) > 255 then
    perform outbox.refuse(field, 'longer than 255 characters', 'Choose a shorter name.');
  elsif path ~ '[?&#\\%<>+]' or path ~ '[[:cntrl:]]' then
    perform outbox.refuse(field, format('%L has one of ? & # \ %% < > + or a control character', path), 'Leave these characters out.');
  elsif path <> btrim(path) or path ~ '(^|/)\.{0,2}(/|$)' then
    perform outbox.refuse(field, format('%L begins or ends with a space or has an empty, . or .. part', path), 'Write parts/like/this.');
  end if;
end
$$;
revoke all on function outbox.check_path(text, text) from public;
comment on function outbox.check_path(text, text) is 'Rule for public_id and asset_folder.';

create function outbox.check_tags(tags text[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
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
revoke all on function outbox.check_tags(text[]) from public;
comment on function outbox.check_tags(text[]) is 'Rule for tags.';

create function outbox.check_context(context jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
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
$$;
revoke all on function outbox.check_context(jsonb) from public;
comment on function outbox.check_context(jsonb) is 'Rule for contextual metadata.';

create function outbox.check_metadata(changed jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
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
$$;
revoke all on function outbox.check_metadata(jsonb) from public;
comment on function outbox.check_metadata(jsonb) is 'Rule for structured metadata, by its definitions; limits and patterns of a field are Cloudinary''s to check.';

create function outbox.current_actor() returns text
language sql stable
set search_path = pg_catalog, pg_temp
return coalesce(
  nullif(current_setting('media_pipeline.actor', true), ''),
  'sql:' || coalesce(nullif(nullif(current_setting('role', true), 'none'), ''), session_user)
);
revoke all on function outbox.current_actor() from public;
comment on function outbox.current_actor() is 'Who edits: the setting media_pipeline.actor of a program that knows its user, else the role.';

-- Records one intent, into the operation that waits for the same asset if there is one.
create function outbox.record(
  operation_kind text, edited_asset_id text, edited_media_asset_id uuid, edit_base jsonb, edit_wanted jsonb, edit_actor text
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
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
revoke all on function outbox.record(text, text, uuid, jsonb, jsonb, text) from public;
comment on function outbox.record(text, text, uuid, jsonb, jsonb, text) is 'Records one intent, coalesced with the one that waits.';

-- Withdraws the waiting operation of a kind; false where there is none, or where it is on its way already.
create function outbox.withdraw(operation_kind text, edited_asset_id text, outcome_text text) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  update outbox.operation as o
  set state = 'cancelled', finished_at = clock_timestamp(), outcome = outcome_text
  where o.asset_id = edited_asset_id and o.kind = operation_kind and o.state = 'pending';
  return found;
end
$$;
revoke all on function outbox.withdraw(text, text, text) from public;
comment on function outbox.withdraw(text, text, text) is 'Withdraws the waiting operation of a kind, if nothing was sent yet.';

-- Map keys whose value differs, as base and wanted; null stands for a key that is not there.
create function outbox.map_delta(old_map jsonb, new_map jsonb, out base jsonb, out wanted jsonb)
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select
    coalesce(jsonb_object_agg(k.key, coalesce(old_map -> k.key, 'null')), '{}'),
    coalesce(jsonb_object_agg(k.key, coalesce(new_map -> k.key, 'null')), '{}')
  from (select jsonb_object_keys(old_map) as key union select jsonb_object_keys(new_map)) as k
  where old_map -> k.key is distinct from new_map -> k.key
$$;
revoke all on function outbox.map_delta(jsonb, jsonb) from public;
comment on function outbox.map_delta(jsonb, jsonb) is 'Keys whose value differs between two maps.';

-- A decided conflict is an intent, too: the only other way to an operation, and only for what somebody recorded before.
create function outbox.record_decided(decided_conflict_id bigint, decided_by text) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
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
revoke all on function outbox.record_decided(bigint, text) from public;
grant execute on function outbox.record_decided(bigint, text) to media_sync;
comment on function outbox.record_decided(bigint, text) is 'Records the edit of a conflict that was decided for it, over the remote value that lost.';

-- The one road by which edits reach Cloudinary: panel, API and plain SQL alike. The role is the owner's, since an editor
-- may change assets and nothing else; who edits is told by outbox.current_actor().
create function outbox.record_edit() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
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
revoke all on function outbox.record_edit() from public;
comment on function outbox.record_edit() is 'Trigger: turns an edit by anyone but the engine into operations, in the same transaction; refuses what could not be pushed.';
create trigger media_assets_record_edit before update on public.media_assets
for each row when (current_user <> 'media_sync') execute function outbox.record_edit();

create function outbox.refuse_row() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'media_assets: % by % is refused', tg_op, current_user
    using errcode = 'insufficient_privilege',
          hint = case tg_op
            when 'INSERT' then 'An asset appears here when it is in Cloudinary: upload it there.'
            else 'To delete assets, set deleted_at or call soft_delete_media_asset(id): that can be undone.'
          end;
end
$$;
revoke all on function outbox.refuse_row() from public;
comment on function outbox.refuse_row() is 'Trigger: rows appear and vanish by the engine only.';
create trigger media_assets_refuse_row before insert or delete or truncate on public.media_assets
for each statement when (current_user <> 'media_sync') execute function outbox.refuse_row();

create function public.soft_delete_media_asset(media_asset_id uuid, reason text default null) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
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
revoke all on function public.soft_delete_media_asset(uuid, text) from public;
comment on function public.soft_delete_media_asset(uuid, text)
is 'Deletes an asset here and asks for its deletion in Cloudinary; says how far that is. Until it is pushed, restore_media_asset() undoes it without a trace there.';

create function public.restore_media_asset(media_asset_id uuid, reason text default null) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
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
revoke all on function public.restore_media_asset(uuid, text) from public;
comment on function public.restore_media_asset(uuid, text)
is 'Undoes a deletion that was not pushed yet, else asks Cloudinary to restore the asset from its backup; says which.';

alter table outbox.operation_kind enable row level security;
alter table outbox.operation enable row level security;
alter table outbox.conflict enable row level security;
alter table outbox.push_plan enable row level security;
alter table outbox.push_plan_item enable row level security;
alter table outbox.attempt enable row level security;
create policy operation_kind_engine on outbox.operation_kind for select to media_sync using (true);
create policy operation_engine on outbox.operation to media_sync using (true) with check (true);
create policy conflict_engine on outbox.conflict to media_sync using (true) with check (true);
create policy push_plan_engine on outbox.push_plan to media_sync using (true) with check (true);
create policy push_plan_item_engine on outbox.push_plan_item to media_sync using (true) with check (true);
create policy attempt_engine on outbox.attempt to media_sync using (true) with check (true);
grant select on outbox.operation_kind, outbox.overlaid_asset, outbox.orphan_asset to media_sync;
-- Operations are recorded by the trigger alone: the engine that pushes them cannot make one.
grant select, update on outbox.operation to media_sync;
grant select, insert, update on outbox.conflict, outbox.push_plan, outbox.push_plan_item, outbox.attempt to media_sync;
