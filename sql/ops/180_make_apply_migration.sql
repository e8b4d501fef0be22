-- ops/180_make_apply_migration.sql
-- Purpose: for the script that is pasted into an SQL editor: apply a migration unless it was applied before.
-- Input:   none            Output: none
-- Writes:  a function of this session, pg_temp.apply_migration, which writes ops.migration and ops.alembic_version
create or replace function pg_temp.apply_migration(name text, digest text, script text) returns text
language plpgsql
as $$
begin
  if exists (select from ops.migration where file = name) then
    return name || ': applied before';
  end if;
  perform set_config('lock_timeout', '4s', true);
  execute script;
  insert into ops.migration (file, sha256) values (name, digest);
  delete from ops.alembic_version;
  insert into ops.alembic_version (version_num) values (left(name, 4));
  return name || ': applied';
end
$$;
