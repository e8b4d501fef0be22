-- What users see and want: the tables of the library.

-- Immutable where array_to_string is not: the text of a text is the same for everybody.
create function public.media_tags_text(tags text[]) returns text
language sql immutable parallel safe
return left(array_to_string(tags, ' '), 50000);
revoke all on function public.media_tags_text(text[]) from public;
comment on function public.media_tags_text(text[]) is 'Tags as one text, for the text search vector.';

-- One text search vector for what people type; 'simple' because names and tags are of many languages.
-- Each part is bounded, since a vector holds a megabyte. Made for every row that is written, so it is of a form that
-- Postgres can inline: bound to its names when it is made, and of immutable functions only (#>> is, a cast to text not).
create function public.media_search_vector(public_id text, display_name text, tags text[], context jsonb, metadata jsonb)
returns tsvector
language sql immutable parallel safe
return
  setweight(to_tsvector('simple'::regconfig, left(coalesce(display_name, ''), 5000)), 'A')
  || setweight(to_tsvector('simple'::regconfig, translate(left(public_id, 5000), '/_-.', '    ')), 'A')
  || case
    when tags = '{}' then ''
    else setweight(to_tsvector('simple'::regconfig, public.media_tags_text(tags)), 'B')
  end
  || case
    when context = '{}' then ''
    when octet_length(context #>> '{}') <= 100000
      then setweight(jsonb_to_tsvector('simple'::regconfig, context, '["string"]'), 'C')
    else setweight(to_tsvector('simple'::regconfig, left(context #>> '{}', 50000)), 'C')
  end
  || case
    when metadata = '{}' then ''
    when octet_length(metadata #>> '{}') <= 100000
      then setweight(jsonb_to_tsvector('simple'::regconfig, metadata, '["string", "numeric"]'), 'C')
    else setweight(to_tsvector('simple'::regconfig, left(metadata #>> '{}', 50000)), 'C')
  end;
revoke all on function public.media_search_vector(text, text, text[], jsonb, jsonb) from public;
comment on function public.media_search_vector(text, text, text[], jsonb, jsonb)
is 'Text search vector of an asset: names weigh most, then tags, then context and metadata.';

create table public.media_assets (
  id uuid not null default gen_random_uuid(),
  asset_id text collate "C" not null,
  resource_type text collate "C" not null,
  delivery_type text collate "C" not null,
  public_id text collate "C" not null,
  format text,
  version bigint,
  created_at timestamptz,
  size_bytes bigint,
  width_px integer,
  height_px integer,
  asset_folder text collate "C",
  display_name text,
  tags text[] not null default '{}',
  context jsonb not null default '{}',
  metadata jsonb not null default '{}',
  access_mode text,
  access_control jsonb,
  moderation_kind text,
  moderation_status text,
  is_placeholder boolean not null default false,
  is_backed_up boolean not null default false,
  secure_url text,
  custom jsonb not null default '{}',
  search tsvector generated always as (public.media_search_vector(public_id, display_name, tags, context, metadata)) stored,
  applied_fingerprint bytea not null,
  row_version bigint not null default 1,
  deleted_at timestamptz,
  deleted_by text,
  mirrored_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint media_assets_pkey primary key (id),
  constraint media_assets_asset_id_key unique (asset_id),
  constraint media_assets_asset_id_is_hex check (asset_id ~ '^[0-9a-f]{32}$'),
  constraint media_assets_public_id_given check (public_id <> ''),
  constraint media_assets_size_positive check (size_bytes >= 0),
  constraint media_assets_pixels_positive check (width_px >= 0 and height_px >= 0),
  constraint media_assets_context_is_object check (jsonb_typeof(context) = 'object'),
  constraint media_assets_metadata_is_object check (jsonb_typeof(metadata) = 'object'),
  constraint media_assets_custom_is_object check (jsonb_typeof(custom) = 'object'),
  constraint media_assets_row_version_positive check (row_version > 0),
  constraint media_assets_deleted_by_iff_at check ((deleted_by is null) = (deleted_at is null))
);
create index media_assets_natural_key_idx on public.media_assets (public_id, resource_type, delivery_type);
create index media_assets_search_idx on public.media_assets using gin (search);
create index media_assets_tags_idx on public.media_assets using gin (tags);
create index media_assets_newest_idx on public.media_assets (created_at desc, id);
create index media_assets_folder_idx on public.media_assets (asset_folder, created_at desc, id);
create index media_assets_deleted_idx on public.media_assets (deleted_at desc, id) where deleted_at is not null;
create trigger media_assets_set_updated_at before update on public.media_assets
for each row execute function ops.set_updated_at();

comment on table public.media_assets is 'One row an asset: the last applied state of Cloudinary, typed and searchable.';
comment on column public.media_assets.id is 'Our key: stable through rename, move, deletion and restoration. Refer to assets by it.';
comment on column public.media_assets.asset_id is 'Cloudinary''s immutable key, 32 hexadecimal digits.';
comment on column public.media_assets.resource_type is 'image, video or raw (Cloudinary''s resource_type).';
comment on column public.media_assets.delivery_type is 'upload, private, authenticated, … (Cloudinary''s field type).';
comment on column public.media_assets.public_id is 'Changeable name in Cloudinary; not unique, since renames race.';
comment on column public.media_assets.format is 'File format; null for most raw assets, whose extension is part of public_id.';
comment on column public.media_assets.version is 'Unix seconds of the last upload of bytes; does not move on edits of tags or metadata.';
comment on column public.media_assets.created_at is 'First upload, as Cloudinary tells.';
comment on column public.media_assets.size_bytes is 'Size of the original.';
comment on column public.media_assets.width_px is 'Width; null for raw and sound.';
comment on column public.media_assets.height_px is 'Height; null for raw and sound.';
comment on column public.media_assets.asset_folder is 'Folder, empty text for the root; in fixed folder mode the path part of public_id.';
comment on column public.media_assets.display_name is 'Name shown to people; not unique.';
comment on column public.media_assets.tags is 'Tags, sorted, without repetition.';
comment on column public.media_assets.context is 'Contextual metadata, key to text.';
comment on column public.media_assets.metadata is 'Structured metadata, external id of the field to value.';
comment on column public.media_assets.access_mode is 'public or authenticated (older environments).';
comment on column public.media_assets.access_control is 'Access rules, as Cloudinary gives them.';
comment on column public.media_assets.moderation_kind is 'Kind of the moderation, if any.';
comment on column public.media_assets.moderation_status is 'Its status.';
comment on column public.media_assets.is_placeholder is 'True where Cloudinary keeps only a remnant, e.g. after a rejected moderation.';
comment on column public.media_assets.is_backed_up is 'True where Cloudinary says that it keeps a backup.';
comment on column public.media_assets.secure_url is 'Address of the original.';
comment on column public.media_assets.custom is 'Fields of your own; never pushed, never overwritten by a sync.';
comment on column public.media_assets.search is 'Text search vector, see media_search_vector().';
comment on column public.media_assets.applied_fingerprint is 'Fingerprint of the remote state this row was last made equal to.';
comment on column public.media_assets.row_version is 'Moves by one with every change; for optimistic locking and the audit.';
comment on column public.media_assets.deleted_at is 'When the deletion was applied; null while live. The row stays.';
comment on column public.media_assets.deleted_by is 'Who deleted it, as actor.';
comment on column public.media_assets.mirrored_at is 'When this row was first made.';
comment on column public.media_assets.updated_at is 'Last change of this row.';

create table public.media_folders (
  path text collate "C" not null,
  name text not null,
  parent_path text collate "C",
  external_id text,
  verified_at timestamptz not null default now(),
  mirrored_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint media_folders_pkey primary key (path),
  constraint media_folders_path_given check (path <> '' and path !~ '^/|/$'),
  constraint media_folders_parent_is_prefix check (
    parent_path is null and position('/' in path) = 0 or path = parent_path || '/' || name
  )
);
create index media_folders_parent_idx on public.media_folders (parent_path, path);
create trigger media_folders_set_updated_at before update on public.media_folders
for each row execute function ops.set_updated_at();
comment on table public.media_folders is 'The folder tree, empty folders included.';
comment on column public.media_folders.path is 'Full path, without slashes at its ends.';
comment on column public.media_folders.name is 'Last part of the path.';
comment on column public.media_folders.parent_path is 'Path of the folder above, null at the top.';
comment on column public.media_folders.external_id is 'Cloudinary''s id of the folder.';
comment on column public.media_folders.verified_at is 'When a read last showed it.';
comment on column public.media_folders.mirrored_at is 'When this row was made.';
comment on column public.media_folders.updated_at is 'Last change of this row.';

create table public.media_metadata_fields (
  external_id text collate "C" not null,
  label text not null,
  type text not null,
  is_mandatory boolean not null default false,
  default_value jsonb,
  validation jsonb,
  datasource jsonb,
  document jsonb not null,
  position integer not null,
  mirrored_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint media_metadata_fields_pkey primary key (external_id),
  constraint media_metadata_fields_external_id_given check (external_id <> '')
);
create trigger media_metadata_fields_set_updated_at before update on public.media_metadata_fields
for each row execute function ops.set_updated_at();
comment on table public.media_metadata_fields is 'Definitions of structured metadata.';
comment on column public.media_metadata_fields.external_id is 'Key of the field in media_assets.metadata.';
comment on column public.media_metadata_fields.label is 'Name shown to people.';
comment on column public.media_metadata_fields.type is 'string, integer, date, enum or set.';
comment on column public.media_metadata_fields.is_mandatory is 'Whether an upload must give it.';
comment on column public.media_metadata_fields.default_value is 'Value given to assets uploaded without one.';
comment on column public.media_metadata_fields.validation is 'Rule for values.';
comment on column public.media_metadata_fields.datasource is 'Allowed values of enum and set.';
comment on column public.media_metadata_fields.document is 'The definition as Cloudinary gave it.';
comment on column public.media_metadata_fields.position is 'Order in which Cloudinary lists them, from 0.';
comment on column public.media_metadata_fields.mirrored_at is 'When this row was made.';
comment on column public.media_metadata_fields.updated_at is 'Last change of this row.';

create table public.media_usage (
  id bigint generated always as identity,
  media_asset_id uuid not null,
  source_system text not null,
  reference text not null,
  usage_kind text not null,
  is_live boolean not null default true,
  first_seen_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint media_usage_pkey primary key (id),
  constraint media_usage_once unique (media_asset_id, source_system, reference, usage_kind),
  constraint media_usage_media_asset_id_fkey foreign key (media_asset_id) references public.media_assets (id),
  constraint media_usage_seen_in_order check (last_seen_at >= first_seen_at)
);
create index media_usage_source_idx on public.media_usage (source_system, last_seen_at);
create trigger media_usage_set_updated_at before update on public.media_usage
for each row execute function ops.set_updated_at();
comment on table public.media_usage is 'Where an asset is used.';
comment on column public.media_usage.id is 'Number.';
comment on column public.media_usage.media_asset_id is 'The asset, by its stable key.';
comment on column public.media_usage.source_system is 'System that uses it, e.g. a website or a newsletter tool.';
comment on column public.media_usage.reference is 'Where in that system, e.g. a page address.';
comment on column public.media_usage.usage_kind is 'How it is used, in the words of that system.';
comment on column public.media_usage.is_live is 'True while the last scan found it.';
comment on column public.media_usage.first_seen_at is 'First scan that found it.';
comment on column public.media_usage.last_seen_at is 'Last scan that found it.';
comment on column public.media_usage.updated_at is 'Last change of this row.';

create table public.media_collections (
  id uuid not null default gen_random_uuid(),
  parent_id uuid,
  slug text not null,
  title text not null,
  description text not null default '',
  owner text not null,
  visibility text not null default 'private',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint media_collections_pkey primary key (id),
  constraint media_collections_slug_key unique (slug),
  constraint media_collections_parent_id_fkey foreign key (parent_id) references public.media_collections (id),
  constraint media_collections_slug_form check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
  constraint media_collections_visibility_known check (visibility in ('private', 'shared', 'public')),
  constraint media_collections_not_own_parent check (parent_id <> id)
);
create index media_collections_parent_idx on public.media_collections (parent_id);
create trigger media_collections_set_updated_at before update on public.media_collections
for each row execute function ops.set_updated_at();
comment on table public.media_collections is 'Collections that people make, nested without cycles.';
comment on column public.media_collections.id is 'Key.';
comment on column public.media_collections.parent_id is 'Collection above, null at the top.';
comment on column public.media_collections.slug is 'Name in addresses: small letters, digits and hyphens.';
comment on column public.media_collections.title is 'Title.';
comment on column public.media_collections.description is 'Description.';
comment on column public.media_collections.owner is 'Who made it, as actor.';
comment on column public.media_collections.visibility is 'private, shared or public.';
comment on column public.media_collections.created_at is 'When it was made.';
comment on column public.media_collections.updated_at is 'Last change of this row.';

create function public.refuse_collection_cycle() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
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
revoke all on function public.refuse_collection_cycle() from public;
comment on function public.refuse_collection_cycle() is 'Trigger: a collection never lies inside itself.';
create trigger media_collections_no_cycle before insert or update of parent_id on public.media_collections
for each row when (new.parent_id is not null) execute function public.refuse_collection_cycle();

create table public.media_collection_items (
  collection_id uuid not null,
  media_asset_id uuid not null,
  position integer not null,
  added_at timestamptz not null default now(),
  added_by text not null,
  constraint media_collection_items_pkey primary key (collection_id, media_asset_id),
  constraint media_collection_items_collection_id_fkey
  foreign key (collection_id) references public.media_collections (id) on delete cascade,
  constraint media_collection_items_media_asset_id_fkey
  foreign key (media_asset_id) references public.media_assets (id),
  constraint media_collection_items_position_key unique (collection_id, position) deferrable initially deferred,
  constraint media_collection_items_position_positive check (position >= 0)
);
create index media_collection_items_asset_idx on public.media_collection_items (media_asset_id);
comment on table public.media_collection_items is 'Assets of a collection, in order.';
comment on column public.media_collection_items.collection_id is 'The collection.';
comment on column public.media_collection_items.media_asset_id is 'The asset, by its stable key; it stays when the asset is renamed or deleted.';
comment on column public.media_collection_items.position is 'Place in the order, from 0.';
comment on column public.media_collection_items.added_at is 'When it was added.';
comment on column public.media_collection_items.added_by is 'Who added it, as actor.';

-- The library as it was: today's rows with every later entry of the log undone. Reaches as far back as the log is kept.
create function public.media_assets_at(at timestamptz) returns setof public.media_assets
language sql stable
set search_path = pg_catalog, pg_temp
as $$
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
revoke all on function public.media_assets_at(timestamptz) from public;
grant execute on function public.media_assets_at(timestamptz) to media_sync;
comment on function public.media_assets_at(timestamptz)
is 'Rows of media_assets as they were at a time, as far back as the log is kept; search is null where a row has changed since.';

alter table public.media_assets enable row level security;
alter table public.media_folders enable row level security;
alter table public.media_metadata_fields enable row level security;
alter table public.media_usage enable row level security;
alter table public.media_collections enable row level security;
alter table public.media_collection_items enable row level security;

create policy media_assets_engine on public.media_assets to media_sync using (true) with check (true);
create policy media_folders_engine on public.media_folders to media_sync using (true) with check (true);
create policy media_metadata_fields_engine on public.media_metadata_fields to media_sync using (true) with check (true);
create policy media_usage_engine on public.media_usage for select to media_sync using (true);
create policy media_collections_engine on public.media_collections for select to media_sync using (true);
create policy media_collection_items_engine on public.media_collection_items for select to media_sync using (true);

-- Assets are never deleted from the table: a deletion is a tombstone.
grant select, insert, update on public.media_assets to media_sync;
grant execute on function public.media_search_vector(text, text, text[], jsonb, jsonb) to media_sync;
grant execute on function public.media_tags_text(text[]) to media_sync;
grant select, insert, update, delete on public.media_folders, public.media_metadata_fields to media_sync;
grant select on public.media_usage, public.media_collections, public.media_collection_items to media_sync;
