-- Times of which the search was asked what was created or changed: every few minutes, and after an outage.

create table landing.change_window (
  id bigint generated always as identity,
  run_id bigint,
  kind text not null,
  low_at timestamptz not null,
  high_at timestamptz,
  state text not null default 'open',
  cursor text,
  page_count integer not null default 0,
  found_count bigint not null default 0,
  hinted_count bigint not null default 0,
  quarantined_count bigint not null default 0,
  missing_count bigint not null default 0,
  restart_count integer not null default 0,
  broken_reason text,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  updated_at timestamptz not null default now(),
  constraint change_window_pkey primary key (id),
  constraint change_window_run_id_fkey foreign key (run_id) references ops.run (id),
  constraint change_window_kind_known check (kind in ('recent', 'outage')),
  constraint change_window_state_known check (state in ('open', 'complete', 'broken')),
  constraint change_window_ends_after_it_begins check (high_at >= low_at),
  constraint change_window_outage_has_an_end check (high_at is not null or kind = 'recent'),
  constraint change_window_complete_has_an_end check (high_at is not null or state <> 'complete'),
  constraint change_window_reason_iff_broken check ((broken_reason is not null) = (state = 'broken')),
  constraint change_window_finished_iff_not_open check ((finished_at is not null) = (state <> 'open')),
  constraint change_window_no_cursor_when_complete check (state <> 'complete' or cursor is null),
  constraint change_window_counts_positive check (
    page_count >= 0 and found_count >= 0 and hinted_count >= 0 and quarantined_count >= 0 and missing_count >= 0
    and restart_count >= 0
  )
);
create unique index change_window_one_recent_idx on landing.change_window (kind)
where state = 'open' and kind = 'recent';
create unique index change_window_one_outage_idx on landing.change_window (low_at, high_at)
where state = 'open' and kind = 'outage';
create index change_window_newest_idx on landing.change_window (kind, id desc);
create trigger change_window_set_updated_at before update on landing.change_window
for each row execute function ops.set_updated_at();
comment on table landing.change_window is 'One walk through what the search says was created or changed within a time. It only hints: what it does not show is not absent.';
comment on column landing.change_window.id is 'Number.';
comment on column landing.change_window.run_id is 'Run of the pipeline that began it.';
comment on column landing.change_window.kind is 'recent (from the last one to now) or outage (days that somebody chose).';
comment on column landing.change_window.low_at is 'First moment of the time, by Cloudinary''s clock.';
comment on column landing.change_window.high_at is 'End of the time, by Cloudinary''s clock. Of a recent one it is the moment of the first answer, null before it: what changes later may be shown as well.';
comment on column landing.change_window.state is 'open; then complete (the last page was read, or the rest is left to a full listing) or broken.';
comment on column landing.change_window.cursor is 'Cursor of the next page; null before the first and after the last.';
comment on column landing.change_window.page_count is 'Pages read.';
comment on column landing.change_window.found_count is 'Records on these pages, bad ones included; of a walk that lost its cursor only those since.';
comment on column landing.change_window.hinted_count is 'Assets that are to be read by id because of it.';
comment on column landing.change_window.quarantined_count is 'Bad records among the found ones.';
comment on column landing.change_window.missing_count is 'Records that the search counted at the end and did not show: its index was in flux.';
comment on column landing.change_window.restart_count is 'How often its cursor was rejected.';
comment on column landing.change_window.broken_reason is 'Why it came to no end; only for broken ones.';
comment on column landing.change_window.started_at is 'Start, by our clock.';
comment on column landing.change_window.finished_at is 'When it left the state open.';
comment on column landing.change_window.updated_at is 'Last change of this row.';

alter table landing.change_window enable row level security;
create policy change_window_engine on landing.change_window to media_sync using (true) with check (true);
grant select, insert, update on landing.change_window to media_sync;
