"""Databases for tests: a real Postgres, and in it a migrated database of its own for each test.

Belongs here: the fixtures ``postgres``, ``empty_database_url``, ``database_url``, ``engine`` and ``statement_file``;
waiting for what other tests do on the same server.
Not here: rows; each test makes those it needs.

Every test that asks for a database runs on the embedded server and, where MEDIA_PIPELINE_TEST_DATABASE_URL
names another server and a user who may create databases there, on that one too. Each worker of
pytest-xdist has an embedded server and a template of its own.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from media_pipeline.db import statements
from media_pipeline.db.embedded import EmbeddedServer
from media_pipeline.db.engine import create_engine
from media_pipeline.db.migrate import upgrade
from media_pipeline.errors import EmbeddedServerError

_HOME_PREFIX = "mp-test-"
_MEMORY = Path("/dev/shm")
_ENOUGH_BYTES = 4 * 2**30
_CONFIGURED = os.environ.get("MEDIA_PIPELINE_TEST_DATABASE_URL", "")


@dataclass(frozen=True, slots=True)
class Postgres:
    """A server in which tests may create databases."""

    url: str
    template: str
    options: LiteralString = ""
    """How a database is copied here."""

    @contextmanager
    def database(self, *, template: str = "template1", options: LiteralString = "") -> Iterator[str]:
        """Address of a new database, dropped at the end whoever is still connected."""
        name = f"mp_test_{secrets.token_hex(6)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("create database {} template {} {} {}").format(
                    sql.Identifier(name), sql.Identifier(template), sql.SQL(self.options), sql.SQL(options)
                )
            )
            try:
                yield make_url(self.url).set(database=name).render_as_string(hide_password=False)
            finally:
                connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def wait_for_older_transactions(engine: Engine) -> None:
    """Return when every transaction of the server that is older than this call has ended; at most a minute.

    The log is sealed only behind them, and on a server that tests share some of them are of other databases.
    """
    with engine.begin() as connection:
        now = connection.exec_driver_sql("select pg_current_xact_id()::text").scalar_one()
    for _ in range(600):
        with engine.connect() as connection:
            if connection.exec_driver_sql(
                f"select pg_snapshot_xmin(pg_current_snapshot()) > '{now}'::xid8"
            ).scalar_one():
                return
        time.sleep(0.1)
    raise TimeoutError("A transaction on the server of the tests has been open for a minute.")


def _stop_what_killed_test_runs_left() -> None:
    """A killed run leaves its server behind, and nobody would ever come back to stop it."""
    for home in (*Path(tempfile.gettempdir()).glob(f"{_HOME_PREFIX}*"), *_MEMORY.glob(f"{_HOME_PREFIX}*")):
        # What is younger may be about to start.
        with suppress(FileNotFoundError, PermissionError, EmbeddedServerError):
            if time.time() - home.stat().st_mtime > 600:
                with EmbeddedServer(home):
                    pass
                if not (home / "postgres" / "postmaster.pid").exists():
                    shutil.rmtree(home)


def _place() -> Path:
    """Where the embedded server keeps its files: a database of 400 of them is made for every test.

    In memory that takes 15 ms, on a disk up to a second.
    """
    try:
        has_room = shutil.disk_usage(_MEMORY).free >= _ENOUGH_BYTES and os.access(_MEMORY, os.W_OK)
    except OSError:
        has_room = False
    return _MEMORY if has_room else Path(tempfile.gettempdir())


@contextmanager
def _server(kind: str) -> Iterator[str]:
    if kind == "configured":
        yield _CONFIGURED
        return
    _stop_what_killed_test_runs_left()
    with tempfile.TemporaryDirectory(prefix=_HOME_PREFIX, dir=_place()) as home, EmbeddedServer(Path(home)) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            # These databases live for a second; nothing of them must survive a power cut.
            connection.execute("alter system set fsync = off")
            connection.execute("alter system set full_page_writes = off")
            connection.execute("select pg_reload_conf()")
        yield server.url


@pytest.fixture(scope="session", params=["embedded", "configured"] if _CONFIGURED else ["embedded"])
def postgres(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    """The servers to test on, with a migrated template database."""
    with _server(request.param) as url, Postgres(url, "template1").database() as template_url:
        # Roles belong to the server, so two workers must not make them at the same time.
        with psycopg.connect(url) as guard, guard.transaction():
            guard.execute("select pg_advisory_xact_lock(hashtextextended('media_pipeline tests', 0))")
            migrated = create_engine(template_url, pool_size=1)
            upgrade(migrated)
            migrated.dispose()
        # Files are copied as they are: nothing of it has to survive a crash, and the log need not hold it.
        options: LiteralString = "strategy file_copy" if request.param == "embedded" else ""
        yield Postgres(url, make_url(template_url).database or "", options)


@pytest.fixture
def empty_database_url(postgres: Postgres) -> Iterator[str]:
    """A database without any migration."""
    with postgres.database() as url:
        yield url


@pytest.fixture
def database_url(postgres: Postgres) -> Iterator[str]:
    """A migrated database, empty of rows."""
    with postgres.database(template=postgres.template) as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A pool on a migrated database of this test's own."""
    made = create_engine(database_url, pool_size=4, application_name="media-pipeline tests")
    yield made
    made.dispose()


@pytest.fixture
def statement_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Writes a statement file beside those of the program, for this test only; returns its name."""
    real = statements.directory()
    for room in real.iterdir():
        (tmp_path / room.name).symlink_to(room)
    (tmp_path / "only_here").mkdir()
    monkeypatch.setattr(statements, "directory", lambda: tmp_path)

    def write(content: str) -> str:
        # What is read once is kept by name, so a name is never used twice.
        name = f"only_here/{secrets.token_hex(6)}"
        (tmp_path / f"{name}.sql").write_text(content, encoding="utf-8")
        return name

    return write
