-- The bytes vault: what is kept of originals before they are deleted or replaced, and of files before they are uploaded.

create table ops.vault_object (
  sha256 text collate "C" not null,
  md5 text collate "C" not null,
  size_bytes bigint not null,
  state text not null default 'whole',
  stored_at timestamptz not null default clock_timestamp(),
  verified_at timestamptz not null default clock_timestamp(),
  constraint vault_object_pkey primary key (sha256),
  constraint vault_object_sha256_is_hex check (sha256 ~ '^[0-9a-f]{64}$'),
  constraint vault_object_md5_is_hex check (md5 ~ '^[0-9a-f]{32}$'),
  constraint vault_object_size_positive check (size_bytes >= 0),
  constraint vault_object_state_known check (state in ('whole', 'corrupt', 'missing'))
);
comment on table ops.vault_object is 'Files of the vault, by content: equal bytes are kept once.';
comment on column ops.vault_object.sha256 is 'SHA-256 of the bytes in hex; the name of the file.';
comment on column ops.vault_object.md5 is 'MD5 of the bytes in hex: Cloudinary''s etag.';
comment on column ops.vault_object.size_bytes is 'Length.';
comment on column ops.vault_object.state is 'whole; corrupt or missing when the file was last read.';
comment on column ops.vault_object.stored_at is 'When the file was written.';
comment on column ops.vault_object.verified_at is 'When its bytes were last compared with its name.';

create table ops.vault_copy (
  asset_id text collate "C" not null,
  version bigint not null,
  sha256 text collate "C" not null,
  kept_at timestamptz not null default clock_timestamp(),
  constraint vault_copy_pkey primary key (asset_id, version),
  constraint vault_copy_sha256_fkey foreign key (sha256) references ops.vault_object (sha256),
  constraint vault_copy_asset_id_is_hex check (asset_id ~ '^[0-9a-f]{32}$')
);
create index vault_copy_sha256_idx on ops.vault_copy (sha256);
comment on table ops.vault_copy is 'Which bytes an asset has, or had, in Cloudinary: proved by their MD5 and their length.';
comment on column ops.vault_copy.asset_id is 'The asset.';
comment on column ops.vault_copy.version is 'Its version with these bytes; 0 where Cloudinary told none.';
comment on column ops.vault_copy.sha256 is 'The file.';
comment on column ops.vault_copy.kept_at is 'When it was proved.';

alter table ops.vault_object enable row level security;
alter table ops.vault_copy enable row level security;
create policy vault_object_engine on ops.vault_object to media_sync using (true) with check (true);
create policy vault_copy_engine on ops.vault_copy to media_sync using (true) with check (true);
grant select, insert, update on ops.vault_object, ops.vault_copy to media_sync;

-- What an operation says of a file: it must be in the vault before anybody can ask for its upload.
create function outbox.file_of(file_sha256 text, file_name text) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
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
revoke all on function outbox.file_of(text, text) from public;
comment on function outbox.file_of(text, text) is 'A file of the vault as operations name it.';

create function public.upload_media_asset(
  sha256 text, file_name text, public_id text, resource_type text, delivery_type text default 'upload',
  asset_folder text default null, display_name text default null, tags text[] default '{}', context jsonb default '{}',
  metadata jsonb default '{}', reason text default null
) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
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
revoke all on function public.upload_media_asset(text, text, text, text, text, text, text, text[], jsonb, jsonb, text) from public;
comment on function public.upload_media_asset(text, text, text, text, text, text, text, text[], jsonb, jsonb, text)
is 'Asks for the upload of a file of the vault under a name of its own; nothing there is overwritten. Returns the operation.';

create function public.replace_media_asset(media_asset_id uuid, sha256 text, file_name text, reason text default null)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
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
revoke all on function public.replace_media_asset(uuid, text, text, text) from public;
comment on function public.replace_media_asset(uuid, text, text, text)
is 'Asks for other bytes under an asset''s name: a file of the vault. Returns the operation.';
