"""Addresses, session defaults, transactions and what broken connections turn into."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import psycopg
import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from media_pipeline.db import statements
from media_pipeline.db.engine import (
    DAGSTER_DRIVER,
    create_engine,
    normalize_url,
    own_connection,
    place_of,
    read_only,
    retrying,
    sqlstate,
    transaction,
)
from media_pipeline.errors import ConfigurationError, DatabaseError, DatabaseUnreachable, MigrationNeeded
from media_pipeline_tests.database import Postgres

_FAKE_PASSWORD = "not-a-real-password"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgres://u@h/db", "postgresql+psycopg://u@h/db"),
        ("postgresql://u@h:5433/db", "postgresql+psycopg://u@h:5433/db"),
        ("postgresql+psycopg://u@h/db", "postgresql+psycopg://u@h/db"),
        ("postgresql+psycopg2://u@h/db", "postgresql+psycopg://u@h/db"),
        ("postgresql://u:p%40ss@h/db?sslmode=require", "postgresql+psycopg://u:p%40ss@h/db?sslmode=require"),
        ("postgresql://u@/db?host=/run/pg", "postgresql+psycopg://u@/db?host=%2Frun%2Fpg"),
        ("postgresql://u@%2Frun%2Fpg/db", "postgresql+psycopg://u@/db?host=%2Frun%2Fpg"),
    ],
)
def test_an_address_gets_an_explicit_driver(given: str, expected: str) -> None:
    assert expected == normalize_url(given)


def test_dagster_gets_the_driver_it_needs() -> None:
    assert normalize_url("postgres://u@h/db", DAGSTER_DRIVER) == "postgresql+psycopg2://u@h/db"


@pytest.mark.parametrize(
    "address",
    [
        f"mysql://u:{_FAKE_PASSWORD}@h/db",
        f"postgresql+asyncpg://u:{_FAKE_PASSWORD}@h/db",
        f"u:{_FAKE_PASSWORD}@h/db",
        f"postgresql://u:{_FAKE_PASSWORD}@h:port/db",
        "",
    ],
)
def test_another_address_is_refused_without_repeating_its_password(address: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        normalize_url(address)

    assert _FAKE_PASSWORD not in f"{refused.value} {refused.value.hint}"
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    ("address", "place"),
    [
        (f"postgresql://u:{_FAKE_PASSWORD}@db.example:5433/media", "db.example:5433/media"),
        ("postgresql://u@/media?host=/run/pg", "/run/pg/media"),
        ("postgresql:///media", "localhost/media"),
    ],
)
def test_the_place_of_a_database_holds_no_secret(address: str, place: str) -> None:
    assert place == place_of(address)


def test_sessions_have_the_same_defaults_on_every_server(engine: Engine) -> None:
    with read_only(engine) as connection:
        found = connection.execute(
            text(
                "select current_setting('TimeZone'), current_setting('lock_timeout'),"
                " current_setting('idle_in_transaction_session_timeout'), current_setting('application_name')"
            )
        ).one()

    assert tuple(found) == ("UTC", "30s", "5min", "media-pipeline tests")


def test_a_transaction_writes_as_the_engine_role_and_commits(engine: Engine) -> None:
    with transaction(engine) as connection:
        assert connection.execute(text("select current_user")).scalar_one() == "media_sync"
        _set(connection, "kept")
    with transaction(engine, role=None) as connection:
        assert connection.execute(text("select current_user")).scalar_one() != "media_sync"

    assert _names(engine) == ["kept"]


def test_the_role_ends_with_its_transaction(database_url: str) -> None:
    single = create_engine(database_url, pool_size=1)
    with transaction(single):
        pass
    with read_only(single) as connection:
        assert connection.execute(text("select current_user = session_user")).scalar_one()
    single.dispose()


def test_an_exception_undoes_the_transaction(engine: Engine) -> None:
    def work(connection: Connection) -> None:
        _set(connection, "lost")
        raise LookupError

    with pytest.raises(LookupError), transaction(engine) as connection:
        work(connection)

    assert _names(engine) == []


def test_a_read_only_transaction_refuses_to_write(engine: Engine) -> None:
    with pytest.raises(DBAPIError) as refused, read_only(engine, role="media_sync") as connection:
        _set(connection, "lost")

    assert sqlstate(refused.value) == "25006"
    with transaction(engine) as connection:
        _set(connection, "kept")
    assert _names(engine) == ["kept"]


def test_a_missing_role_asks_for_a_migration(engine: Engine) -> None:
    with pytest.raises(MigrationNeeded), transaction(engine, role="nobody_made_this_role"):
        pass


def test_a_closed_port_is_unreachable_and_the_password_stays_secret() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    unreachable = create_engine(f"postgresql://u:{_FAKE_PASSWORD}@127.0.0.1:{port}/media")

    with pytest.raises(DatabaseUnreachable) as refused, transaction(unreachable):
        pass

    assert f"127.0.0.1:{port}/media" in str(refused.value)
    assert _FAKE_PASSWORD not in f"{refused.value} {refused.value.hint}"


def test_an_unknown_database_is_unreachable(postgres: Postgres) -> None:
    address = make_url(postgres.url).set(database="nobody_made_this_database").render_as_string(hide_password=False)
    with (
        pytest.raises(DatabaseUnreachable, match="nobody_made_this_database"),
        read_only(create_engine(address)),
    ):
        pass


def test_a_connection_that_breaks_in_the_middle_is_unreachable(engine: Engine) -> None:
    def work(connection: Connection) -> None:
        _set(connection, "lost")
        _terminate(engine, connection)
        _set(connection, "lost too")

    with pytest.raises(DatabaseUnreachable, match="broke"), transaction(engine) as connection:
        work(connection)

    assert _names(engine) == []


def test_a_connection_that_breaks_in_a_copy_is_unreachable(
    engine: Engine, statement_file: Callable[[str], str]
) -> None:
    copy = statement_file("copy pg_temp.thing (name) from stdin")

    def work(connection: Connection) -> None:
        connection.execute(text("create temporary table thing (name text)"))
        _terminate(engine, connection)
        statements.copy_in(connection, copy, [("a",)])

    with pytest.raises(DatabaseUnreachable, match="broke"), transaction(engine) as connection:
        work(connection)


def test_a_connection_that_broke_while_idle_is_replaced(engine: Engine, database_url: str) -> None:
    with transaction(engine) as connection:
        pid = connection.execute(text("select pg_backend_pid()")).scalar_one()
    with psycopg.connect(database_url) as other:
        other.execute("select pg_terminate_backend(%s, 5000)", (pid,))

    assert _names(engine) == []


def test_an_exhausted_pool_names_the_setting(database_url: str) -> None:
    small = create_engine(database_url, pool_size=1)
    small.pool._timeout = 0.01  # type: ignore[attr-defined]
    with transaction(small), pytest.raises(DatabaseError) as refused, transaction(small):
        pass
    small.dispose()

    assert "MEDIA_PIPELINE_DATABASE_POOL_SIZE" in refused.value.hint


def test_a_collision_is_tried_again_until_both_are_through(engine: Engine) -> None:
    with transaction(engine) as connection:
        _set(connection, "a")
        _set(connection, "b")
    both_hold_one = threading.Barrier(2)
    tries: dict[str, int] = {"a": 0, "b": 0}

    def lock_in_order(first: str, second: str) -> None:
        def work(connection: Connection) -> None:
            tries[first] += 1
            _change(connection, first)
            if tries[first] == 1:
                both_hold_one.wait(30)
            _change(connection, second)

        retrying(engine, work)

    threads = [threading.Thread(target=lock_in_order, args=order) for order in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sum(tries.values()) >= 3
    with transaction(engine) as connection:
        values = connection.execute(text("select value from ops.setting")).scalars().all()
    assert values == [2, 2]


def test_a_collision_is_given_up_after_five_more_tries(engine: Engine) -> None:
    tries = []

    def work(connection: Connection) -> None:
        tries.append(connection)
        connection.execute(text("do $$ begin raise exception 'collided' using errcode = '40001'; end $$"))

    with pytest.raises(DBAPIError) as failed:
        retrying(engine, work)

    assert sqlstate(failed.value) == "40001"
    assert len(tries) == 6


def test_another_failure_is_not_tried_again(engine: Engine) -> None:
    tries = []

    def work(connection: Connection) -> None:
        tries.append(connection)
        connection.execute(text("select 1 / 0"))

    with pytest.raises(DBAPIError):
        retrying(engine, work)

    assert len(tries) == 1


def test_an_own_connection_comes_beside_the_pool_and_ends_with_its_block(database_url: str) -> None:
    small = create_engine(database_url, pool_size=1)
    with transaction(small), own_connection(small, "beside the pool") as own:
        pid = own.execute(text("select pg_backend_pid()")).scalar_one()
    with psycopg.connect(database_url, autocommit=True) as other:
        for _ in range(1000):
            if other.execute("select from pg_stat_activity where pid = %s", (pid,)).rowcount == 0:
                break
            other.execute("select pg_sleep(0.01)")
        else:
            pytest.fail("the connection outlived its block")
    small.dispose()


@pytest.mark.parametrize("version", [140012, 90624])
def test_an_old_server_is_refused(engine: Engine, version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psycopg.ConnectionInfo, "server_version", version)

    with (
        pytest.raises(ConfigurationError, match=f"Postgres {version // 10000}; 15 or later"),
        transaction(engine),
    ):
        pass


def test_a_database_that_is_not_utf8_is_refused(postgres: Postgres) -> None:
    with (
        postgres.database(template="template0", options="encoding 'LATIN1' locale 'C'") as url,
        pytest.raises(ConfigurationError, match="encoded in LATIN1"),
        transaction(create_engine(url)),
    ):
        pass


def _set(connection: Connection, name: str) -> None:
    connection.execute(
        text("insert into ops.setting (name, value, changed_by) values (:name, '0', 'test')"), {"name": name}
    )


def _change(connection: Connection, name: str) -> None:
    connection.execute(
        text("update ops.setting set value = to_jsonb((value #>> '{}')::int + 1) where name = :name"),
        {"name": name},
    )


def _names(engine: Engine) -> list[str]:
    with transaction(engine) as connection:
        return list(connection.execute(text("select name from ops.setting order by name")).scalars())


def _terminate(engine: Engine, victim: Connection) -> None:
    pid = victim.execute(text("select pg_backend_pid()")).scalar_one()
    with transaction(engine, role=None) as other:
        other.execute(text("select pg_terminate_backend(:pid, 5000)"), {"pid": pid})
