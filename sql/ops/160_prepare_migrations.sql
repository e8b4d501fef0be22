-- ops/160_prepare_migrations.sql
-- Purpose: the tables in which the migrations themselves are recorded.
-- Input:   none            Output: none
-- Writes:  creates schema ops, ops.migration and ops.alembic_version where they are missing
-- Locks:   none where they exist
do $$
begin
  create schema if not exists ops;

  if to_regclass('ops.alembic_version') is null then
    create table ops.alembic_version (
      version_num varchar(32) not null,
      constraint alembic_version_pkc primary key (version_num)
    );
    alter table ops.alembic_version enable row level security;
    comment on table ops.alembic_version is 'Alembic''s own note of the last migration.';
    comment on column ops.alembic_version.version_num is 'Number of the last migration.';
  end if;

  if to_regclass('ops.migration') is null then
    create table ops.migration (
      file text not null,
      sha256 text not null,
      applied_at timestamptz not null default clock_timestamp(),
      constraint migration_pkey primary key (file),
      constraint migration_file_numbered check (file ~ '^[0-9]{4}_[a-z0-9_]+\.sql$'),
      constraint migration_sha256_is_hex check (sha256 ~ '^[0-9a-f]{64}$')
    );
    alter table ops.migration enable row level security;
    -- Who is granted to read it reads all of it; no rows must mean no migrations.
    create policy migration_readable on ops.migration for select using (true);
    comment on table ops.migration is 'The migrations this database has seen; a file that changed afterwards is found by its digest.';
    comment on column ops.migration.file is 'Name of the file in sql/migrations.';
    comment on column ops.migration.sha256 is 'SHA-256 of the file when it was applied.';
    comment on column ops.migration.applied_at is 'When it was applied.';
  end if;
end
$$;
