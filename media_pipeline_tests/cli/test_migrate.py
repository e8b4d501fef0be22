"""``migrate``: tables, or the script that makes them."""

from __future__ import annotations

from pathlib import Path

import psycopg

from media_pipeline.db import migrate
from media_pipeline_tests.cli.conftest import Call


def test_an_empty_database_is_migrated_once(call: Call, tmp_path: Path, empty_database_url: str) -> None:
    first = call("migrate", home=tmp_path, database_url=empty_database_url)
    assert first.code == 0
    files = [migration.file for migration in migrate.migrations()]
    assert [line.strip() for line in first.out.splitlines()[:-1]] == files
    again = call("migrate", home=tmp_path, database_url=empty_database_url)
    assert again.out.startswith("Nothing to do")


def test_the_script_makes_what_migrating_makes(call: Call, tmp_path: Path, empty_database_url: str) -> None:
    script = call("migrate", "--sql", home=tmp_path, database_url="postgresql://nobody@127.0.0.1:1/nothing").out
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(script.encode())
    assert call("migrate", home=tmp_path, database_url=empty_database_url).out.startswith("Nothing to do")
