"""Connections to Postgres and the transactions on them.

Belongs here: addresses, the pool, session defaults, begin and commit, the translation of connection errors.
Not here: statements (``statements``), locks that outlive a transaction (``locks``), the embedded server.

The pool needs connections that keep their session: behind a pooler use its session mode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar
from urllib.parse import unquote

import msgspec
import psycopg
import sqlalchemy
from psycopg.types.json import JsonbBinaryDumper, JsonbDumper, set_json_dumps
from sqlalchemy import Connection, Engine, NullPool, QueuePool, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from media_pipeline.db.statements import raw, run, source
from media_pipeline.errors import (
    ConfigurationError,
    DatabaseError,
    DatabaseFull,
    DatabaseUnreachable,
    MigrationNeeded,
)
from media_pipeline.logs import mask

ENGINE_ROLE: Final = "media_sync"
"""Role under which the program writes; every other role is a person."""

SQLALCHEMY_DRIVER: Final = "postgresql+psycopg"
DAGSTER_DRIVER: Final = "postgresql+psycopg2"

_OLDEST_SERVER: Final = 15
_KNOWN_SCHEMES: Final = frozenset({"postgres", "postgresql", SQLALCHEMY_DRIVER, DAGSTER_DRIVER})
_COLLISIONS: Final = frozenset({"40P01", "40001"})
_DISK_FULL: Final = "53100"
_TRIES_AGAIN: Final = 5

_Result = TypeVar("_Result")


def normalize_url(url: str, driver: str = SQLALCHEMY_DRIVER) -> str:
    """Return *url* with an explicit driver.

    SQLAlchemy 2.1 reads a bare ``postgresql://`` as psycopg 3, on which Dagster's storage breaks, so no
    address is handed on without one.

    Args:
        url: ``postgres://``, ``postgresql://``, or one with the driver psycopg or psycopg2. A socket
            directory stands in ``?host=/directory`` or, percent-encoded, in the place of the host.
        driver: ``postgresql+psycopg`` for us, ``postgresql+psycopg2`` for Dagster.

    Raises:
        ConfigurationError: it is no address of a Postgres; the text is not repeated, it may hold a password.
    """
    hint = "It reads postgresql://user:password@host:5432/database; MEDIA_PIPELINE_DATABASE_URL holds it."
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigurationError("The database address cannot be read.", hint=hint) from None
    if parsed.drivername not in _KNOWN_SCHEMES:
        raise ConfigurationError(f"{parsed.drivername!r} is not a database we know; we need Postgres.", hint=hint)
    parsed = parsed.set(drivername=driver)
    if parsed.host is not None and unquote(parsed.host).startswith("/"):
        directory = unquote(parsed.host)
        parsed = parsed.set(host="").update_query_dict({"host": directory})
    return parsed.render_as_string(hide_password=False)


def place_of(url: str | URL) -> str:
    """Where the database is, for people: ``host:port/database``, no user and no password."""
    parsed = make_url(url)
    host = parsed.host or parsed.query.get("host") or "localhost"
    host = host if isinstance(host, str) else ",".join(host)
    port = f":{parsed.port}" if parsed.port else ""
    return f"{host}{port}/{parsed.database or parsed.username or ''}"


def create_engine(url: str, *, pool_size: int = 8, application_name: str = "media-pipeline") -> Engine:
    """Make the pool of one process. Connects to nothing yet.

    Args:
        pool_size: connections this process may hold at most.
        application_name: what ``pg_stat_activity`` shows.

    Raises:
        ConfigurationError: see `normalize_url`.
    """
    return _make(
        make_url(normalize_url(url)),
        application_name,
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=True,
        pool_reset_on_return="rollback",
    )


def _make(url: URL, application_name: str, **options: object) -> Engine:
    arguments: dict[str, object] = {"application_name": application_name}
    if "connect_timeout" not in url.query:
        arguments["connect_timeout"] = 10
    engine = sqlalchemy.create_engine(
        url,
        connect_args=arguments,
        json_deserializer=msgspec.json.decode,
        hide_parameters=True,
        **options,
    )
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: psycopg.Connection, _: ConnectionPoolEntry) -> None:
    """Give a new connection its session defaults, or refuse the server behind it."""
    version = connection.info.server_version // 10000
    encoding = connection.info.parameter_status("server_encoding")
    if version < _OLDEST_SERVER or encoding != "UTF8":
        connection.close()
        if version < _OLDEST_SERVER:
            raise ConfigurationError(
                f"The database runs Postgres {version}; {_OLDEST_SERVER} or later is needed.",
                hint="Upgrade it, or leave MEDIA_PIPELINE_DATABASE_URL empty to use the embedded Postgres.",
            )
        raise ConfigurationError(
            f"The database is encoded in {encoding}; asset names need UTF8.",
            hint="Create another database with: create database … encoding 'UTF8' template template0.",
        )
    connection.execute(source("ops/100_session_defaults").encode())
    connection.commit()
    connection.adapters.register_dumper(dict, JsonbBinaryDumper)
    connection.adapters.register_dumper(dict, JsonbDumper)
    set_json_dumps(msgspec.json.encode, connection)


@contextmanager
def transaction(engine: Engine, *, role: str | None = ENGINE_ROLE) -> Iterator[Connection]:
    """One transaction: commits at the end of the block, rolls back on any exception. Tries nothing again.

    Args:
        role: taken for this transaction only; None stays the user who logged in.

    Raises:
        DatabaseUnreachable: no connection, or it broke; then it is unknown only of a commit whether it happened.
        DatabaseFull: the disk of the server is full; nothing was written.
        MigrationNeeded: the role does not exist.
    """
    with _checked_out(engine) as connection, connection.begin():
        if role is not None:
            take_role(connection, role)
        yield connection


@contextmanager
def read_only(engine: Engine, *, role: str | None = None) -> Iterator[Connection]:
    """One READ ONLY transaction, rolled back at its end.

    Raises:
        DatabaseUnreachable: no connection, or it broke.
        MigrationNeeded: the role does not exist.
    """
    with _checked_out(engine) as connection:
        connection.execution_options(postgresql_readonly=True)
        if role is not None:
            take_role(connection, role)
        yield connection


@contextmanager
def own_connection(engine: Engine, application_name: str) -> Iterator[Connection]:
    """A connection outside the pool, for locks that live as long as their session; closed at the end.

    Raises:
        DatabaseUnreachable: no connection, or it broke.
    """
    unpooled = _make(engine.url, application_name, poolclass=NullPool)
    with _checked_out(unpooled) as connection:
        yield connection


def retrying(engine: Engine, work: Callable[[Connection], _Result], *, role: str | None = ENGINE_ROLE) -> _Result:
    """Run *work* in a transaction, up to five times more when it collided with another one.

    Collisions are deadlocks (40P01) and failed serializations (40001); the server undid everything, so
    *work* may touch nothing but its connection.

    Raises:
        sqlalchemy.exc.DBAPIError: the last collision, or any other failure at once.
    """

    def attempt() -> _Result:
        with transaction(engine, role=role) as connection:
            return work(connection)

    tries = Retrying(
        retry=retry_if_exception(lambda error: sqlstate(error) in _COLLISIONS),
        stop=stop_after_attempt(1 + _TRIES_AGAIN),
        wait=wait_random_exponential(multiplier=0.02, max=1),
        reraise=True,
    )
    return tries(attempt)


def take_role(connection: Connection, role: str) -> None:
    """Act as *role* until the transaction of *connection* ends.

    Raises:
        MigrationNeeded: there is no such role.
    """
    try:
        run(connection, "ops/105_take_role", role=role)
    except DBAPIError as error:
        if sqlstate(error) in {"22023", "42704"}:
            raise MigrationNeeded(f"The database has no role {role!r}.") from error
        raise


def sqlstate(error: BaseException) -> str | None:
    """The five characters by which Postgres names an error; None for errors of other origin."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    return origin.sqlstate if isinstance(origin, psycopg.Error) else None


@contextmanager
def _checked_out(engine: Engine) -> Iterator[Connection]:
    try:
        connection = engine.connect()
    except PoolTimeout as error:
        raise DatabaseError(
            f"All connections of this process to {place_of(engine.url)} are in use.",
            hint="Raise MEDIA_PIPELINE_DATABASE_POOL_SIZE, or do less at once.",
        ) from error
    except DBAPIError as error:
        raise DatabaseUnreachable(
            f"Postgres at {place_of(engine.url)} cannot be reached: {_sentence(error)}",
            hint="Check that it runs, and the user and password in MEDIA_PIPELINE_DATABASE_URL.",
        ) from error
    with connection:
        try:
            yield connection
        except (DBAPIError, psycopg.OperationalError) as error:
            if sqlstate(error) == _DISK_FULL:
                raise DatabaseFull(
                    f"The disk of Postgres at {place_of(engine.url)} is full: {_sentence(error)}",
                    hint="An unfinished transaction was undone by the server. Make room there and run the same again.",
                ) from error
            # COPY speaks to psycopg directly, so its errors arrive unwrapped.
            broken = error.connection_invalidated if isinstance(error, DBAPIError) else raw(connection).broken
            if not broken:
                raise
            raise DatabaseUnreachable(
                f"The connection to Postgres at {place_of(engine.url)} broke: {_sentence(error)}",
                hint="An unfinished transaction was undone by the server. Run the same again.",
            ) from error


def _sentence(error: Exception) -> str:
    """The first line of what the driver says, without secrets."""
    text = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    return mask(text.splitlines()[0]) if text else type(error).__name__
