"""Statement files: their names, what their headers promise, and who may write which table."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from media_pipeline.db import statements
from media_pipeline_tests.house_rules import sources

NAMES = statements.names()

# The rooms whose statements write a table; upkeep only deletes, under a role of its own.
# A room that is not here writes through the owner's functions or code.
WRITERS = {
    "diff.change": {"diff", "upkeep"},
    "diff.change_set": {"diff", "upkeep"},
    "landing.change_window": {"listing", "upkeep"},
    "landing.listing_page": {"listing", "mirror", "upkeep"},  # mirror: applied_at
    "landing.listing_run": {"listing", "mirror", "upkeep"},  # mirror: what a complete run led to
    "landing.notification": {"intake", "upkeep"},
    "landing.listing_wish": {"listing"},  # mirror.hint adds to it, too
    "mirror.asset_etag": {"duplicates"},
    "mirror.asset_sighting": {"mirror", "diff"},  # diff: approved_hold_id, so that an approved id passes
    "mirror.proved_page": {"mirror"},
    "mirror.quarantine": {"mirror", "upkeep"},
    "mirror.remote_asset": {"mirror"},
    "mirror.verify_queue": {"mirror"},  # everybody else calls mirror.hint
    "ops.alembic_version": {"ops"},
    "ops.api_budget": {"ops"},
    "ops.api_call": {"ops", "upkeep"},
    "ops.canary_touch": {"canary", "upkeep"},
    "ops.cloud_binding": {"ops"},
    "ops.fence": {"ops"},
    "ops.hold": {"ops"},
    "ops.hold_item": {"diff", "mirror"},  # in the transaction of the guard that opened the hold
    "ops.migration": {"ops"},
    "ops.run": {"ops", "upkeep"},
    "ops.vault_copy": {"vault"},
    "ops.vault_object": {"vault"},
    "outbox.attempt": {"push", "upkeep"},
    "outbox.conflict": {"outbox"},
    "outbox.operation": {"outbox", "push"},  # push: claims and results; recorded by the trigger alone
    "outbox.push_plan": {"push", "upkeep"},
    "outbox.push_plan_item": {"push", "upkeep"},
    # outbox: assets with open operations, merged field by field; demo: edits as people make them, in their role
    "public.media_assets": {"diff", "outbox", "demo"},
    "public.media_folders": {"mirror"},
    "public.media_metadata_fields": {"mirror"},
    "public.media_sync_log": {"audit", "diff", "outbox"},  # diff, outbox: set-based, with the rows they change
    "public.media_sync_log_seal": {"audit"},
    "quality.log_problem": {"quality"},
    "quality.report": {"quality", "upkeep"},
    "quality.result": {"quality"},
    "quality.sampled_asset": {"quality"},
    "quality.slice_count": {"quality"},
}


def header(name: str) -> str:
    """The comment at the head of a statement file."""
    lines = (sources.SQL / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    return "".join(f"{line}\n" for line in lines if line.startswith("--"))


def written(name: str) -> set[str]:
    """Tables with a schema that a statement changes; temporary tables have none."""
    text = re.sub(r"\bfor update\b|\bdo update\b", " ", sources.statement(name))
    return set(re.findall(r"\b(?:insert into|update|delete from|merge into)\s+(?:only\s+)?([a-z_]+\.[a-z_]+)", text))


@pytest.mark.parametrize("name", NAMES)
def test_a_file_begins_with_its_name(name: str) -> None:
    assert header(name).startswith(f"-- {name}.sql\n")


@pytest.mark.parametrize("name", [name for name in NAMES if "_copy_" not in name])
def test_a_header_says_what_the_statement_is_for(name: str) -> None:
    """All but COPY, which says so by itself."""
    assert re.search(r"^-- (Purpose|Output|Writes): +\S", header(name), re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_a_header_names_every_table_that_the_statement_writes(name: str) -> None:
    promised = " ".join(re.findall(r"Writes:\s*(.*)", header(name)))

    assert {table for table in written(name) if table not in promised} == set()


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_one_statement(name: str) -> None:
    bare = re.sub(r"\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'", "''", statements.source(name), flags=re.DOTALL)

    assert bare
    assert ";" not in bare


def test_every_file_is_used_by_python_and_every_name_that_python_uses_is_a_file() -> None:
    used = {
        text
        for path in sources.python_files(sources.PACKAGE)
        for _, text in sources.strings(path)
        if re.fullmatch(r"[a-z_]+/\d{3}_[a-z0-9_]+", text)
    }

    assert sorted(used) == NAMES


@pytest.mark.parametrize("room", sorted({name.split("/")[0] for name in NAMES}))
def test_a_number_is_used_once_in_a_room(room: str) -> None:
    numbers = [name.split("/")[1][:3] for name in NAMES if name.startswith(f"{room}/")]

    assert sorted({one for one in numbers if numbers.count(one) > 1}) == []


def test_a_table_is_written_by_its_rooms_alone() -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for name in NAMES:
        for table in written(name):
            found[table].add(name.split("/")[0])

    assert dict(found) == WRITERS


def test_reads_write_nothing() -> None:
    assert [name for name in NAMES if name.startswith("reads/") and written(name)] == []


def test_migrations_are_numbered_without_gaps() -> None:
    names = sorted(path.name for path in (sources.SQL / "migrations").iterdir())

    assert [name[:5] for name in names] == [f"{number:04}_" for number in range(1, len(names) + 1)]
    assert all(re.fullmatch(r"\d{4}_[a-z0-9_]+\.sql", name) for name in names)


@pytest.mark.parametrize("name", NAMES)
def test_a_limit_stands_behind_an_order(name: str) -> None:
    """Rows that a limit picks without an order are other ones each time."""
    unordered = re.findall(r"^(?!.*order by)[^()]*\blimit\b", re.sub(r"\s+", " ", sources.statement(name)))

    assert unordered == []
