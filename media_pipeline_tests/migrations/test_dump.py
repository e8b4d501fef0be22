"""A dump of the database, restored into another one, is the same mirror."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import Engine

from media_pipeline.db import migrate, statements
from media_pipeline.db.embedded import binaries
from media_pipeline.db.engine import create_engine, transaction
from media_pipeline_tests.migrations.catalogue import INSUFFICIENT_PRIVILEGE, refused

TABLES = ("media_assets", "media_sync_log", "outbox.operation", "ops.migration")


def program(name: str, *arguments: str, url: str) -> str:
    """What one of Postgres's own programs says of a database; its password does not show in the list of processes."""
    parts = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    environment = {**os.environ, "PGPASSWORD": parts.pop("password", "")}
    command = [str(binaries() / name), *arguments, f"--dbname={make_conninfo(**parts)}"]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60).stdout


def rows(url: str) -> dict[str, list[str]]:
    with psycopg.connect(url) as connection:
        return {
            table: [row[0] for row in connection.execute(sql.SQL("select t::text from {} t order by 1").format(name))]
            for table, name in ((table, sql.Identifier(*table.split("."))) for table in TABLES)
        }


def test_a_restored_dump_is_the_same_mirror_and_guards_its_log(
    engine: Engine, database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    with transaction(engine) as connection:
        statements.run(connection, "audit/010_ensure_partitions")
        connection.exec_driver_sql(
            "insert into media_assets (asset_id, resource_type, delivery_type, public_id, applied_fingerprint)"
            " select lpad(to_hex(n), 32, '0'), 'image', 'upload', 'größe ' || n, sha256('a')"
            " from generate_series(1, 50) n"
        )
    with transaction(engine, role=None) as connection:
        connection.exec_driver_sql("update media_assets set tags = array['edited'] where public_id = 'größe 7'")

    dump = program("pg_dump", url=database_url)
    script = tmp_path / "mirror.sql"
    # An older server does not know what the dump of a newer program sets first.
    script.write_text(dump.replace("SET transaction_timeout = 0;\n", ""), encoding="utf-8")
    program("psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", f"--file={script}", url=empty_database_url)

    assert rows(empty_database_url) == rows(database_url)
    restored = create_engine(empty_database_url, pool_size=1)
    migrate.require_current(restored)
    with transaction(restored, role=None) as connection:
        assert refused("update media_sync_log set actor = 'nobody'", connection) == INSUFFICIENT_PRIVILEGE
    restored.dispose()
