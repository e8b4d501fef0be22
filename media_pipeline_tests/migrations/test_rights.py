"""Who may do what: the public nothing, a stranger nothing, the engine what it needs, and nobody rewrites the log."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine

from media_pipeline.db import statements
from media_pipeline.db.engine import transaction
from media_pipeline_tests.database import wait_for_older_transactions
from media_pipeline_tests.migrations.catalogue import INSUFFICIENT_PRIVILEGE, NAME, OURS, RELATIONS, refused, rows

ASSET = (
    "insert into media_assets (asset_id, resource_type, delivery_type, public_id, applied_fingerprint)"
    " values (repeat('a', 32), 'image', 'upload', 'a', sha256('a'))"
)

OLD_ENTRY = (
    "insert into media_sync_log (recorded_at, action, cause, actor, digest)"
    " values ('2001-01-01', 'cloud_bound', 'test', 'cli:test', sha256(''))"
)


@pytest.fixture
def logged(engine: Engine) -> Engine:
    """A database whose log has partitions, two entries in that of this month, one in that for others, and a seal."""
    with transaction(engine) as connection:
        statements.run(connection, "audit/010_ensure_partitions")
        for _ in range(2):
            statements.run(
                connection,
                "audit/020_append_entries",
                action="cloud_bound",
                cause="test",
                actor="cli:test",
                run_id=None,
                afters=["{}"],
            )
    with transaction(engine, role=None) as connection:
        connection.exec_driver_sql(OLD_ENTRY)
    wait_for_older_transactions(engine)
    with transaction(engine) as connection:
        assert statements.run(connection, "audit/030_seal").one().entry_count == 3
    return engine


@contextmanager
def as_stranger(engine: Engine) -> Iterator[Connection]:
    """A transaction of a role that was granted nothing; the role is gone with the transaction."""
    with engine.connect() as connection:
        stranger = f"stranger_{secrets.token_hex(6)}"
        connection.exec_driver_sql(f"create role {stranger} nologin")
        connection.exec_driver_sql(f"set local role {stranger}")
        yield connection
        connection.rollback()


def test_every_table_denies_what_no_policy_allows(logged: Engine) -> None:
    """Partitions, too: whoever names one directly goes past the policies of the table above it."""
    tables = rows(logged, f"select {NAME}, c.relrowsecurity from {RELATIONS} where {OURS} and c.relkind in ('r', 'p')")

    assert sum(name.startswith("audit.media_sync_log_") for name, _ in tables) >= 4
    assert [name for name, is_secured in tables if not is_secured] == []


def test_policies_are_for_roles_that_are_named(logged: Engine) -> None:
    for_everybody = "select polrelid::regclass::text from pg_policy where polroles = '{0}'"

    # Made before any role is; to read the list of migrations still takes a grant.
    assert rows(logged, for_everybody) == ["ops.migration"]


def test_public_may_do_nothing(logged: Engine) -> None:
    granted = f"""
      select 'schema', n.nspname, g.privilege_type from pg_namespace n,
        lateral aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) g
      where {OURS} and g.grantee = 0
      union all
      select 'relation', {NAME}, g.privilege_type
      from {RELATIONS},
        lateral aclexplode(coalesce(c.relacl,
          acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner))) g
      where {OURS} and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and g.grantee = 0
      union all
      select 'column', {NAME} || '.' || a.attname, g.privilege_type
      from {RELATIONS} join pg_attribute a on a.attrelid = c.oid, lateral aclexplode(a.attacl) g
      where {OURS} and g.grantee = 0
      union all
      select 'function', p.oid::regprocedure::text, g.privilege_type
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace,
        lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g
      where {OURS} and g.grantee = 0
      union all
      select 'default', coalesce(n.nspname, '(all)'), g.privilege_type
      from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace, lateral aclexplode(d.defaclacl) g
      where g.grantee = 0
    """

    assert rows(logged, granted) == []


def test_a_stranger_can_read_nothing(logged: Engine) -> None:
    relations = rows(logged, f"select {NAME} from {RELATIONS} where {OURS} and c.relkind in ('r', 'p', 'v', 'm', 'S')")
    with as_stranger(logged) as connection:
        read = [one for one in relations if refused(f"select from {one}", connection) != INSUFFICIENT_PRIVILEGE]

    assert len(relations) > 25
    assert read == []


def test_a_stranger_who_may_look_into_the_schemas_still_reads_and_writes_nothing(logged: Engine) -> None:
    """The rights of the tables themselves hold, not only the closed door of their schema."""
    tables = rows(logged, f"select {NAME} from {RELATIONS} where {OURS} and c.relkind in ('r', 'p')")
    with logged.connect() as connection:
        stranger = f"stranger_{secrets.token_hex(6)}"
        connection.exec_driver_sql(f"create role {stranger} nologin")
        connection.exec_driver_sql(f"grant usage on schema public, ops, audit, landing, mirror, diff to {stranger}")
        connection.exec_driver_sql(f"set local role {stranger}")
        done = [
            text
            for table in tables
            for text in (f"select from {table}", f"delete from {table}", f"insert into {table} default values")
            if refused(text, connection) != INSUFFICIENT_PRIVILEGE
        ]
        called = refused("select public.get_media_statistics()", connection)
        connection.rollback()

    assert done == []
    assert called == INSUFFICIENT_PRIVILEGE


def test_a_stranger_can_execute_nothing(logged: Engine) -> None:
    functions = rows(
        logged, f"select p.oid::bigint from pg_proc p join pg_namespace n on n.oid = p.pronamespace where {OURS}"
    )
    with as_stranger(logged) as connection:
        executable = [
            oid
            for oid in functions
            if connection.exec_driver_sql(f"select has_function_privilege({oid}::oid, 'execute')").scalar_one()
        ]

    assert len(functions) > 5
    assert executable == []


def test_a_stranger_can_create_nothing(logged: Engine) -> None:
    schemas = rows(logged, f"select n.nspname from pg_namespace n where {OURS}")
    with as_stranger(logged) as connection:
        made = [
            text
            for name in schemas
            for text in (
                f"create table {name}.mine (id integer)",
                f"create function {name}.mine() returns integer language sql as 'select 1'",
                f"create type {name}.mine as enum ('a')",
            )
            if refused(text, connection) != INSUFFICIENT_PRIVILEGE
        ]

    assert {"public", "ops", "audit", "landing", "mirror", "diff"} <= set(schemas)
    assert made == []


def test_functions_look_names_up_where_we_say(engine: Engine) -> None:
    """The caller's search path would decide which table or operator is meant; pg_temp is first unless named last.

    A body that was bound to its names when it was made looks nothing up.
    """
    paths = rows(
        engine,
        f"""
        select p.oid::regprocedure::text, p.prosecdef, (
          select split_part(one, '=', 2) from unnest(p.proconfig) one where starts_with(one, 'search_path='))
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where {OURS} and p.prosqlbody is null
        """,
    )

    assert any(is_definer for _, is_definer, _ in paths)
    assert [(name, path) for name, _, path in paths if path != "pg_catalog, pg_temp"] == []


def test_the_engine_owns_nothing_and_goes_past_no_policy(logged: Engine) -> None:
    owned = f"select {NAME} from {RELATIONS} where {OURS} and pg_get_userbyid(c.relowner) = 'media_sync'"
    powers = "select rolcanlogin or rolsuper or rolbypassrls from pg_roles where rolname = 'media_sync'"

    assert rows(logged, owned) == []
    assert rows(logged, powers) == [False]


def test_nobody_but_the_engine_and_upkeep_was_granted_anything(engine: Engine) -> None:
    granted = f"""
      select distinct pg_get_userbyid(g.grantee)
      from {RELATIONS}, lateral aclexplode(c.relacl) g
      where {OURS} and g.grantee <> c.relowner
      order by 1
    """

    assert rows(engine, granted) == ["media_sync", "media_upkeep"]


def test_the_engine_may_delete_only_what_it_can_read_again(engine: Engine) -> None:
    deletable = f"""
      select {NAME} from {RELATIONS}
      where {OURS} and c.relkind in ('r', 'p') and has_table_privilege('media_sync', c.oid, 'delete, truncate')
      order by 1
    """

    assert rows(engine, deletable) == [
        "mirror.proved_page",
        "mirror.verify_queue",
        "public.media_folders",
        "public.media_metadata_fields",
    ]


def test_the_engine_cannot_delete_assets(engine: Engine) -> None:
    with transaction(engine) as connection:
        connection.exec_driver_sql(ASSET)
        for text in ("delete from media_assets", "truncate media_assets cascade"):
            assert refused(text, connection) == INSUFFICIENT_PRIVILEGE


def test_people_cannot_make_or_remove_assets_or_edit_what_cloudinary_says_not_even_the_owner(engine: Engine) -> None:
    with transaction(engine) as connection:
        connection.exec_driver_sql(ASSET)
    with transaction(engine, role=None) as connection:
        for text in (
            ASSET.replace("'a', 32", "'b', 32"),
            "update media_assets set version = 2",
            "update media_assets set asset_id = repeat('b', 32)",
            "update media_assets set applied_fingerprint = sha256('b')",
            "update media_assets set row_version = 9",
            "delete from media_assets",
            "truncate media_assets cascade",
        ):
            assert refused(text, connection) == INSUFFICIENT_PRIVILEGE, text


def test_an_edit_by_a_person_is_an_intent_in_the_outbox_with_an_entry_in_the_log(engine: Engine) -> None:
    with transaction(engine) as connection:
        connection.exec_driver_sql(ASSET)
        statements.run(connection, "audit/010_ensure_partitions")
    with transaction(engine, role=None) as connection:
        connection.exec_driver_sql("update media_assets set display_name = 'mine'")

    recorded = "select (kind, state, wanted ->> 'display_name')::text from outbox.operation"
    logged = "select (action, cause, after ->> 'display_name')::text from media_sync_log where asset_id is not null"
    assert rows(engine, recorded) == ["(update_display_name,pending,mine)"]
    assert rows(engine, logged) == ["(edited,edit,mine)"]


def test_the_engine_records_no_intent_by_what_it_writes(engine: Engine) -> None:
    with transaction(engine) as connection:
        connection.exec_driver_sql(ASSET)
        connection.exec_driver_sql("update media_assets set display_name = 'as the cloud has it'")
        forged = "insert into outbox.operation (kind, asset_id, media_asset_id, base, wanted, actor)" + (
            " select 'delete', asset_id, id, '{}', '{}', 'cli:test' from media_assets"
        )
        assert refused(forged, connection) == INSUFFICIENT_PRIVILEGE

    assert rows(engine, "select count(*) from outbox.operation") == [0]


LOG = "public.media_sync_log"
SEAL = "public.media_sync_log_seal"
CHANGES = {
    "update": "update {} set digest = sha256('another')",
    "delete": "delete from {}",
    "truncate": "truncate {}",
}


@pytest.mark.parametrize("how", CHANGES)
def test_the_engine_cannot_change_the_log(logged: Engine, how: str) -> None:
    with transaction(logged) as connection:
        for table in (LOG, "audit.media_sync_log_other", SEAL):
            assert refused(CHANGES[how].format(table), connection) == INSUFFICIENT_PRIVILEGE, table


@pytest.mark.parametrize(("column", "value"), [("recorded_at", "now()"), ("id", "1"), ("xid", "pg_current_xact_id()")])
def test_the_engine_cannot_choose_the_place_of_an_entry(logged: Engine, column: str, value: str) -> None:
    entry = (
        f"insert into {LOG} ({column}, action, cause, actor, digest) overriding system value"
        f" values ({value}, 'cloud_bound', 'test', 'cli:test', sha256(''))"
    )
    with transaction(logged) as connection:
        assert refused(entry, connection) == INSUFFICIENT_PRIVILEGE


@pytest.mark.parametrize("how", CHANGES)
def test_even_the_owner_cannot_change_the_log(logged: Engine, how: str) -> None:
    filled = rows(logged, f"select distinct tableoid::regclass::text from {LOG}")
    partitions = rows(logged, f"select inhrelid::regclass::text from pg_inherits where inhparent = '{LOG}'::regclass")
    assert len(filled) == 2
    assert len(partitions) >= 4
    # A trigger for each row speaks only where rows are; truncate is refused on empty partitions, too.
    tables = [LOG, SEAL, *(partitions if how == "truncate" else filled)]
    with transaction(logged, role=None) as connection:
        for table in tables:
            assert refused(CHANGES[how].format(table), connection) == INSUFFICIENT_PRIVILEGE, table

    assert rows(logged, f"select count(*), count(distinct digest) from {LOG}") == [(3, 2)]


def test_the_log_takes_no_change_by_another_road(logged: Engine) -> None:
    """An upsert or a merge is an update by another name."""
    upsert = f"""
      insert into {SEAL} (through_xid, through_id, entry_count, entries_digest, previous_digest, digest)
      select through_xid, through_id, 9, entries_digest, previous_digest, digest from {SEAL}
      on conflict (previous_digest) do update set entry_count = 9
    """
    merge = f"merge into {LOG} l using (select 1) as one on true when matched then update set actor = 'nobody'"
    with transaction(logged, role=None) as connection:
        assert refused(upsert, connection) == INSUFFICIENT_PRIVILEGE
        assert refused(merge, connection) == INSUFFICIENT_PRIVILEGE


def test_partitions_are_made_once_and_guarded_like_the_log(logged: Engine) -> None:
    later = datetime.now(UTC).date() + timedelta(days=200)
    with transaction(logged) as connection:
        again = statements.run(connection, "audit/010_ensure_partitions").scalar_one()
        ahead = connection.exec_driver_sql("select audit.ensure_partitions(%(day)s)", {"day": later}).scalar_one()
    unguarded = f"""
      select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = '{LOG}'::regclass and (
        select count(*) from pg_trigger t where t.tgrelid = c.oid and t.tgfoid = 'audit.refuse_change'::regproc) <> 2
    """

    assert again == 0
    assert ahead >= 3
    assert rows(logged, unguarded) == []


def test_the_engine_cannot_switch_the_guards_off(logged: Engine) -> None:
    with transaction(logged) as connection:
        for text in (
            f"alter table {LOG} disable trigger all",
            f"drop trigger media_sync_log_append_only on {LOG}",
            f"alter table {LOG} detach partition audit.media_sync_log_other",
            "drop table audit.media_sync_log_other",
            "set local session_replication_role = 'replica'",
            "alter function audit.refuse_change() rename to allow_change",
        ):
            assert refused(text, connection) == INSUFFICIENT_PRIVILEGE, text


def test_text_is_run_as_sql_only_where_partitions_of_the_log_are_made_and_removed(engine: Engine) -> None:
    """Whoever could have text run as SQL by a function with more rights than his own would have these rights.

    One of the two that do takes a day and nothing else, the other a month of a fixed form, digests and counts.
    """
    dynamic = rows(
        engine,
        rf"""
        select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where {OURS} and p.prosrc ~* '\mexecute\M'
        """,
    )

    assert sorted(dynamic) == [
        "audit.archive_month(text,integer,text,bytea,bigint,bigint)",
        "audit.ensure_partitions(date)",
    ]


def test_nothing_in_the_database_reaches_out_of_it(engine: Engine) -> None:
    """No trigger can call Cloudinary: there is no language and no extension that could."""
    languages = f"""
      select distinct l.lanname from pg_proc p
      join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
      where {OURS} order by 1
    """

    assert rows(engine, "select extname from pg_extension") == ["plpgsql"]
    assert rows(engine, languages) == ["plpgsql", "sql"]
