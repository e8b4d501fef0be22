"""What Python may not hold: SQL, the environment, dangerous calls of the SDK, modules without a subject."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path

import pytest

from media_pipeline.db import statements
from media_pipeline_tests.house_rules import sources

MODULES = sources.python_files(sources.PACKAGE)
DATABASE = sources.PACKAGE / "db"
# It is no part of the product: a witness with a small SQLite store of its own.
EMULATOR = sources.PACKAGE / "emulator"

_SCHEMAS = r"(?:ops|audit|landing|mirror|diff|outbox|quality|auth|public)"
_SQL = re.compile(
    rf"""
    ^\s*(?:
      select\b.*\bfrom\b | insert\s+into\b | update\s+[\w.\"]+\s+set\b | delete\s+from\b | merge\s+into\b
    | with\s+\w+\s+as\s*\( | truncate\s+(?:table\s+)?[\w.\"]+\s*;?$ | copy\s.*\bstd(?:in|out)\b
    | (?:set|reset)\s+(?:local|session|role)\b | select\s+(?:set_config|pg_\w+|nextval)\(
    | (?:create|alter|drop)\s+(?:or\s+replace\s+|temporary\s+|unique\s+|if\s+\w+\s+)*
      (?:table|index|view|schema|role|function|trigger|sequence|policy|extension|database|type)\s+[\w.\"{{]
    )
    | \b(?:from|join|into|update)\s+{_SCHEMAS}\.\w+
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


def outside(*directories: Path) -> list[Path]:
    """The modules of the program that lie in none of *directories*."""
    return [path for path in MODULES if not any(path.is_relative_to(one) for one in directories)]


def named(paths: list[Path], pattern: str) -> list[str]:
    """Places where Python reads, imports or calls a name that matches *pattern* as a whole."""
    return [
        f"{sources.shown(path, line)}: {name}"
        for path in paths
        for line, name in sources.names(path)
        if re.fullmatch(pattern, name)
    ]


def sql_texts(paths: list[Path]) -> list[str]:
    return [
        f"{sources.shown(path, line)}: {text[:60]!r}"
        for path in paths
        for line, text in sources.strings(path)
        if _SQL.search(text)
    ]


def test_python_holds_no_sql_text() -> None:
    assert sql_texts(outside(DATABASE, EMULATOR)) == []


@pytest.mark.parametrize(
    ("text", "is_sql"),
    [
        ("select id from runs", True),
        ("  with newest as (select 1)", True),
        ("update ops.run set state = 'failed'", True),
        ("create table if not exists a (b int)", True),
        ("… where exists (select from mirror.remote_asset)", True),
        ("set local role media_sync", True),
        ("Select the assets you want", False),
        ("Create another cloud", False),
        ("Set MEDIA_PIPELINE_HOME to a directory of your own.", False),
        ("update needs at least one field", False),
    ],
)
def test_sql_is_told_from_prose(text: str, is_sql: bool) -> None:
    assert bool(_SQL.search(text)) is is_sql


def test_statements_reach_postgres_by_their_files_alone() -> None:
    # Errors of COPY arrive as psycopg's own, so these may be named.
    around = r"(.+\.)?(exec_driver_sql|literal_column|sqlalchemy\.text|psycopg\.(?!Error$|errors\b).+)"

    assert named(outside(DATABASE, EMULATOR), around) == []


def test_sql_files_are_read_in_one_place() -> None:
    read = [
        sources.shown(path, line)
        for path in outside(EMULATOR)
        for line, text in sources.strings(path)
        if re.search(r"\.sql\b", text) and path.name not in {"statements.py", "migrate.py"}
    ]

    assert read == []


def test_the_environment_is_read_by_the_settings_alone() -> None:
    readers = r"os\.(environ|environb|getenv|getenvb|putenv|unsetenv)(\..+)?|environ(\..+)?|getenv"

    assert named([path for path in MODULES if path != sources.PACKAGE / "settings.py"], readers) == []


def test_only_the_emulator_uses_sqlite() -> None:
    assert named(outside(EMULATOR), r"sqlite3(\..+)?") == []


def test_every_module_has_a_card() -> None:
    without = [
        sources.shown(path)
        for path in MODULES
        if path.name != "__init__.py"
        and not re.search(
            r"\A\S.*[.…:]\n.*^Belongs here: .*\bNot here: ",
            ast.get_docstring(sources.tree(path)) or "",
            re.DOTALL | re.MULTILINE,
        )
    ]

    assert without == []


def test_every_package_says_what_it_is() -> None:
    packages = [path for path in MODULES if path.name == "__init__.py"]

    assert [sources.shown(path) for path in packages if not ast.get_docstring(sources.tree(path))] == []


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "misc"}
    paths = [path for root in (sources.PACKAGE, sources.TESTS) for path in sources.python_files(root)]
    drawn = [sources.shown(path) for path in paths if drawers & {path.stem, *path.relative_to(sources.ROOT).parts}]

    assert drawn == []


def test_the_sdk_calls_that_delete_without_ids_are_never_named() -> None:
    """They delete by slice or prefix, and the SDK's check of notifications compares in a way that leaks time.

    The emulator answers them like the real API, so it and its own tests may speak of them.
    """
    forbidden = ["delete_all_" + "resources", "delete_resources_" + "by_prefix", "verify_notification_" + "signature"]
    roots = (sources.PACKAGE, sources.TESTS, sources.ROOT / "bench")
    found = [
        f"{sources.shown(path)}: {name}"
        for root in roots
        for path in sources.python_files(root)
        if not path.is_relative_to(EMULATOR) and not path.is_relative_to(sources.TESTS / "emulator")
        for name in forbidden
        if name in path.read_text(encoding="utf-8")
    ]

    assert found == []


def test_nothing_is_left_for_later() -> None:
    unfinished = named([*MODULES], r"NotImplemented(Error)?")

    assert unfinished == []


def calls_of_statements() -> list[tuple[str, str, set[str], bool]]:
    """Place, statement, parameters given by name, and whether more come in a ``**`` mapping."""
    return [
        (
            sources.shown(path, node.lineno),
            node.args[1].value,
            {keyword.arg for keyword in node.keywords if keyword.arg},
            any(keyword.arg is None for keyword in node.keywords),
        )
        for path in MODULES
        for node in ast.walk(sources.tree(path))
        if isinstance(node, ast.Call)
        and sources.dotted(node.func) == "statements.run"
        and isinstance(node.args[1], ast.Constant)
        and isinstance(node.args[1].value, str)
    ]


def test_a_statement_gets_exactly_its_parameters() -> None:
    calls = calls_of_statements()
    wrong = []
    for place, name, given, has_more in calls:
        wanted = set(statements.statement(name).compile().params)
        if given - wanted or (wanted - given and not has_more):
            wrong.append(f"{place}: {name} takes {sorted(wanted)}, gets {sorted(given)}")

    assert len(calls) > 50
    assert wrong == []


def test_every_test_directory_is_a_package() -> None:
    directories = {path.parent for path in sources.python_files(sources.TESTS)}

    assert [sources.shown(one) for one in sorted(directories) if not (one / "__init__.py").is_file()] == []


def test_no_test_sleeps_for_long() -> None:
    paths = sources.python_files(sources.TESTS)
    in_python = [
        sources.shown(path, node.lineno)
        for path in paths
        for node in ast.walk(sources.tree(path))
        if isinstance(node, ast.Call)
        and re.search(r"(^|\.)sleep$", sources.dotted(node.func))
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and float(str(node.args[0].value)) > 1
    ]
    in_postgres = [
        sources.shown(path, line)
        for path in paths
        for line, text in sources.strings(path)
        for length in re.findall(r"pg_sleep\(\s*([\d.]+)", text)
        if float(length) > 1
    ]

    assert in_python + in_postgres == []


def test_every_module_can_be_found_by_the_name_of_its_file() -> None:
    """A file whose name is no identifier, or that a package of the same name hides, would never be imported."""
    hidden = [
        sources.shown(path)
        for path in MODULES
        if not path.stem.isidentifier() or (path.with_suffix("") / "__init__.py").is_file()
    ]

    assert hidden == []
    assert importlib.util.find_spec("media_pipeline") is not None
