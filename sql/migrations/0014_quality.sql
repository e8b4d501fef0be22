-- What must hold in the data, as views of the rows that break it, and what each report found.

create schema quality;
comment on schema quality is 'What must hold in the data: views of what breaks it, and the results of every report.';
revoke all on schema quality from public;
grant usage on schema quality to media_sync;

alter table ops.run drop constraint run_kind_known;
alter table ops.run add constraint run_kind_known check (
  kind in (
    'full_sync', 'incremental_sync', 'backfill', 'verify', 'push', 'drain', 'canary', 'definitions',
    'quality', 'reports', 'upkeep'
  )
);
comment on column ops.run.kind is
'full_sync, incremental_sync, backfill, verify, push, drain, canary, definitions, quality, reports or upkeep.';

create table quality.report (
  id bigint generated always as identity,
  run_id bigint,
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  asset_count bigint,
  page text,
  seal_digest bytea,
  constraint report_pkey primary key (id),
  constraint report_run_id_fkey foreign key (run_id) references ops.run (id)
);
create index report_run_idx on quality.report (run_id);
comment on table quality.report is 'One run of all suites of expectations.';
comment on column quality.report.id is 'Number.';
comment on column quality.report.run_id is 'Run of the pipeline that made it.';
comment on column quality.report.started_at is 'Start.';
comment on column quality.report.finished_at is 'When all its results were there; null for one that died.';
comment on column quality.report.asset_count is 'Live assets of the library then.';
comment on column quality.report.page is 'Its page below the directory of reports.';
comment on column quality.report.seal_digest is 'Digest of the newest seal of the audit log then: an anchor outside of the chain.';

create table quality.result (
  report_id bigint not null,
  suite text collate "C" not null,
  expectation text collate "C" not null,
  position integer not null,
  severity text not null,
  state text not null,
  element_count bigint,
  unexpected_count bigint,
  sample jsonb not null default '[]',
  problem text,
  constraint result_pkey primary key (report_id, suite, expectation),
  constraint result_report_id_fkey foreign key (report_id) references quality.report (id) on delete cascade,
  constraint result_severity_known check (severity in ('critical', 'warning')),
  constraint result_state_known check (state in ('met', 'failed', 'unknown')),
  constraint result_unknown_has_problem check ((problem is not null) = (state = 'unknown')),
  constraint result_sample_is_list check (jsonb_typeof(sample) = 'array')
);
create index result_expectation_idx on quality.result (suite, expectation, report_id);
comment on table quality.result is 'What one report found of one expectation.';
comment on column quality.result.report_id is 'The report.';
comment on column quality.result.suite is 'Suite of the expectation.';
comment on column quality.result.expectation is 'Its name.';
comment on column quality.result.position is 'Place in the report, from 1.';
comment on column quality.result.severity is 'critical or warning.';
comment on column quality.result.state is 'met, failed, or unknown where it could not be asked.';
comment on column quality.result.element_count is 'Rows that were looked at; null where none are counted.';
comment on column quality.result.unexpected_count is 'Rows that break it; null where it could not be asked.';
comment on column quality.result.sample is 'The first of these rows.';
comment on column quality.result.problem is 'Why it could not be asked.';

create table quality.slice_count (
  report_id bigint not null,
  resource_type text collate "C" not null,
  delivery_type text collate "C" not null,
  cloud_count bigint not null,
  mirror_count bigint not null,
  constraint slice_count_pkey primary key (report_id, resource_type, delivery_type),
  constraint slice_count_report_id_fkey foreign key (report_id) references quality.report (id) on delete cascade,
  constraint slice_count_positive check (cloud_count >= 0 and mirror_count >= 0)
);
comment on table quality.slice_count is 'Assets of a slice as Cloudinary''s search counts them, and live ones of the mirror.';
comment on column quality.slice_count.report_id is 'The report.';
comment on column quality.slice_count.resource_type is 'First half of the slice.';
comment on column quality.slice_count.delivery_type is 'Second half of the slice.';
comment on column quality.slice_count.cloud_count is 'Cloudinary''s own count; its index lags.';
comment on column quality.slice_count.mirror_count is 'Live assets of the mirror.';

create table quality.sampled_asset (
  report_id bigint not null,
  asset_id text collate "C" not null,
  public_id text collate "C" not null,
  is_shown boolean not null,
  is_current boolean,
  field_count integer not null,
  differing_fields text[] not null default '{}',
  in_cloud jsonb not null default '{}',
  in_mirror jsonb not null default '{}',
  constraint sampled_asset_pkey primary key (report_id, asset_id),
  constraint sampled_asset_report_id_fkey foreign key (report_id) references quality.report (id) on delete cascade,
  constraint sampled_asset_current_iff_shown check ((is_current is null) = (not is_shown)),
  constraint sampled_asset_absent_has_no_fields check (is_shown or field_count = 0)
);
comment on table quality.sampled_asset is 'A live asset of the mirror that was chosen by chance and read again, and the fields in which it differed.';
comment on column quality.sampled_asset.report_id is 'The report.';
comment on column quality.sampled_asset.asset_id is 'The asset.';
comment on column quality.sampled_asset.public_id is 'Its name in the mirror.';
comment on column quality.sampled_asset.is_shown is 'Whether Cloudinary showed it.';
comment on column quality.sampled_asset.is_current is 'Whether its fingerprint is that of the mirror: it did not change since it was last read. Null for one that was not shown.';
comment on column quality.sampled_asset.field_count is 'Fields that were compared.';
comment on column quality.sampled_asset.differing_fields is 'Fields that differ.';
comment on column quality.sampled_asset.in_cloud is 'Their values in Cloudinary.';
comment on column quality.sampled_asset.in_mirror is 'Their values in mirror.remote_asset.';

create table quality.log_problem (
  report_id bigint not null,
  position integer not null,
  kind text not null,
  detail text not null,
  constraint log_problem_pkey primary key (report_id, position),
  constraint log_problem_report_id_fkey foreign key (report_id) references quality.report (id) on delete cascade
);
comment on table quality.log_problem is 'Something in the audit log that is not as it was written.';
comment on column quality.log_problem.report_id is 'The report.';
comment on column quality.log_problem.position is 'Place in the report, from 1.';
comment on column quality.log_problem.kind is 'What was tampered with: an entry, a seal, the chain, an archive.';
comment on column quality.log_problem.detail is 'Which, in words.';

-- Members of asset documents on the paths that a mirror reads. An operator who accepts a new one inserts it here.
create table quality.api_field (
  name text collate "C" not null,
  json_types text[] not null,
  is_always boolean not null,
  constraint api_field_pkey primary key (name),
  constraint api_field_types_known check (
    json_types <@ array['string', 'number', 'boolean', 'array', 'object'] and cardinality(json_types) > 0
  )
);
comment on table quality.api_field is 'Members that asset documents of Cloudinary are known to have, on listings and reads by id.';
comment on column quality.api_field.name is 'Cloudinary''s name of the member.';
comment on column quality.api_field.json_types is 'Types that its value may have; null is always allowed.';
comment on column quality.api_field.is_always is 'Whether every asset has it.';
insert into quality.api_field (name, json_types, is_always) values
('asset_id', '{string}', true),
('public_id', '{string}', true),
('resource_type', '{string}', true),
('type', '{string}', true),
('version', '{number}', true),
('created_at', '{string}', true),
('bytes', '{number}', true),
('secure_url', '{string}', true),
('url', '{string}', false),
('format', '{string}', false),
('width', '{number}', false),
('height', '{number}', false),
('asset_folder', '{string}', false),
('folder', '{string}', false),
('display_name', '{string}', false),
('tags', '{array}', false),
('context', '{object}', false),
('metadata', '{object}', false),
('access_mode', '{string}', false),
('access_control', '{array}', false),
('moderation', '{array}', false),
('moderation_kind', '{string}', false),
('moderation_status', '{string}', false),
('placeholder', '{boolean}', false),
('backup', '{boolean}', false);

-- Live assets with their bytes; a remnant has neither size nor dimensions.
create view quality.live_asset with (security_invoker = true) as
select
  m.asset_id, m.resource_type, m.delivery_type, m.public_id, m.format, m.version, m.created_at, m.size_bytes, m.width_px,
  m.height_px, m.asset_folder, m.display_name, m.access_mode, m.moderation_status, m.secure_url
from public.media_assets as m
where m.deleted_at is null and not m.is_placeholder;
comment on view quality.live_asset is 'Live assets that are no remnants.';
comment on column quality.live_asset.asset_id is 'See public.media_assets.';
comment on column quality.live_asset.resource_type is 'See public.media_assets.';
comment on column quality.live_asset.delivery_type is 'See public.media_assets.';
comment on column quality.live_asset.public_id is 'See public.media_assets.';
comment on column quality.live_asset.format is 'See public.media_assets.';
comment on column quality.live_asset.version is 'See public.media_assets.';
comment on column quality.live_asset.created_at is 'See public.media_assets.';
comment on column quality.live_asset.size_bytes is 'See public.media_assets.';
comment on column quality.live_asset.width_px is 'See public.media_assets.';
comment on column quality.live_asset.height_px is 'See public.media_assets.';
comment on column quality.live_asset.asset_folder is 'See public.media_assets.';
comment on column quality.live_asset.display_name is 'See public.media_assets.';
comment on column quality.live_asset.access_mode is 'See public.media_assets.';
comment on column quality.live_asset.moderation_status is 'See public.media_assets.';
comment on column quality.live_asset.secure_url is 'See public.media_assets.';

create view quality.live_picture with (security_invoker = true) as
select a.asset_id, a.public_id, a.format, a.width_px, a.height_px
from quality.live_asset as a
where a.resource_type = 'image';
comment on view quality.live_picture is 'Live pictures.';
comment on column quality.live_picture.asset_id is 'See public.media_assets.';
comment on column quality.live_picture.public_id is 'See public.media_assets.';
comment on column quality.live_picture.format is 'See public.media_assets.';
comment on column quality.live_picture.width_px is 'See public.media_assets.';
comment on column quality.live_picture.height_px is 'See public.media_assets.';

create view quality.undefined_metadata_key with (security_invoker = true) as
select m.asset_id, m.public_id, k.key
from public.media_assets as m
cross join lateral jsonb_object_keys(m.metadata) as k (key)
where
  m.deleted_at is null and m.metadata <> '{}'
  and not exists (select from public.media_metadata_fields as f where f.external_id = k.key);
comment on view quality.undefined_metadata_key is 'Keys of structured metadata that no definition explains.';
comment on column quality.undefined_metadata_key.asset_id is 'See public.media_assets.';
comment on column quality.undefined_metadata_key.public_id is 'See public.media_assets.';
comment on column quality.undefined_metadata_key.key is 'The key.';

create view quality.disallowed_metadata_value with (security_invoker = true) as
select m.asset_id, m.public_id, f.external_id as key, v.value
from public.media_metadata_fields as f
inner join public.media_assets as m on m.metadata ? f.external_id
cross join lateral jsonb_array_elements_text(
  case jsonb_typeof(m.metadata -> f.external_id)
    when 'array' then m.metadata -> f.external_id
    else jsonb_build_array(m.metadata -> f.external_id)
  end
) as v (value)
where
  m.deleted_at is null and f.type in ('enum', 'set') and v.value is not null
  and not exists (
    select from jsonb_array_elements(f.datasource -> 'values') as d (entry) where d.entry ->> 'external_id' = v.value
  );
comment on view quality.disallowed_metadata_value is 'Values of choice fields that their definition does not offer.';
comment on column quality.disallowed_metadata_value.asset_id is 'See public.media_assets.';
comment on column quality.disallowed_metadata_value.public_id is 'See public.media_assets.';
comment on column quality.disallowed_metadata_value.key is 'External id of the field.';
comment on column quality.disallowed_metadata_value.value is 'The value.';

create view quality.row_without_observation with (security_invoker = true) as
select m.asset_id, m.public_id
from public.media_assets as m
where m.deleted_at is null and not exists (select from mirror.remote_asset as r where r.asset_id = m.asset_id);
comment on view quality.row_without_observation is 'Live rows that no observation in Cloudinary stands behind.';
comment on column quality.row_without_observation.asset_id is 'See public.media_assets.';
comment on column quality.row_without_observation.public_id is 'See public.media_assets.';

create view quality.observation_without_sighting with (security_invoker = true) as
select coalesce(r.asset_id, s.asset_id) as asset_id, case when r.asset_id is null then 'content' else 'sighting' end as lacks
from mirror.remote_asset as r
full outer join mirror.asset_sighting as s on r.asset_id = s.asset_id
where r.asset_id is null or s.asset_id is null;
comment on view quality.observation_without_sighting is 'Assets of which the mirror has the content or the bookkeeping, but not both.';
comment on column quality.observation_without_sighting.asset_id is 'The asset.';
comment on column quality.observation_without_sighting.lacks is 'content (mirror.remote_asset) or sighting (mirror.asset_sighting).';

create view quality.unapplied_asset with (security_invoker = true) as
select r.asset_id, r.public_id
from mirror.remote_asset as r
inner join mirror.asset_sighting as s on r.asset_id = s.asset_id
left join public.media_assets as m on r.asset_id = m.asset_id
where
  s.state = 'live'
  and (m.asset_id is null or m.deleted_at is not null or m.applied_fingerprint <> r.fingerprint)
  and not exists (select from outbox.overlaid_asset as v where v.asset_id = r.asset_id)
  -- What was observed since waits for the next change set, and what people edited waits to be pushed: that is no fault.
  and r.observed_at < (select max(t.computed_at) from diff.change_set as t where t.state = 'applied');
comment on view quality.unapplied_asset is 'Live assets of the mirror that media_assets shows otherwise, or not at all.';
comment on column quality.unapplied_asset.asset_id is 'See public.media_assets.';
comment on column quality.unapplied_asset.public_id is 'See public.media_assets.';

create view quality.altered_row with (security_invoker = true) as
select m.asset_id, m.public_id, m.row_version
from public.media_assets as m
inner join mirror.remote_asset as r on m.asset_id = r.asset_id
where
  m.deleted_at is null and m.applied_fingerprint = r.fingerprint
  and (
    m.resource_type is distinct from r.resource_type or m.delivery_type is distinct from r.delivery_type
    or m.public_id is distinct from r.public_id or m.format is distinct from r.format
    or m.version is distinct from r.version or m.created_at is distinct from r.created_at
    or m.size_bytes is distinct from r.size_bytes or m.width_px is distinct from r.width_px
    or m.height_px is distinct from r.height_px or m.asset_folder is distinct from r.asset_folder
    or m.display_name is distinct from r.display_name or m.tags is distinct from r.tags
    or m.context is distinct from r.context or m.metadata is distinct from r.metadata
    or m.access_mode is distinct from r.access_mode or m.access_control is distinct from r.access_control
    or m.moderation_kind is distinct from r.moderation_kind or m.moderation_status is distinct from r.moderation_status
    or m.is_placeholder is distinct from r.is_placeholder or m.is_backed_up is distinct from r.is_backed_up
    or m.secure_url is distinct from r.secure_url
  )
  and not exists (select from outbox.overlaid_asset as v where v.asset_id = m.asset_id);
comment on view quality.altered_row is 'Live rows that differ from the state they were made equal to, although nobody edited them.';
comment on column quality.altered_row.asset_id is 'See public.media_assets.';
comment on column quality.altered_row.public_id is 'See public.media_assets.';
comment on column quality.altered_row.row_version is 'See public.media_assets.';

create view quality.asset_without_folder with (security_invoker = true) as
select a.asset_id, a.public_id, a.asset_folder
from quality.live_asset as a
where a.asset_folder <> '' and not exists (select from public.media_folders as f where f.path = a.asset_folder);
comment on view quality.asset_without_folder is 'Live assets in a folder that the folder tree lacks.';
comment on column quality.asset_without_folder.asset_id is 'See public.media_assets.';
comment on column quality.asset_without_folder.public_id is 'See public.media_assets.';
comment on column quality.asset_without_folder.asset_folder is 'See public.media_assets.';

create view quality.folder_without_parent with (security_invoker = true) as
select f.path, f.parent_path
from public.media_folders as f
where f.parent_path is not null and not exists (select from public.media_folders as p where p.path = f.parent_path);
comment on view quality.folder_without_parent is 'Folders whose parent the folder tree lacks.';
comment on column quality.folder_without_parent.path is 'See public.media_folders.';
comment on column quality.folder_without_parent.parent_path is 'See public.media_folders.';

create view quality.slice_age with (security_invoker = true) as
select
  w.resource_type || '/' || w.delivery_type as slice,
  extract(epoch from now() - max(w.finished_at))::double precision / 3600 as age_hours
from landing.listing_run as w
where w.state in ('complete', 'held', 'closed')
group by w.resource_type, w.delivery_type;
comment on view quality.slice_age is 'Age of the last whole listing of each slice.';
comment on column quality.slice_age.slice is 'resource_type/delivery_type.';
comment on column quality.slice_age.age_hours is 'Hours since its last whole listing ended.';

create view quality.waiting_read with (security_invoker = true) as
select q.asset_id, q.reason, q.attempt_count, extract(epoch from now() - q.hinted_at)::double precision / 3600 as age_hours
from mirror.verify_queue as q;
comment on view quality.waiting_read is 'Assets that wait to be read again by their id.';
comment on column quality.waiting_read.asset_id is 'See public.media_assets.';
comment on column quality.waiting_read.reason is 'See mirror.verify_queue.';
comment on column quality.waiting_read.attempt_count is 'See mirror.verify_queue.';
comment on column quality.waiting_read.age_hours is 'Hours since it was first asked for.';

create view quality.lost_touch with (security_invoker = true) as
select t.id, t.touched_at
from ops.canary_touch as t
where
  t.is_sent and t.applied_at is null
  and t.touched_at between now() - interval '1 day' and now() - interval '2 hours';
comment on view quality.lost_touch is 'Changes of the canary within the last day that did not come back within two hours.';
comment on column quality.lost_touch.id is 'See ops.canary_touch.';
comment on column quality.lost_touch.touched_at is 'See ops.canary_touch.';

create view quality.unresolved_record with (security_invoker = true) as
select q.id, q.asset_id, q.reason, q.detail, q.last_seen_at
from mirror.quarantine as q
where q.resolved_at is null;
comment on view quality.unresolved_record is 'Records that could not be understood and that nothing has replaced.';
comment on column quality.unresolved_record.id is 'See mirror.quarantine.';
comment on column quality.unresolved_record.asset_id is 'See mirror.quarantine.';
comment on column quality.unresolved_record.reason is 'See mirror.quarantine.';
comment on column quality.unresolved_record.detail is 'See mirror.quarantine.';
comment on column quality.unresolved_record.last_seen_at is 'See mirror.quarantine.';

-- What Cloudinary sends now shows in what was read last; a library of a million documents is not taken apart each night.
create view quality.document_member with (security_invoker = true) as
select r.asset_id, e.key as name, jsonb_typeof(e.value) as json_type
from (
  select o.asset_id
  from mirror.remote_asset as o
  order by o.observed_at desc, o.asset_id
  limit 20000
) as n
inner join mirror.asset_sighting as s on n.asset_id = s.asset_id and s.state = 'live'
inner join mirror.remote_asset as r on n.asset_id = r.asset_id
cross join lateral jsonb_each(r.document) as e;
comment on view quality.document_member is 'Members of the 20,000 asset documents that were read last.';
comment on column quality.document_member.asset_id is 'See public.media_assets.';
comment on column quality.document_member.name is 'Name of the member.';
comment on column quality.document_member.json_type is 'Type of its value.';

create view quality.unknown_api_field with (security_invoker = true) as
select d.name, d.json_type, count(*) as asset_count, min(d.asset_id) as example_asset_id
from quality.document_member as d
where not exists (select from quality.api_field as f where f.name = d.name)
group by d.name, d.json_type;
comment on view quality.unknown_api_field is 'Members of documents that are not known.';
comment on column quality.unknown_api_field.name is 'Name of the member.';
comment on column quality.unknown_api_field.json_type is 'Type of its value.';
comment on column quality.unknown_api_field.asset_count is 'Documents that have it.';
comment on column quality.unknown_api_field.example_asset_id is 'One of them.';

create view quality.mistyped_api_field with (security_invoker = true) as
select d.name, d.json_type, f.json_types, count(*) as asset_count, min(d.asset_id) as example_asset_id
from quality.document_member as d
inner join quality.api_field as f on d.name = f.name
where d.json_type <> all(f.json_types || 'null'::text)
group by d.name, d.json_type, f.json_types;
comment on view quality.mistyped_api_field is 'Members of documents whose value is of another type than known.';
comment on column quality.mistyped_api_field.name is 'Name of the member.';
comment on column quality.mistyped_api_field.json_type is 'Type of its value.';
comment on column quality.mistyped_api_field.json_types is 'Types that are known.';
comment on column quality.mistyped_api_field.asset_count is 'Documents with that type.';
comment on column quality.mistyped_api_field.example_asset_id is 'One of them.';

create view quality.vanished_api_field with (security_invoker = true) as
select f.name, d.asset_count - coalesce(m.asset_count, 0) as asset_count
from quality.api_field as f
cross join (select count(distinct o.asset_id) as asset_count from quality.document_member as o) as d
left join (
  select o.name, count(*) as asset_count
  from quality.document_member as o
  group by o.name
) as m on f.name = m.name
where f.is_always and coalesce(m.asset_count, 0) < d.asset_count;
comment on view quality.vanished_api_field is 'Members that every document has had, and that some lack now.';
comment on column quality.vanished_api_field.name is 'Name of the member.';
comment on column quality.vanished_api_field.asset_count is 'Documents that lack it.';

create view quality.newest_slice_count with (security_invoker = true) as
select c.resource_type || '/' || c.delivery_type as slice, c.cloud_count, c.mirror_count
from quality.slice_count as c
where c.report_id = (select max(r.id) from quality.report as r);
comment on view quality.newest_slice_count is 'Counts of slices of the newest report.';
comment on column quality.newest_slice_count.slice is 'resource_type/delivery_type.';
comment on column quality.newest_slice_count.cloud_count is 'See quality.slice_count.';
comment on column quality.newest_slice_count.mirror_count is 'See quality.slice_count.';

create view quality.newest_sampled_asset with (security_invoker = true) as
select
  a.asset_id, a.public_id, a.is_shown, a.is_current,
  case when a.is_current then cardinality(a.differing_fields) end as differing_count, a.differing_fields, a.in_cloud, a.in_mirror
from quality.sampled_asset as a
where a.report_id = (select max(r.id) from quality.report as r);
comment on view quality.newest_sampled_asset is 'Assets that the newest report read again.';
comment on column quality.newest_sampled_asset.asset_id is 'See quality.sampled_asset.';
comment on column quality.newest_sampled_asset.public_id is 'See quality.sampled_asset.';
comment on column quality.newest_sampled_asset.is_shown is 'See quality.sampled_asset.';
comment on column quality.newest_sampled_asset.is_current is 'See quality.sampled_asset.';
comment on column quality.newest_sampled_asset.differing_count is 'How many fields differ; null where it changed since, for then some must.';
comment on column quality.newest_sampled_asset.differing_fields is 'See quality.sampled_asset.';
comment on column quality.newest_sampled_asset.in_cloud is 'See quality.sampled_asset.';
comment on column quality.newest_sampled_asset.in_mirror is 'See quality.sampled_asset.';

create view quality.newest_log_problem with (security_invoker = true) as
select p.kind, p.detail
from quality.log_problem as p
where p.report_id = (select max(r.id) from quality.report as r);
comment on view quality.newest_log_problem is 'What the newest report found wrong with the audit log.';
comment on column quality.newest_log_problem.kind is 'See quality.log_problem.';
comment on column quality.newest_log_problem.detail is 'See quality.log_problem.';

create view quality.unlogged_version with (security_invoker = true) as
select m.asset_id, m.public_id, m.row_version
from public.media_assets as m
where
  m.updated_at > now() - interval '31 days'
  and not exists (
    select from public.media_sync_log as l where l.asset_id = m.asset_id and l.row_version = m.row_version
  );
comment on view quality.unlogged_version is 'Rows that changed within the last 31 days and whose present version the log does not tell of.';
comment on column quality.unlogged_version.asset_id is 'See public.media_assets.';
comment on column quality.unlogged_version.public_id is 'See public.media_assets.';
comment on column quality.unlogged_version.row_version is 'See public.media_assets.';

create view quality.skipped_version with (security_invoker = true) as
select l.media_asset_id, min(l.row_version) as from_version, max(l.row_version) as to_version,
  max(l.row_version) - min(l.row_version) + 1 - count(distinct l.row_version) as skipped_count
from public.media_sync_log as l
where l.media_asset_id is not null
group by l.media_asset_id
having count(distinct l.row_version) < max(l.row_version) - min(l.row_version) + 1;
comment on view quality.skipped_version is 'Assets of which the log leaves out a version between the first and the last one it knows.';
comment on column quality.skipped_version.media_asset_id is 'Our key of the asset.';
comment on column quality.skipped_version.from_version is 'First version that the log knows.';
comment on column quality.skipped_version.to_version is 'Last version that the log knows.';
comment on column quality.skipped_version.skipped_count is 'Versions between them that it does not know.';

create view quality.unsealed_entry with (security_invoker = true) as
select l.xid::text as xid, l.id, l.action, extract(epoch from now() - l.recorded_at)::double precision / 3600 as age_hours
from public.media_sync_log as l
where
  (l.xid, l.id) > (
    coalesce((select s.through_xid from public.media_sync_log_seal as s order by s.id desc limit 1), '0'::xid8),
    coalesce((select s.through_id from public.media_sync_log_seal as s order by s.id desc limit 1), 0)
  );
comment on view quality.unsealed_entry is 'Entries of the log that no seal covers yet.';
comment on column quality.unsealed_entry.xid is 'See public.media_sync_log.';
comment on column quality.unsealed_entry.id is 'See public.media_sync_log.';
comment on column quality.unsealed_entry.action is 'See public.media_sync_log.';
comment on column quality.unsealed_entry.age_hours is 'Hours since it was written.';

create view quality.open_operation with (security_invoker = true) as
select
  o.id, o.kind, o.asset_id, o.state, o.attempt_count, o.outcome,
  extract(epoch from now() - o.edited_at)::double precision / 3600 as age_hours,
  greatest(extract(epoch from now() - o.leased_until)::double precision / 3600, 0) as overdue_hours,
  case when o.state = 'sent' then (
    select extract(epoch from now() - max(a.finished_at))::double precision / 3600
    from outbox.attempt as a where a.operation_id = o.id
  ) end as unconfirmed_hours,
  exists (
    select from outbox.push_plan_item as i
    inner join outbox.push_plan as p on i.push_plan_id = p.id
    where i.operation_id = o.id and p.state = 'held'
  ) as is_held
from outbox.operation as o
where o.state in ('pending', 'leased', 'unknown', 'sent');
comment on view quality.open_operation is 'Edits on their way to Cloudinary.';
comment on column quality.open_operation.id is 'See outbox.operation.';
comment on column quality.open_operation.kind is 'See outbox.operation.';
comment on column quality.open_operation.asset_id is 'See outbox.operation.';
comment on column quality.open_operation.state is 'See outbox.operation.';
comment on column quality.open_operation.attempt_count is 'See outbox.operation.';
comment on column quality.open_operation.outcome is 'See outbox.operation.';
comment on column quality.open_operation.age_hours is 'Hours since the last edit.';
comment on column quality.open_operation.overdue_hours is 'Hours since its claim ended; null without a claim.';
comment on column quality.open_operation.unconfirmed_hours is 'Hours since Cloudinary accepted it; null before.';
comment on column quality.open_operation.is_held is 'Whether it waits for a person.';

create view quality.unheld_operation with (security_invoker = true) as
select o.id, o.kind, o.asset_id, o.state, o.attempt_count, o.age_hours, o.outcome
from quality.open_operation as o
where not o.is_held;
comment on view quality.unheld_operation is 'Edits on their way to Cloudinary that wait for no person.';
comment on column quality.unheld_operation.id is 'See outbox.operation.';
comment on column quality.unheld_operation.kind is 'See outbox.operation.';
comment on column quality.unheld_operation.asset_id is 'See outbox.operation.';
comment on column quality.unheld_operation.state is 'See outbox.operation.';
comment on column quality.unheld_operation.attempt_count is 'See outbox.operation.';
comment on column quality.unheld_operation.age_hours is 'Hours since the last edit.';
comment on column quality.unheld_operation.outcome is 'See outbox.operation.';

alter table quality.report enable row level security;
alter table quality.result enable row level security;
alter table quality.slice_count enable row level security;
alter table quality.sampled_asset enable row level security;
alter table quality.log_problem enable row level security;
alter table quality.api_field enable row level security;
create policy report_engine on quality.report to media_sync using (true) with check (true);
create policy result_engine on quality.result to media_sync using (true) with check (true);
create policy slice_count_engine on quality.slice_count to media_sync using (true) with check (true);
create policy sampled_asset_engine on quality.sampled_asset to media_sync using (true) with check (true);
create policy log_problem_engine on quality.log_problem to media_sync using (true) with check (true);
create policy api_field_engine on quality.api_field for select to media_sync using (true);
grant select, insert, update on quality.report to media_sync;
grant select, insert on quality.result, quality.slice_count, quality.sampled_asset, quality.log_problem to media_sync;
grant select on quality.api_field to media_sync;
grant select on
quality.live_asset, quality.live_picture, quality.undefined_metadata_key, quality.disallowed_metadata_value,
quality.row_without_observation, quality.observation_without_sighting, quality.unapplied_asset, quality.altered_row,
quality.asset_without_folder,
quality.folder_without_parent, quality.slice_age, quality.waiting_read, quality.lost_touch, quality.unresolved_record,
quality.document_member, quality.unknown_api_field, quality.mistyped_api_field, quality.vanished_api_field,
quality.newest_slice_count, quality.newest_sampled_asset, quality.newest_log_problem, quality.unlogged_version,
quality.skipped_version, quality.unsealed_entry, quality.open_operation, quality.unheld_operation
to media_sync;
