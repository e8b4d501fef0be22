-- Who may remove what is done with, and the months of the log that were archived.
--
-- The engine's role deletes none of this. Upkeep does, under a role of its own whose policies say what is done with: a
-- statement without any condition removes nothing that somebody still needs. How old it must be is the statement's to
-- say; a day is the least.

do $$
begin
  create role media_upkeep nologin;
exception
  when duplicate_object or unique_violation then null;
end
$$;

do $$
begin
  -- From Postgres 16 on, who makes a role may administer it but not take it without this grant.
  if not pg_has_role(
    current_user, 'media_upkeep',
    case when current_setting('server_version_num')::integer >= 160000 then 'set' else 'member' end
  ) then
    execute format('grant media_upkeep to %I', current_user);
  end if;
end
$$;

grant usage on schema public, ops, audit, landing, mirror, diff, outbox, quality to media_upkeep;

-- Months of the log that were archived.

create table audit.archived_month (
  month text collate "C" not null,
  end_at timestamptz not null,
  file_name text not null,
  file_sha256 bytea not null,
  file_size_bytes bigint not null,
  entry_count bigint not null,
  through_xid xid8,
  through_id bigint,
  seal_id bigint,
  seal_digest bytea,
  settled_seal_id bigint,
  archived_at timestamptz not null default clock_timestamp(),
  constraint archived_month_pkey primary key (month),
  constraint archived_month_form check (month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
  constraint archived_month_file_named check (file_name <> ''),
  constraint archived_month_file_is_sha256 check (octet_length(file_sha256) = 32),
  constraint archived_month_counts_positive check (file_size_bytes > 0 and entry_count >= 0),
  constraint archived_month_bounds_iff_entries check (
    (entry_count > 0) = (through_xid is not null)
    and (entry_count > 0) = (through_id is not null)
    and (entry_count > 0) = (seal_id is not null)
    and (entry_count > 0) = (seal_digest is not null)
  )
);
comment on table audit.archived_month is 'Months of the log that were written to a file and then removed: what the file holds, and the seal that covers it. Append-only.';
comment on column audit.archived_month.month is 'The month, as 2026-01, by UTC.';
comment on column audit.archived_month.end_at is 'First moment after it.';
comment on column audit.archived_month.file_name is 'File in the archive''s directory.';
comment on column audit.archived_month.file_sha256 is 'SHA-256 of the file.';
comment on column audit.archived_month.file_size_bytes is 'Size of the file.';
comment on column audit.archived_month.entry_count is 'Entries in it.';
comment on column audit.archived_month.through_xid is 'Its last entry, in (xid, id) order; null where it had none.';
comment on column audit.archived_month.through_id is 'Its last entry, in (xid, id) order; null where it had none.';
comment on column audit.archived_month.seal_id is 'The seal over its last entry.';
comment on column audit.archived_month.seal_digest is 'Digest of that seal.';
comment on column audit.archived_month.settled_seal_id is 'The last seal of whose entries, and of those of all seals before it, none was left in the log; null where there was none.';
comment on column audit.archived_month.archived_at is 'When it was archived.';

create table audit.archived_entry (
  xid xid8 not null,
  entry_id bigint not null,
  digest bytea not null,
  constraint archived_entry_pkey primary key (xid, entry_id),
  constraint archived_entry_digest_is_sha256 check (octet_length(digest) = 32)
);
comment on table audit.archived_entry is 'Digests of archived entries whose seal also covers entries that are still in the log, so that this seal can be computed again. Append-only.';
comment on column audit.archived_entry.xid is 'Transaction that wrote the entry.';
comment on column audit.archived_entry.entry_id is 'Number of the entry.';
comment on column audit.archived_entry.digest is 'Digest of the entry.';

create trigger archived_month_append_only before update or delete on audit.archived_month
for each row execute function audit.refuse_change();
create trigger archived_month_no_truncate before truncate on audit.archived_month
for each statement execute function audit.refuse_change();
create trigger archived_entry_append_only before update or delete on audit.archived_entry
for each row execute function audit.refuse_change();
create trigger archived_entry_no_truncate before truncate on audit.archived_entry
for each statement execute function audit.refuse_change();

alter table audit.archived_month enable row level security;
alter table audit.archived_entry enable row level security;
create policy archived_month_read on audit.archived_month for select to media_sync, media_upkeep using (true);
create policy archived_entry_read on audit.archived_entry for select to media_sync using (true);
create policy media_sync_log_upkeep_read on public.media_sync_log for select to media_upkeep using (true);
create policy media_sync_log_seal_upkeep_read on public.media_sync_log_seal for select to media_upkeep using (true);
create policy media_sync_log_other_upkeep_read on audit.media_sync_log_other for select to media_upkeep using (true);
grant select on audit.archived_month to media_sync, media_upkeep;
grant select on audit.archived_entry to media_sync;
grant select on public.media_sync_log, public.media_sync_log_seal, audit.media_sync_log_other to media_upkeep;

-- Owned by whoever migrates, since removing a partition needs ownership of the log. What it removes it has written down
-- in the same transaction; the file must be on disk before.
create function audit.archive_month(
  month text, days integer, file_name text, file_sha256 bytea, file_size_bytes bigint, entry_count bigint
) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
-- Whoever appends waits behind a wish for the whole log, so it must not wait long itself.
set lock_timeout = '5s'
as $$
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
$$;
revoke all on function audit.archive_month(text, integer, text, bytea, bigint, bigint) from public;
grant execute on function audit.archive_month(text, integer, text, bytea, bigint, bigint) to media_upkeep;
comment on function audit.archive_month(text, integer, text, bytea, bigint, bigint)
is 'Removes the oldest month of the log after it was written to a file: only one that is sealed whole and older than the given days (31 at least).';

-- A deleted run is looked for in whatever refers to it, and a deleted plan in its attempts.
create index change_set_run_idx on diff.change_set (run_id);
create index change_window_run_idx on landing.change_window (run_id);
create index listing_run_run_idx on landing.listing_run (run_id);
create index quarantine_listing_run_idx on mirror.quarantine (listing_run_id);
create index canary_touch_run_idx on ops.canary_touch (run_id);
create index hold_run_idx on ops.hold (run_id);
create index attempt_push_plan_idx on outbox.attempt (push_plan_id);
create index attempt_run_idx on outbox.attempt (run_id);
create index push_plan_run_idx on outbox.push_plan (run_id);

create policy listing_run_upkeep_read on landing.listing_run for select to media_upkeep using (true);
create policy listing_page_upkeep_read on landing.listing_page for select to media_upkeep using (true);
create policy notification_upkeep_read on landing.notification for select to media_upkeep using (true);
create policy change_window_upkeep_read on landing.change_window for select to media_upkeep using (true);
create policy quarantine_upkeep_read on mirror.quarantine for select to media_upkeep using (true);
create policy change_set_upkeep_read on diff.change_set for select to media_upkeep using (true);
create policy change_upkeep_read on diff.change for select to media_upkeep using (true);
create policy operation_upkeep_read on outbox.operation for select to media_upkeep using (true);
create policy conflict_upkeep_read on outbox.conflict for select to media_upkeep using (true);
create policy attempt_upkeep_read on outbox.attempt for select to media_upkeep using (true);
create policy push_plan_upkeep_read on outbox.push_plan for select to media_upkeep using (true);
create policy push_plan_item_upkeep_read on outbox.push_plan_item for select to media_upkeep using (true);
create policy run_upkeep_read on ops.run for select to media_upkeep using (true);
create policy hold_upkeep_read on ops.hold for select to media_upkeep using (true);
create policy canary_touch_upkeep_read on ops.canary_touch for select to media_upkeep using (true);
create policy status_snapshot_upkeep_read on ops.status_snapshot for select to media_upkeep using (true);
create policy quality_report_upkeep_read on quality.report for select to media_upkeep using (true);
create policy api_call_upkeep_read on ops.api_call for select to media_upkeep using (true);

-- Pages that were taken over, of walks from which everything was concluded.
create policy listing_page_upkeep on landing.listing_page for delete to media_upkeep using (
  applied_at < now() - interval '1 day'
  and exists (
    select from landing.listing_run as l
    where
      l.id = listing_page.listing_run_id and l.state in ('broken', 'closed')
      and l.finished_at < now() - interval '1 day'
  )
);

-- The newest whole walk of a slice, and what came after it, tell how fresh it is and whether its scope has changed.
create policy listing_run_upkeep on landing.listing_run for delete to media_upkeep using (
  state in ('broken', 'closed') and finished_at < now() - interval '1 day'
  and exists (
    select from landing.listing_run as n
    where
      n.resource_type = listing_run.resource_type and n.delivery_type = listing_run.delivery_type
      and n.id > listing_run.id and n.state in ('held', 'closed')
  )
  and not exists (select from landing.listing_page as p where p.listing_run_id = listing_run.id)
  and not exists (select from mirror.quarantine as q where q.listing_run_id = listing_run.id)
);

-- The newest one says that notifications were ever heard; one about folders or definitions counts until these were read.
create policy notification_upkeep on landing.notification for delete to media_upkeep using (
  outcome <> 'quarantined' and landed_at < now() - interval '1 day'
  and id < (select max(n.id) from landing.notification as n)
  and (
    outcome <> 'folders'
    or landed_at <= (
      select max(r.started_at) from ops.run as r where r.counts ? 'folders' and r.state in ('succeeded', 'held')
    )
  )
  and (
    not is_undefined
    or landed_at <= (
      select max(r.started_at) from ops.run as r where r.counts ? 'metadata_fields' and r.state in ('succeeded', 'held')
    )
  )
);

-- Where the newest whole look at recent changes ended, the next one begins.
create policy change_window_upkeep on landing.change_window for delete to media_upkeep using (
  state in ('complete', 'broken') and finished_at < now() - interval '1 day'
  and (
    kind = 'outage'
    or id < (select max(n.id) from landing.change_window as n where n.kind = 'recent' and n.state = 'complete')
  )
);

create policy quarantine_upkeep on mirror.quarantine for delete to media_upkeep using (
  resolved_at < now() - interval '1 day'
);

-- The newest applied set says what media_assets was compared with, and holds the deletions that wait.
create policy change_upkeep on diff.change for delete to media_upkeep using (
  state in ('applied', 'superseded', 'refused')
  and exists (
    select from diff.change_set as s
    where
      s.id = change.change_set_id and s.state in ('applied', 'superseded') and s.finished_at < now() - interval '1 day'
      and s.id < (select max(n.id) from diff.change_set as n where n.state = 'applied')
  )
);
create policy change_set_upkeep on diff.change_set for delete to media_upkeep using (
  state in ('applied', 'superseded') and finished_at < now() - interval '1 day'
  and id < (select max(n.id) from diff.change_set as n where n.state = 'applied')
  and not exists (select from diff.change as c where c.change_set_id = change_set.id)
);

-- Operations stay. Their attempts go when nobody has to decide or find out anything about them any more.
create policy attempt_upkeep on outbox.attempt for delete to media_upkeep using (
  started_at < now() - interval '1 day'
  and exists (
    select from outbox.operation as o
    where
      o.id = attempt.operation_id and o.state in ('done', 'refused', 'conflict', 'cancelled')
      and o.finished_at < now() - interval '1 day'
  )
  and not exists (select from outbox.conflict as c where c.operation_id = attempt.operation_id and c.state = 'open')
);

-- An approval is for exactly one set of operations and counts as long as one of them waits.
create policy push_plan_item_upkeep on outbox.push_plan_item for delete to media_upkeep using (
  exists (
    select from outbox.push_plan as p
    where
      p.id = push_plan_item.push_plan_id and p.state in ('rejected', 'superseded', 'applied')
      and p.finished_at < now() - interval '1 day'
  )
  and exists (
    select from outbox.operation as o
    where
      o.id = push_plan_item.operation_id and o.state in ('done', 'refused', 'conflict', 'cancelled')
      and o.finished_at < now() - interval '1 day'
  )
  and not exists (
    select from outbox.attempt as a
    where a.operation_id = push_plan_item.operation_id and a.push_plan_id = push_plan_item.push_plan_id
  )
);
create policy push_plan_upkeep on outbox.push_plan for delete to media_upkeep using (
  state in ('rejected', 'superseded', 'applied') and finished_at < now() - interval '1 day'
  and not exists (select from outbox.push_plan_item as i where i.push_plan_id = push_plan.id)
  and not exists (select from outbox.attempt as a where a.push_plan_id = push_plan.id)
);

-- The last touch and the last proof stay. The others are needed, for the 90 days that gaps are told, until a full sync
-- began after the proof that ends their gap.
create policy canary_touch_upkeep on ops.canary_touch for delete to media_upkeep using (
  touched_at < now() - interval '1 day'
  and id < least(
    (select max(t.id) from ops.canary_touch as t),
    (select max(t.id) from ops.canary_touch as t where t.applied_at is not null)
  )
  and (
    touched_at < now() - interval '90 days'
    or touched_at < (
      select max(t.touched_at) from ops.canary_touch as t
      where
        t.is_sent and t.notified_at is not null
        and t.touched_at < (
          select max(r.started_at) from ops.run as r where r.kind = 'full_sync' and r.state in ('succeeded', 'held')
        )
    )
  )
);

create policy api_call_upkeep on ops.api_call for delete to media_upkeep using (window_at < now() - interval '1 day');

-- A run is named by entries of the log, so it stays as long as they do. The newest one of each kind that ended well, and
-- the last that read folders or definitions, are asked for whatever their age.
create policy run_upkeep on ops.run for delete to media_upkeep using (
  state <> 'running'
  and finished_at < (select max(m.end_at) from audit.archived_month as m)
  and id not in (select max(r.id) from ops.run as r where r.state in ('succeeded', 'held') group by r.kind)
  and id not in (
    select max(r.id) from ops.run as r
    cross join (values ('folders'), ('metadata_fields')) as part (name)
    where r.counts ? part.name and r.state in ('succeeded', 'held')
    group by part.name
  )
  and not exists (select from ops.hold as h where h.run_id = run.id)
  and not exists (select from ops.canary_touch as t where t.run_id = run.id)
  and not exists (select from landing.listing_run as l where l.run_id = run.id)
  and not exists (select from landing.change_window as w where w.run_id = run.id)
  and not exists (select from diff.change_set as s where s.run_id = run.id)
  and not exists (select from outbox.push_plan as p where p.run_id = run.id)
  and not exists (select from outbox.attempt as a where a.run_id = run.id)
  and not exists (select from quality.report as q where q.run_id = run.id)
  and not exists (select from ops.status_snapshot as s where s.run_id = run.id)
);

-- A report goes with all its results; the newest one stays.
create policy quality_report_upkeep on quality.report for delete to media_upkeep using (
  started_at < now() - interval '1 day' and id < (select max(n.id) from quality.report as n)
);

grant select on ops.hold, ops.status_snapshot, outbox.operation, outbox.conflict to media_upkeep;
grant select, delete on quality.report to media_upkeep;
grant select, delete on landing.listing_run, landing.listing_page, landing.notification, landing.change_window to media_upkeep;
grant select, delete on mirror.quarantine, diff.change_set, diff.change to media_upkeep;
grant select, delete on outbox.attempt, outbox.push_plan, outbox.push_plan_item to media_upkeep;
grant select, delete on ops.run, ops.canary_touch, ops.api_call to media_upkeep;

-- How far pushes went tells an older copy of the database from the one that was pushed last.
grant select on sequence outbox.attempt_id_seq to media_sync;

-- Of transactions that overlap around the end of an archived month, the later version may lie in the earlier month.
create or replace view quality.skipped_version with (security_invoker = true) as
select
  l.media_asset_id, min(l.row_version) as from_version, max(l.row_version) as to_version,
  max(l.row_version) - min(l.row_version) + 1 - count(distinct l.row_version) as skipped_count
from public.media_sync_log as l
where
  l.media_asset_id is not null
  and l.recorded_at > coalesce((select max(m.end_at) + interval '2 days' from audit.archived_month as m), '-infinity'::timestamptz)
group by l.media_asset_id
having count(distinct l.row_version) < max(l.row_version) - min(l.row_version) + 1;
