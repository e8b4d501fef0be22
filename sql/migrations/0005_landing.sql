-- What was received, byte for byte.

create table landing.listing_run (
  id bigint generated always as identity,
  run_id bigint,
  resource_type text collate "C" not null,
  delivery_type text collate "C" not null,
  state text not null default 'open',
  scope text not null,
  touch_low bigint,
  cursor text,
  page_count integer not null default 0,
  asset_count bigint not null default 0,
  quarantined_count bigint not null default 0,
  restart_count integer not null default 0,
  suspect_count bigint,
  broken_reason text,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  updated_at timestamptz not null default now(),
  constraint listing_run_pkey primary key (id),
  constraint listing_run_run_id_fkey foreign key (run_id) references ops.run (id),
  constraint listing_run_state_known check (state in ('open', 'complete', 'broken', 'held', 'closed')),
  constraint listing_run_reason_iff_broken check ((broken_reason is not null) = (state = 'broken')),
  constraint listing_run_finished_iff_not_open check ((finished_at is not null) = (state <> 'open')),
  constraint listing_run_no_cursor_when_complete check (state in ('open', 'broken') or cursor is null),
  constraint listing_run_counts_positive check (page_count >= 0 and asset_count >= 0 and quarantined_count >= 0)
);
create unique index listing_run_one_open_idx on landing.listing_run (resource_type, delivery_type) where state = 'open';
create index listing_run_slice_idx on landing.listing_run (resource_type, delivery_type, id desc);
create index listing_run_unsettled_idx on landing.listing_run (id) where state in ('complete', 'held');
create trigger listing_run_set_updated_at before update on landing.listing_run
for each row execute function ops.set_updated_at();
comment on table landing.listing_run is 'One walk of one slice through the Admin API.';
comment on column landing.listing_run.id is 'Number.';
comment on column landing.listing_run.run_id is 'Run of the pipeline that began it.';
comment on column landing.listing_run.resource_type is 'First half of the slice.';
comment on column landing.listing_run.delivery_type is 'Second half of the slice.';
comment on column landing.listing_run.state is 'open; complete (last page had no cursor); then held (suspects wait for a person) or closed; or broken.';
comment on column landing.listing_run.scope is 'What was asked for; absence is concluded only when it equals that of the last complete run.';
comment on column landing.listing_run.touch_low is 'mirror.touch_seq before the first request: what was touched since proves nothing.';
comment on column landing.listing_run.cursor is 'Cursor of the next page; null before the first and after the last.';
comment on column landing.listing_run.page_count is 'Pages landed.';
comment on column landing.listing_run.asset_count is 'Assets on these pages, bad ones included.';
comment on column landing.listing_run.quarantined_count is 'Bad ones among them; if any, the run proves no absence.';
comment on column landing.listing_run.restart_count is 'How many earlier runs of this walk lost their cursor.';
comment on column landing.listing_run.suspect_count is 'Live assets that the complete run did not show; null before they are counted or where nothing was concluded.';
comment on column landing.listing_run.broken_reason is 'Why the run proves nothing; only for broken runs.';
comment on column landing.listing_run.started_at is 'Start.';
comment on column landing.listing_run.finished_at is 'When it left the state open.';
comment on column landing.listing_run.updated_at is 'Last change of this row.';

create table landing.listing_page (
  listing_run_id bigint not null,
  page_number integer not null,
  touch_low bigint not null,
  cursor text,
  body bytea not null,
  body_size_bytes bigint not null,
  body_digest bytea not null,
  records_digest bytea not null,
  asset_count integer not null,
  request_id text,
  received_at timestamptz not null,
  applied_at timestamptz,
  constraint listing_page_pkey primary key (listing_run_id, page_number),
  constraint listing_page_listing_run_id_fkey foreign key (listing_run_id) references landing.listing_run (id),
  constraint listing_page_digest_is_sha256 check (octet_length(body_digest) = 32)
);
-- The bytes are compressed already.
alter table landing.listing_page alter column body set storage external;
create index listing_page_unapplied_idx on landing.listing_page (listing_run_id, page_number) where applied_at is null;
comment on table landing.listing_page is 'One answer of a listing, as received.';
comment on column landing.listing_page.listing_run_id is 'The walk.';
comment on column landing.listing_page.page_number is 'Place in the walk, from 1.';
comment on column landing.listing_page.touch_low is 'mirror.touch_seq before the request: the low end of the window rule.';
comment on column landing.listing_page.cursor is 'Cursor the page was asked for with; null for the first.';
comment on column landing.listing_page.body is 'The answer''s bytes, zlib.';
comment on column landing.listing_page.body_size_bytes is 'Size before compression.';
comment on column landing.listing_page.body_digest is 'SHA-256 of the bytes before compression.';
comment on column landing.listing_page.records_digest is 'Digest of its records and of the version of the normalizing code: equal where two pages show the same, whatever their cursors.';
comment on column landing.listing_page.asset_count is 'Assets on the page.';
comment on column landing.listing_page.request_id is 'Cloudinary''s id of the request.';
comment on column landing.listing_page.received_at is 'When the answer arrived.';
comment on column landing.listing_page.applied_at is 'When its assets were taken into mirror.remote_asset; null before.';

create table landing.listing_wish (
  reason text not null,
  touch bigint not null,
  wished_at timestamptz not null default clock_timestamp(),
  constraint listing_wish_pkey primary key (reason),
  constraint listing_wish_reason_known check (reason in ('first', 'outage', 'flood'))
);
comment on table landing.listing_wish is 'Why a full listing is wanted before the next night; settled when every slice has a complete walk that began later.';
comment on column landing.listing_wish.reason is 'first (nothing was ever listed); outage (deletions of a time without notifications leave no other trace); flood (more was hinted at than reads by id are worth).';
comment on column landing.listing_wish.touch is 'mirror.touch_seq when it was wished last: only a walk with a greater touch_low settles it.';
comment on column landing.listing_wish.wished_at is 'When that was; for people.';

alter table landing.listing_run enable row level security;
alter table landing.listing_page enable row level security;
alter table landing.listing_wish enable row level security;
create policy listing_run_engine on landing.listing_run to media_sync using (true) with check (true);
create policy listing_page_engine on landing.listing_page to media_sync using (true) with check (true);
create policy listing_wish_engine on landing.listing_wish to media_sync using (true) with check (true);
grant select, insert, update on landing.listing_run, landing.listing_page, landing.listing_wish to media_sync;
