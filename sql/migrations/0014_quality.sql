-- Results of expectation suites, and the runs that look after the database.

create schema quality;
comment on schema quality is 'What the suites of expectations found, report by report.';
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
