"""Migrations: the files ``sql/migrations/NNNN_name.sql``, forward only, one transaction each.

Belongs here: applying them with Alembic, what is applied and what is not, the script for an SQL editor,
``sql/schema.sql``.
Not here: the SQL itself, the data of a room.
Tables: writes ops.migration, ops.alembic_version.

    python -m media_pipeline.db.migrate schema      writes sql/schema.sql anew
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import psycopg
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DBAPIError

from media_pipeline.db import statements
from media_pipeline.db.embedded import EmbeddedServer, binaries
from media_pipeline.db.engine import create_engine, own_connection, place_of, read_only, sqlstate
from media_pipeline.errors import (
    ActivityBusy,
    ConfigurationError,
    DatabaseError,
    MigrationDrift,
    MigrationNeeded,
)
from media_pipeline.settings import child_environment

_FILE_NAME: Final = re.compile(r"(?P<number>\d{4})_[a-z0-9_]+\.sql")
_LOCK_TIMEOUT: Final = "4s"
_WAIT_FOR_OTHERS: Final = "10min"
_LOCK_NOT_AVAILABLE: Final = "55P03"
_INSUFFICIENT_PRIVILEGE: Final = "42501"


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of ``sql/migrations``."""

    number: str
    file: str
    sql: str
    sha256: str


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """File names in order; a name stands in one of the first two, and may stand in ``drifted`` besides.

    ``drifted`` are files that changed after they were applied, that this program does not have, or that
    should have been applied before one that was.
    """

    applied: tuple[str, ...]
    pending: tuple[str, ...]
    drifted: tuple[str, ...]


def migrations() -> tuple[Migration, ...]:
    """Every migration of this program, in order.

    Raises:
        ConfigurationError: a name is not NNNN_name.sql, or the numbers have a gap or a double.
    """
    found = []
    for expected, path in enumerate(sorted((statements.directory() / "migrations").iterdir()), start=1):
        match = _FILE_NAME.fullmatch(path.name)
        if match is None or int(match["number"]) != expected:
            raise ConfigurationError(f"{path} is not the migration {expected:04}_name.sql that belongs there.")
        content = path.read_bytes()
        found.append(Migration(match["number"], path.name, content.decode(), hashlib.sha256(content).hexdigest()))
    return tuple(found)


def status(engine: Engine) -> MigrationStatus:
    """Compare the database with the files of this program.

    Raises:
        DatabaseUnreachable: no connection.
        DatabaseError: the user who logged in may not read which migrations were applied.
    """
    try:
        with read_only(engine) as connection:
            return _status(connection, migrations())
    except DBAPIError as error:
        if sqlstate(error) != _INSUFFICIENT_PRIVILEGE:
            raise
        raise DatabaseError(
            f"The user of {place_of(engine.url)} may not use this database.",
            hint="As its owner run: grant media_sync, media_upkeep to <user>.",
        ) from error


def require_current(engine: Engine) -> None:
    """See that the database is exactly at the state of this program.

    Raises:
        MigrationNeeded: migrations are pending.
        MigrationDrift: it was migrated by a newer program, or by files that changed since.
    """
    found = status(engine)
    _refuse_drift(found)
    if found.pending:
        raise MigrationNeeded(f"The database lacks migrations ({len(found.pending)}), from {found.pending[0]} on.")


def upgrade(engine: Engine, progress: Callable[[str], None] | None = None) -> MigrationStatus:
    """Apply what is pending, each file in a transaction of its own. Another process that migrates is waited for.

    Args:
        engine: connects as the user who is to own the tables.
        progress: called with the name of each file before it is applied.

    Returns:
        The state afterwards; nothing is pending.

    Raises:
        MigrationDrift: see `require_current`; nothing was applied.
        DatabaseError: a file failed or found a table locked for 4 s; the files before it stay applied.
        ActivityBusy: another process migrates for more than ten minutes.
    """
    known = migrations()
    with own_connection(engine, "media-pipeline migrate") as connection:
        _wait_for_others(connection)
        with connection.begin():
            statements.run(connection, "ops/160_prepare_migrations")
        with connection.begin():
            _refuse_drift(_status(connection, known))
        scripts = _SqlScripts(connection, known, progress)
        context = MigrationContext.configure(
            connection,
            opts={
                "fn": lambda revision, _: scripts._upgrade_revs("head", revision),
                "version_table_schema": "ops",
                "transaction_per_migration": True,
            },
        )
        context.run_migrations()
        # Where nothing was pending, Alembic leaves the transaction of its first look open.
        connection.commit()
        with connection.begin():
            return _status(connection, known)


def offline_script() -> str:
    """All migrations as one plain script for an SQL editor, e.g. Supabase's.

    Running it again applies only what is missing; run as one transaction it applies all or nothing.
    """
    apply = statements.source("ops/185_apply_migration")
    parts = [
        "-- All migrations of Media Pipeline. Run it as the user who is to own the tables; again does no harm.",
        statements.source("ops/160_prepare_migrations") + ";",
        statements.source("ops/180_make_apply_migration") + ";",
    ]
    for migration in migrations():
        line = apply
        # The script comes last, since it may itself hold something that looks like a parameter.
        for name, value in (
            ("file", migration.file),
            ("sha256", migration.sha256),
            ("script", migration.sql),
        ):
            line = line.replace(f":{name}", f"$migration${value}$migration$")
        parts.append(line + ";")
    return "\n\n".join(parts) + "\n"


def dump_schema(engine: Engine) -> str:
    """The definition of everything in the database, without owners and without what differs by server version.

    Dagster's schema is left out. Roles belong to the cluster and are not part of it.

    Raises:
        DatabaseError: pg_dump failed.
    """
    _, arguments = engine.dialect.create_connect_args(engine.url)
    # The adapters of psycopg stand among the arguments, and a password must not show in the list of processes.
    conninfo = make_conninfo(**{key: value for key, value in arguments.items() if key not in {"context", "password"}})
    dumped = subprocess.run(
        [binaries() / "pg_dump", "--schema-only", "--no-owner", "--exclude-schema=dagster", conninfo],
        env=child_environment(PGPASSWORD=arguments.get("password", "")),
        capture_output=True,
        text=True,
        check=False,
    )
    if dumped.returncode != 0:
        raise DatabaseError(f"pg_dump failed: {dumped.stderr.strip()}")
    return _normalize_dump(dumped.stdout)


def write_schema_file() -> Path:
    """Write ``sql/schema.sql`` from an embedded server that saw all migrations; returns its path."""
    with tempfile.TemporaryDirectory() as home, EmbeddedServer(Path(home)) as server:
        engine = create_engine(server.url, pool_size=1)
        upgrade(engine)
        schema = dump_schema(engine)
        engine.dispose()
    path = statements.directory() / "schema.sql"
    path.write_text(schema_file(schema), encoding="utf-8")
    return path


def schema_file(schema: str) -> str:
    """The text of ``sql/schema.sql`` for a dump."""
    return (
        "-- Generated from sql/migrations by 'python -m media_pipeline.db.migrate schema'; never edited.\n"
        "-- It is there to be read: databases are made by the migrations, which also make the roles named here.\n\n"
        + schema
    )


class _SqlScripts(ScriptDirectory):
    """Alembic's revisions made from our files; Alembic keeps their order and its version table."""

    def __init__(
        self, connection: Connection, known: tuple[Migration, ...], progress: Callable[[str], None] | None
    ) -> None:
        super().__init__(statements.directory() / "migrations")
        self._connection = connection
        self._known = known
        self._progress = progress

    def _load_revisions(self) -> Iterator[Script]:
        before: str | None = None
        for migration in self._known:
            module = ModuleType(f"migration_{migration.number}", doc=migration.file)
            attributes: dict[str, Any] = {
                "revision": migration.number,
                "down_revision": before,
                "upgrade": lambda migration=migration: self._apply(migration),
            }
            vars(module).update(attributes)
            yield Script(module, migration.number, statements.directory() / "migrations" / migration.file)
            before = migration.number

    def _apply(self, migration: Migration) -> None:
        if self._progress is not None:
            self._progress(migration.file)
        self._connection.execute(select(func.set_config("lock_timeout", _LOCK_TIMEOUT, True)))
        try:
            statements.raw(self._connection).execute(migration.sql.encode())
        except psycopg.Error as error:
            if error.sqlstate == _LOCK_NOT_AVAILABLE:
                hint = "Another transaction holds a table it needs. Run 'media-pipeline migrate' again when it ended."
            else:
                hint = "The migrations before it stay applied. Mend the cause and run 'media-pipeline migrate' again."
            raise DatabaseError(f"Migration {migration.file} failed: {error}", hint=hint) from error
        statements.run(self._connection, "ops/175_record_migration", file=migration.file, sha256=migration.sha256)


def _wait_for_others(connection: Connection) -> None:
    try:
        with connection.begin():
            connection.execute(select(func.set_config("lock_timeout", _WAIT_FOR_OTHERS, True)))
            statements.run(connection, "ops/165_lock_migrations")
    except DBAPIError as error:
        if sqlstate(error) == _LOCK_NOT_AVAILABLE:
            raise ActivityBusy("migrate", "another process", None) from error
        raise


def _status(connection: Connection, known: tuple[Migration, ...]) -> MigrationStatus:
    digests = {migration.file: migration.sha256 for migration in known}
    seen: dict[str, str] = {}
    if connection.execute(select(func.to_regclass("ops.migration"))).scalar_one() is not None:
        seen = {row.file: row.sha256 for row in statements.run(connection, "ops/170_read_migrations")}
    pending = tuple(file for file in digests if file not in seen)
    changed = [file for file, sha256 in seen.items() if digests.get(file) != sha256]
    skipped = [file for file in pending if seen and file < max(seen)]
    return MigrationStatus(applied=tuple(seen), pending=pending, drifted=(*changed, *skipped))


def _refuse_drift(found: MigrationStatus) -> None:
    if not found.drifted:
        return
    ours = {migration.file for migration in migrations()}
    unknown = [file for file in found.drifted if file not in ours]
    if unknown:
        raise MigrationDrift(
            f"The database is newer than this program: it has seen {', '.join(unknown)}.",
            hint="Install the version of Media Pipeline that migrated it, or a later one.",
        )
    raise MigrationDrift(
        f"The files of migrations are not those the database has seen: {', '.join(found.drifted)}.",
        hint="Restore the files as they were released; a change to the schema is a new migration.",
    )


def _normalize_dump(dump: str) -> str:
    """Keep the statements: names above each of them, versions and session settings say nothing of the schema."""
    bare = re.sub(r"(?m)^--\n-- .*\n--\n", "", dump)
    kept = [
        line
        for line in bare.splitlines()
        if not line.startswith(
            ("\\restrict", "\\unrestrict", "-- Dumped ", "SELECT pg_catalog.set_config('search_path'")
        )
        # Functions may name what is made after them.
        and (not line.startswith("SET ") or "check_function_bodies" in line)
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip() + "\n"


if __name__ == "__main__":
    if sys.argv[1:] != ["schema"]:
        sys.exit("usage: python -m media_pipeline.db.migrate schema")
    sys.stdout.write(f"{write_schema_file()}\n")
