"""Migrations: on empty and filled databases, by Alembic and by script, and what is refused."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, text

from media_pipeline.db import migrate, statements
from media_pipeline.db.engine import create_engine, transaction
from media_pipeline.db.migrate import Migration
from media_pipeline.errors import ConfigurationError, DatabaseError, MigrationDrift, MigrationNeeded
from media_pipeline_tests.database import Postgres

_REAL = migrate.migrations()
_FILES = tuple(migration.file for migration in _REAL)

Pretend = Callable[..., tuple[Migration, ...]]


@pytest.fixture
def empty(empty_database_url: str) -> Iterator[Engine]:
    """A pool on a database without any migration."""
    made = create_engine(empty_database_url, pool_size=4)
    yield made
    made.dispose()


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Pretend:
    """Makes the program have other migrations than it has."""

    def to_have(*known: Migration) -> tuple[Migration, ...]:
        monkeypatch.setattr(migrate, "migrations", lambda: known)
        return known

    return to_have


def _next(sql: str, after: int = len(_REAL)) -> Migration:
    number = f"{after + 1:04}"
    return Migration(number, f"{number}_of_a_test.sql", sql, f"{after + 1:064x}")


def _count(engine: Engine, table: str) -> int:
    with transaction(engine, role=None) as connection:
        return int(connection.execute(text(f"select count(*) from {table}")).scalar_one())


def test_an_empty_database_gets_every_file_in_order(empty: Engine) -> None:
    told: list[str] = []
    before = migrate.status(empty)
    after = migrate.upgrade(empty, told.append)

    assert (before.applied, before.pending, before.drifted) == ((), _FILES, ())
    assert (after.applied, after.pending, after.drifted) == (_FILES, (), ())
    assert tuple(told) == _FILES
    migrate.require_current(empty)


def test_a_second_upgrade_does_nothing(engine: Engine) -> None:
    told: list[str] = []
    with transaction(engine, role=None) as connection:
        before = connection.execute(text("select file, applied_at from ops.migration order by file")).all()
    migrate.upgrade(engine, told.append)
    with transaction(engine, role=None) as connection:
        after = connection.execute(text("select file, applied_at from ops.migration order by file")).all()

    assert told == []
    assert before == after


@pytest.mark.parametrize("count", range(1, len(_REAL)))
def test_rows_of_an_older_database_survive_the_upgrade(empty: Engine, pretend: Pretend, count: int) -> None:
    pretend(*_REAL[:count])
    migrate.upgrade(empty)
    rows = _fill(empty)
    pretend(*_REAL)
    migrate.upgrade(empty)

    assert {table: _count(empty, table) for table in rows} == rows
    migrate.require_current(empty)


def test_the_script_for_an_editor_makes_the_same_database(
    empty: Engine, engine: Engine, empty_database_url: str
) -> None:
    _run_script(empty_database_url, migrate.offline_script())

    migrate.require_current(empty)
    assert _definitions(empty) == _definitions(engine)
    assert migrate.upgrade(empty, pytest.fail).applied == _FILES


def test_the_script_may_be_run_again(empty: Engine, empty_database_url: str) -> None:
    _run_script(empty_database_url, migrate.offline_script())
    rows = _fill(empty)
    _run_script(empty_database_url, migrate.offline_script())

    assert {table: _count(empty, table) for table in rows} == rows
    migrate.require_current(empty)


def test_the_script_goes_on_where_the_program_stopped(
    empty: Engine, empty_database_url: str, engine: Engine, pretend: Pretend
) -> None:
    pretend(*_REAL[:2])
    migrate.upgrade(empty)
    pretend(*_REAL)
    _run_script(empty_database_url, migrate.offline_script())

    migrate.require_current(empty)
    assert _definitions(empty) == _definitions(engine)


def test_the_schema_file_makes_the_same_database(empty: Engine, engine: Engine, empty_database_url: str) -> None:
    _run_script(empty_database_url, (statements.directory() / "schema.sql").read_text(encoding="utf-8"))

    assert _definitions(empty) == _definitions(engine)


def test_the_schema_file_is_the_one_the_migrations_make(engine: Engine) -> None:
    with transaction(engine, role=None) as connection:
        if connection.execute(text("select current_setting('server_version_num')::int")).scalar_one() < 180000:
            pytest.skip("it is generated with the embedded server, and other versions print some things otherwise")
    kept = (statements.directory() / "schema.sql").read_text(encoding="utf-8")

    assert migrate.schema_file(migrate.dump_schema(engine)) == kept


def test_a_dump_says_nothing_of_versions_and_owners(engine: Engine) -> None:
    dump = migrate.dump_schema(engine)

    assert "CREATE TABLE public.media_assets" in dump
    assert "COMMENT ON TABLE public.media_assets" in dump
    assert not [line for line in dump.splitlines() if line.startswith(("--", "\\", "SET lock")) or "OWNER TO" in line]


def test_an_empty_database_is_not_current(empty: Engine) -> None:
    with pytest.raises(MigrationNeeded, match=_FILES[0]) as refused:
        migrate.require_current(empty)
    assert "media-pipeline migrate" in refused.value.hint


def test_a_pending_migration_is_named(engine: Engine, pretend: Pretend) -> None:
    more = _next("select 1")
    pretend(*_REAL, more)

    with pytest.raises(MigrationNeeded, match=rf"\(1\), from {more.file}"):
        migrate.require_current(engine)


@pytest.mark.parametrize("step", [migrate.require_current, migrate.upgrade])
def test_a_file_that_changed_after_it_was_applied_is_drift(
    engine: Engine, pretend: Pretend, step: Callable[[Engine], object]
) -> None:
    changed = dataclasses.replace(_REAL[1], sha256="f" * 64)
    more = _next("create table public.never_made ()")
    pretend(_REAL[0], changed, *_REAL[2:], more)

    with pytest.raises(MigrationDrift, match=changed.file):
        step(engine)
    assert migrate.status(engine).drifted == (changed.file,)
    assert migrate.status(engine).pending == (more.file,)


@pytest.mark.parametrize("step", [migrate.require_current, migrate.upgrade])
def test_a_database_that_is_newer_than_the_program_is_drift(
    engine: Engine, pretend: Pretend, step: Callable[[Engine], object]
) -> None:
    pretend(*_REAL[:-1])

    with pytest.raises(MigrationDrift, match=f"newer than this program: it has seen {_FILES[-1]}"):
        step(engine)


def test_a_migration_that_comes_too_late_is_drift(engine: Engine, pretend: Pretend) -> None:
    with transaction(engine, role=None) as connection:
        connection.execute(text("delete from ops.migration where file = :file"), {"file": _FILES[0]})

    with pytest.raises(MigrationDrift, match=_FILES[0]):
        migrate.upgrade(engine)


def test_a_migration_that_fails_leaves_nothing_of_itself(engine: Engine, pretend: Pretend) -> None:
    good = _next("create table public.made (id integer)")
    bad = _next("create table public.half_made (); select 1 / 0;", after=len(_REAL) + 1)
    pretend(*_REAL, good, bad)

    with pytest.raises(DatabaseError, match=f"{bad.file} failed: division by zero"):
        migrate.upgrade(engine)
    found = migrate.status(engine)
    assert (found.applied, found.pending) == ((*_FILES, good.file), (bad.file,))
    with transaction(engine, role=None) as connection:
        made = connection.execute(text("select to_regclass('public.made'), to_regclass('public.half_made')")).one()
    assert tuple(made) == ("made", None)

    mended = dataclasses.replace(bad, sql="create table public.half_made ()")
    pretend(*_REAL, good, mended)
    assert migrate.upgrade(engine).pending == ()


def test_a_migration_waits_only_shortly_for_a_table(
    engine: Engine, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "_LOCK_TIMEOUT", "50ms")
    pretend(*_REAL, _next("alter table ops.setting add column note text"))
    with transaction(engine) as reader:
        reader.execute(text("select count(*) from ops.setting"))
        with pytest.raises(DatabaseError, match="lock timeout") as refused:
            migrate.upgrade(engine)

    assert "Another transaction" in refused.value.hint
    assert migrate.upgrade(engine).pending == ()


def test_what_looks_like_a_parameter_in_a_migration_is_none(engine: Engine, pretend: Pretend) -> None:
    pretend(*_REAL, _next("create view public.odd as select ':file' as a, '100%' as b, '%(x)s' as c, 'a:b' as d"))
    migrate.upgrade(engine)
    with transaction(engine, role=None) as connection:
        assert tuple(connection.execute(text("select * from public.odd")).one()) == (
            ":file",
            "100%",
            "%(x)s",
            "a:b",
        )


def test_two_upgrades_at_once_apply_each_file_once(empty: Engine) -> None:
    told: list[str] = []
    threads = [threading.Thread(target=migrate.upgrade, args=(empty, told.append)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert tuple(told) == _FILES
    migrate.require_current(empty)


@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        (["0001_a.sql", "0003_b.sql"], "0003_b.sql"),
        (["0001_a.sql", "0001_b.sql"], "0001_b.sql"),
        (["0000_a.sql"], "0000_a.sql"),
        (["0001_a.sql", "0002_b.sql~"], "0002_b.sql~"),
        (["0001_A.sql"], "0001_A.sql"),
    ],
)
def test_files_out_of_number_are_refused(
    names: list[str], wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "migrations").mkdir()
    for name in names:
        (tmp_path / "migrations" / name).write_text("select 1")
    monkeypatch.setattr(statements, "directory", lambda: tmp_path)

    with pytest.raises(ConfigurationError, match=wrong):
        migrate.migrations()


def test_every_table_and_column_is_described(engine: Engine) -> None:
    undescribed = """
      select format('%s.%s', t.oid::regclass, a.attname)
      from pg_class t
      left join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped and not t.relispartition
      where t.relkind in ('r', 'p') and t.relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
        and (obj_description(t.oid) is null or (a.attnum is not null and col_description(t.oid, a.attnum) is null))
    """
    with transaction(engine, role=None) as connection:
        assert connection.execute(text(undescribed)).scalars().all() == []


def test_every_table_denies_what_no_policy_allows(engine: Engine) -> None:
    open_tables = """
      select oid::regclass::text from pg_class
      where relkind in ('r', 'p') and not relrowsecurity
        and relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
    """
    with transaction(engine, role=None) as connection:
        assert connection.execute(text(open_tables)).scalars().all() == []


def test_roles_that_another_database_made_are_no_obstacle(postgres: Postgres) -> None:
    for _ in range(2):
        with postgres.database() as url:
            again = create_engine(url, pool_size=1)
            assert migrate.upgrade(again).pending == ()
            again.dispose()


def _definitions(engine: Engine) -> list[str]:
    """The lines of a dump, without the position in the log with which some builds of Postgres stamp each column."""
    return [line for line in migrate.dump_schema(engine).splitlines() if line and " SET (pg_attver=" not in line]


def _run_script(url: str, script: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(script.encode())


def _fill(engine: Engine) -> dict[str, int]:
    """Put rows into every table below that exists already; returns how many each one has."""
    asset_id = "0123456789abcdef0123456789abcdef"
    inserts = {
        "ops.cloud_binding": "(cloud_name, is_emulator, folder_mode) values ('fake-cloud', true, 'dynamic')",
        "ops.run": "(kind, actor) values ('full_sync', 'cli:test')",
        "ops.setting": "(name, value, changed_by) values ('a', '1', 'cli:test')",
        "ops.fence": "(activity, fence, holder) values ('apply', 1, 'a test')",
        "public.media_folders": "(path, name) values ('a', 'a')",
        "public.media_assets": "(asset_id, resource_type, delivery_type, public_id, applied_fingerprint)"
        f" values ('{asset_id}', 'image', 'upload', 'a', sha256('a'))",
        "landing.listing_run": "(resource_type, delivery_type, scope) values ('image', 'upload', 'all')",
        "mirror.verify_queue": f"(asset_id, reason, hint_touch) values ('{asset_id}', 'manual', 1)",
    }
    rows = {}
    for table, values in inserts.items():
        with transaction(engine, role=None) as connection:
            exists = connection.execute(text("select to_regclass(:table)"), {"table": table}).scalar_one() is not None
        if exists:
            with transaction(engine) as connection:
                connection.execute(text(f"insert into {table} {values}"))
            rows[table] = 1
    return rows
