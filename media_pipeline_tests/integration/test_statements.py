"""Statement files: what of their text reaches Postgres, and that each one is in order and in use."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import msgspec
import psycopg
import pytest
from sqlalchemy import Connection, Engine, text

import media_pipeline
from media_pipeline.db import statements
from media_pipeline.db.engine import read_only, transaction
from media_pipeline.errors import ConfigurationError

_PACKAGE = Path(media_pipeline.__file__).parent
_NAME = re.compile(r'"([a-z]+/\d{3}_[a-z0-9_]+)"')

WriteFile = Callable[[str], str]


class _Colour(StrEnum):
    DARK_RED = "dark-red"


def test_parameters_are_found_and_nothing_else_is_one(engine: Engine, statement_file: WriteFile) -> None:
    name = statement_file(
        """-- a comment with :colons, a semicolon; and 'quotes
        /* and :another
           one; */
        select
          :first::int + (array[1, 2, 3])[:first] as sum,
          ':first 10:20:30 100%' as string,
          E'it\\'s :first' as escaped,
          'a :first::b' as cast_in_string,
          $tag$ :first $tag$ as dollar,
          'it''s :first' as doubled,
          1 as ":first",
          cast(:second as text) as second -- :third
        """
    )
    with read_only(engine) as connection:
        row = statements.run(connection, name, first=2, second="x").one()

    assert tuple(row) == (
        4,
        ":first 10:20:30 100%",
        "it's :first",
        "a :first::b",
        " :first ",
        "it's :first",
        1,
        "x",
    )
    assert ":first" in row._fields


@pytest.mark.parametrize("ending", ["", ";", ";\n", " ; \n-- the end\n"])
def test_a_statement_may_end_with_a_semicolon(ending: str, statement_file: WriteFile) -> None:
    assert statements.source(statement_file("select 1" + ending)) == "select 1"


def test_a_missing_parameter_is_refused(engine: Engine, statement_file: WriteFile) -> None:
    name = statement_file("select :first, :second")
    with read_only(engine) as connection, pytest.raises(Exception, match="second"):
        statements.run(connection, name, first=1)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(KeyError, match="nowhere/000_nothing"):
        statements.statement("nowhere/000_nothing")


def test_values_arrive_as_the_types_they_are(engine: Engine, statement_file: WriteFile) -> None:
    name = statement_file(
        """select cast(:document as jsonb), jsonb_typeof(:document), cast(:tags as text[]), cast(:none as text[]),
                  cast(:colour as text), cast(:at as timestamptz), cast(:body as bytea), cast(:flag as boolean)"""
    )
    document = {"caption": "Größe ' : %", "nested": {"list": [1, None, True]}, "big": 2**53 + 1}
    at = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    with read_only(engine) as connection:
        row = statements.run(
            connection,
            name,
            document=document,
            tags=["a", "b,c", '"'],
            none=[],
            colour=_Colour.DARK_RED,
            at=at,
            body=b"\x00\xff",
            flag=True,
        ).one()

    assert tuple(row) == (document, "object", ["a", "b,c", '"'], [], "dark-red", at, b"\x00\xff", True)


@pytest.mark.parametrize("is_binary", [True, False])
def test_copied_rows_arrive_unchanged(engine: Engine, statement_file: WriteFile, is_binary: bool) -> None:
    copy = statement_file(
        "-- fills the table\ncopy pg_temp.thing (name, size, tags, document, digest, seen_at) from stdin"
        + (" with (format binary)" if is_binary else "")
    )
    types = ("text", "int8", "text[]", "jsonb", "bytea", "timestamptz") if is_binary else None
    at = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    rows = [
        ("tab\tnewline\nback\\slash", 2**40, ["a", ""], {"deep": {"list": [1.5, None]}}, b"\x00\\", at),
        (None, None, None, None, None, None),
        ("Größe", 1, [], {}, b"", at),
    ]
    with transaction(engine) as connection:
        connection.execute(
            text(
                "create temporary table thing (line int generated always as identity, name text, size bigint,"
                " tags text[], document jsonb, digest bytea, seen_at timestamptz)"
            )
        )
        count = statements.copy_in(connection, copy, iter(rows), types)
        found = connection.execute(
            text("select name, size, tags, document, digest, seen_at from thing order by line")
        ).all()

    assert count == len(rows)
    assert [tuple(row) for row in found] == rows


def test_json_that_is_bytes_already_is_copied_as_it_is(engine: Engine, statement_file: WriteFile) -> None:
    copy = statement_file("copy pg_temp.thing (document) from stdin with (format binary)")
    with transaction(engine) as connection:
        connection.execute(text("create temporary table thing (document jsonb)"))
        statements.copy_in(connection, copy, [(msgspec.Raw(b'{"a": [1, 2.50]}'),)], ("jsonb",))
        found = connection.execute(text("select document::text from thing")).scalar_one()

    assert found == '{"a": [1, 2.50]}'


def test_a_refused_row_undoes_the_transaction(engine: Engine, statement_file: WriteFile) -> None:
    copy = statement_file("copy pg_temp.thing (name) from stdin with (format binary)")

    def work(connection: Connection) -> None:
        connection.execute(text("insert into ops.setting (name, value, changed_by) values ('lost', '1', 'test')"))
        connection.execute(text("create temporary table thing (name text not null)"))
        statements.copy_in(connection, copy, [("good",), (None,)], ("text",))

    with pytest.raises(psycopg.errors.NotNullViolation), transaction(engine) as connection:
        work(connection)

    with transaction(engine) as connection:
        assert connection.execute(text("select count(*) from ops.setting")).scalar_one() == 0


def test_a_wheel_carries_the_files_inside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "media_pipeline"
    (package / "_sql" / "migrations").mkdir(parents=True)
    monkeypatch.setattr(statements, "_PACKAGE", package)

    assert statements.directory.__wrapped__() == package / "_sql"


def test_missing_files_of_the_installation_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "_PACKAGE", tmp_path / "media_pipeline")

    with pytest.raises(ConfigurationError, match="SQL files"):
        statements.directory.__wrapped__()


@pytest.mark.parametrize("name", statements.names())
def test_a_file_is_one_statement_under_its_own_name(name: str) -> None:
    content = (statements.directory() / f"{name}.sql").read_text(encoding="utf-8")
    bare = re.sub(r"\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'", "''", statements.source(name), flags=re.DOTALL)

    assert content.splitlines()[0] == f"-- {name}.sql"
    assert bare
    assert ";" not in bare


def test_every_file_is_used_and_every_used_file_exists() -> None:
    used = {name for path in _PACKAGE.rglob("*.py") for name in _NAME.findall(path.read_text(encoding="utf-8"))}

    assert sorted(used) == statements.names()
