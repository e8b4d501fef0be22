-- The last proved observation of every asset.

create sequence mirror.touch_seq;
comment on sequence mirror.touch_seq is 'Logical clock of observations, hints and pushes. Order never depends on a wall clock.';

create table mirror.asset_field (
  name text collate "C" not null,
  kind text not null,
  position smallint not null,
  constraint asset_field_pkey primary key (name),
  constraint asset_field_position_key unique (position),
  constraint asset_field_kind_known check (kind in ('scalar', 'set', 'map', 'document'))
);
comment on table mirror.asset_field is 'The mirrored fields: columns that remote_asset and media_assets share and that the fingerprint covers.';
comment on column mirror.asset_field.name is 'Name of the column in both tables.';
comment on column mirror.asset_field.kind is 'How two values are compared and merged: scalar, set, map (per key) or document (as a whole).';
comment on column mirror.asset_field.position is 'Order in the fingerprint.';
insert into mirror.asset_field (position, name, kind) values
(1, 'resource_type', 'scalar'),
(2, 'delivery_type', 'scalar'),
(3, 'public_id', 'scalar'),
(4, 'format', 'scalar'),
(5, 'version', 'scalar'),
(6, 'created_at', 'scalar'),
(7, 'size_bytes', 'scalar'),
(8, 'width_px', 'scalar'),
(9, 'height_px', 'scalar'),
(10, 'asset_folder', 'scalar'),
(11, 'display_name', 'scalar'),
(12, 'tags', 'set'),
(13, 'context', 'map'),
(14, 'metadata', 'map'),
(15, 'access_mode', 'scalar'),
(16, 'access_control', 'document'),
(17, 'moderation_kind', 'scalar'),
(18, 'moderation_status', 'scalar'),
(19, 'is_placeholder', 'scalar'),
(20, 'is_backed_up', 'scalar'),
(21, 'secure_url', 'scalar');

create table mirror.remote_asset (
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
  tags text[] not null,
  context jsonb not null,
  metadata jsonb not null,
  access_mode text,
  access_control jsonb,
  moderation_kind text,
  moderation_status text,
  is_placeholder boolean not null,
  is_backed_up boolean not null,
  secure_url text,
  fingerprint bytea not null,
  document jsonb not null,
  document_digest bytea not null,
  observed_at timestamptz not null default clock_timestamp(),
  constraint remote_asset_pkey primary key (asset_id),
  constraint remote_asset_asset_id_is_hex check (asset_id ~ '^[0-9a-f]{32}$')
);
comment on table mirror.remote_asset is 'What is there: the last proved observation of an asset in Cloudinary.';
comment on column mirror.remote_asset.asset_id is 'Cloudinary''s immutable key.';
comment on column mirror.remote_asset.resource_type is 'See public.media_assets.';
comment on column mirror.remote_asset.delivery_type is 'See public.media_assets.';
comment on column mirror.remote_asset.public_id is 'See public.media_assets.';
comment on column mirror.remote_asset.format is 'See public.media_assets.';
comment on column mirror.remote_asset.version is 'See public.media_assets.';
comment on column mirror.remote_asset.created_at is 'See public.media_assets.';
comment on column mirror.remote_asset.size_bytes is 'See public.media_assets.';
comment on column mirror.remote_asset.width_px is 'See public.media_assets.';
comment on column mirror.remote_asset.height_px is 'See public.media_assets.';
comment on column mirror.remote_asset.asset_folder is 'See public.media_assets.';
comment on column mirror.remote_asset.display_name is 'See public.media_assets.';
comment on column mirror.remote_asset.tags is 'See public.media_assets.';
comment on column mirror.remote_asset.context is 'See public.media_assets.';
comment on column mirror.remote_asset.metadata is 'See public.media_assets.';
comment on column mirror.remote_asset.access_mode is 'See public.media_assets.';
comment on column mirror.remote_asset.access_control is 'See public.media_assets.';
comment on column mirror.remote_asset.moderation_kind is 'See public.media_assets.';
comment on column mirror.remote_asset.moderation_status is 'See public.media_assets.';
comment on column mirror.remote_asset.is_placeholder is 'See public.media_assets.';
comment on column mirror.remote_asset.is_backed_up is 'See public.media_assets.';
comment on column mirror.remote_asset.secure_url is 'See public.media_assets.';
comment on column mirror.remote_asset.fingerprint is 'Digest over the fields of mirror.asset_field: equal if and only if nothing mirrored changed.';
comment on column mirror.remote_asset.document is 'The asset as received, fields unknown to us included.';
comment on column mirror.remote_asset.document_digest is 'Digest of the received bytes and of the version of the normalizing code; an equal one needs no second look.';
comment on column mirror.remote_asset.observed_at is 'When this content was taken over; for people, never for order.';

create table mirror.asset_sighting (
  asset_id text collate "C" not null,
  resource_type text collate "C" not null,
  delivery_type text collate "C" not null,
  state text not null,
  touch bigint not null,
  seen_listing_run_id bigint,
  verified_at timestamptz,
  approved_hold_id bigint,
  constraint asset_sighting_pkey primary key (asset_id),
  constraint asset_sighting_approved_hold_id_fkey foreign key (approved_hold_id) references ops.hold (id),
  constraint asset_sighting_state_known check (state in ('live', 'suspect', 'tombstone')),
  constraint asset_sighting_approval_is_for_tombstones check (approved_hold_id is null or state = 'tombstone')
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
comment on table mirror.asset_sighting is 'Narrow bookkeeping of proofs, rewritten at every read, so that wide rows are not.';
comment on column mirror.asset_sighting.asset_id is 'Cloudinary''s immutable key.';
comment on column mirror.asset_sighting.resource_type is 'First half of the slice it was last seen in.';
comment on column mirror.asset_sighting.delivery_type is 'Second half of the slice it was last seen in.';
comment on column mirror.asset_sighting.state is 'live; suspect (missing in a complete run, not read yet); tombstone (proved deleted).';
comment on column mirror.asset_sighting.touch is 'Logical time of the last applied read, hint or push.';
comment on column mirror.asset_sighting.seen_listing_run_id is 'Last listing run that showed it.';
comment on column mirror.asset_sighting.verified_at is 'Last proof of its state; for people and freshness, never for order.';
comment on column mirror.asset_sighting.approved_hold_id is 'Hold through which a person approved this deletion; it passes the guards that follow.';

create table mirror.proved_page (
  resource_type text collate "C" not null,
  delivery_type text collate "C" not null,
  records_digest bytea not null,
  touch bigint not null,
  asset_ids text[] not null,
  constraint proved_page_pkey primary key (resource_type, delivery_type, records_digest)
);
-- Hexadecimal ids hardly get smaller, and not at all in the time that is saved here.
alter table mirror.proved_page alter column asset_ids set storage external;
comment on table mirror.proved_page is 'Pages that were taken over whole. While an asset of one has still its touch, nothing was heard of it since, so the same page says nothing new of it.';
comment on column mirror.proved_page.resource_type is 'First half of the slice.';
comment on column mirror.proved_page.delivery_type is 'Second half of the slice.';
comment on column mirror.proved_page.records_digest is 'See landing.listing_page.';
comment on column mirror.proved_page.touch is 'Logical time that its assets got when the page was last taken over.';
comment on column mirror.proved_page.asset_ids is 'Its assets, in order.';

-- The program never removes an observation; whoever does by hand must not find it believed further on.
create function mirror.forget_proved_pages() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from mirror.proved_page;
  return null;
end
$$;
revoke all on function mirror.forget_proved_pages() from public;
comment on function mirror.forget_proved_pages() is 'Trigger: where somebody changes observations by hand, every page is looked into again.';
create trigger remote_asset_forget_pages after delete or truncate on mirror.remote_asset
for each statement execute function mirror.forget_proved_pages();
create trigger remote_asset_forget_edited_pages after update on mirror.remote_asset
for each statement when (current_user <> 'media_sync') execute function mirror.forget_proved_pages();

create table mirror.verify_queue (
  asset_id text collate "C" not null,
  reason text not null,
  hint_touch bigint not null,
  hold_id bigint,
  attempt_count integer not null default 0,
  not_before timestamptz not null default now(),
  hinted_at timestamptz not null default now(),
  constraint verify_queue_pkey primary key (asset_id),
  constraint verify_queue_hold_id_fkey foreign key (hold_id) references ops.hold (id),
  constraint verify_queue_reason_known check (
    reason in ('suspect', 'window', 'placeholder', 'notification', 'search', 'push', 'manual')
  ),
  constraint verify_queue_asset_id_is_hex check (asset_id ~ '^[0-9a-f]{32}$'),
  constraint verify_queue_attempts_positive check (attempt_count >= 0)
);
create index verify_queue_due_idx on mirror.verify_queue (not_before, asset_id);
comment on table mirror.verify_queue is 'Assets to read again by their id, each once however often it was hinted at.';
comment on column mirror.verify_queue.asset_id is 'The asset.';
comment on column mirror.verify_queue.reason is 'Why; the first reason stays.';
comment on column mirror.verify_queue.hint_touch is 'Logical time of the latest hint; a read from before it does not settle the entry.';
comment on column mirror.verify_queue.hold_id is 'Approved hold through which a suspect came here.';
comment on column mirror.verify_queue.attempt_count is 'Reads begun.';
comment on column mirror.verify_queue.not_before is 'Not to be read before; a reader moves it ahead while it reads.';
comment on column mirror.verify_queue.hinted_at is 'When the entry was made; for people.';

create table mirror.quarantine (
  id bigint generated always as identity,
  listing_run_id bigint,
  page_number integer,
  asset_id text,
  reason text not null,
  detail text not null,
  body bytea not null,
  body_digest bytea not null,
  seen_count bigint not null default 1,
  first_seen_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  resolved_at timestamptz,
  constraint quarantine_pkey primary key (id),
  constraint quarantine_body_digest_key unique (body_digest),
  constraint quarantine_listing_run_id_fkey foreign key (listing_run_id) references landing.listing_run (id),
  constraint quarantine_digest_is_sha256 check (octet_length(body_digest) = 32)
);
create index quarantine_open_idx on mirror.quarantine (asset_id) where resolved_at is null;
comment on table mirror.quarantine is 'Records that could not be understood, set aside with their bytes and the reason; the rest goes on.';
comment on column mirror.quarantine.id is 'Number.';
comment on column mirror.quarantine.listing_run_id is 'Listing run that last showed it; null for a point read.';
comment on column mirror.quarantine.page_number is 'Page of that run.';
comment on column mirror.quarantine.asset_id is 'Its asset_id as far as it could be read.';
comment on column mirror.quarantine.reason is 'Which rule it breaks.';
comment on column mirror.quarantine.detail is 'What exactly, in words.';
comment on column mirror.quarantine.body is 'The record as received.';
comment on column mirror.quarantine.body_digest is 'SHA-256 of the record.';
comment on column mirror.quarantine.seen_count is 'How often exactly this record came.';
comment on column mirror.quarantine.first_seen_at is 'First time.';
comment on column mirror.quarantine.last_seen_at is 'Last time.';
comment on column mirror.quarantine.resolved_at is 'When a good record of the same asset was applied; null before.';

-- The one way by which other rooms ask for a read. Moving touch makes every read that began earlier void.
-- A flood of notifications or of search results is left to a full listing: 50,000 reads by id are 511 calls.
create function mirror.hint(ids text[], hint_reason text) returns bigint
language sql
set search_path = pg_catalog, pg_temp
as $$
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
$$;
revoke all on function mirror.hint(text[], text) from public;
grant execute on function mirror.hint(text[], text) to media_sync;
comment on function mirror.hint(text[], text) is 'Asks for assets to be read again; returns how many entries the queue got or renewed. Where 50,000 wait, notifications and search results become a wish for a full listing instead.';

alter table mirror.asset_field enable row level security;
alter table mirror.remote_asset enable row level security;
alter table mirror.asset_sighting enable row level security;
alter table mirror.proved_page enable row level security;
alter table mirror.verify_queue enable row level security;
alter table mirror.quarantine enable row level security;
create policy asset_field_engine on mirror.asset_field for select to media_sync using (true);
create policy remote_asset_engine on mirror.remote_asset to media_sync using (true) with check (true);
create policy asset_sighting_engine on mirror.asset_sighting to media_sync using (true) with check (true);
create policy proved_page_engine on mirror.proved_page to media_sync using (true) with check (true);
create policy verify_queue_engine on mirror.verify_queue to media_sync using (true) with check (true);
create policy quarantine_engine on mirror.quarantine to media_sync using (true) with check (true);
grant usage on sequence mirror.touch_seq to media_sync;
grant select on mirror.asset_field to media_sync;
grant select, insert, update on mirror.remote_asset, mirror.asset_sighting, mirror.quarantine to media_sync;
grant select, insert, update, delete on mirror.verify_queue, mirror.proved_page to media_sync;
