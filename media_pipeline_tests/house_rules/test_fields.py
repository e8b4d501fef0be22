"""A mirrored field stands in every place that must know it, in the same order and with the same type."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from media_pipeline.remote.payloads import FIELDS, ROW_TYPES, Observation
from media_pipeline_tests.house_rules import sources

# Columns of mirror.remote_asset that are no field of the asset.
OF_THE_OBSERVATION = ("fingerprint", "document", "document_digest", "observed_at")
ROW = ("asset_id", *FIELDS, *OF_THE_OBSERVATION[:3])

TYPES = {
    "bigint": "int8",
    "boolean": "bool",
    "integer": "int4",
    "timestamp with time zone": "timestamptz",
}


def listed(name: str, pattern: str) -> list[str]:
    """The words of a comma-separated list in a statement, without the alias before the dot."""
    found = re.search(pattern, sources.statement(name), re.DOTALL)
    assert found, f"sql/{name}.sql has no {pattern}"
    return [re.sub(r"^\w+\.", "", word.strip()) for word in found[1].split(",")]


def assigned(name: str, source: str) -> list[tuple[str, str]]:
    """Pairs of ``column = source.column`` of an update."""
    return re.findall(rf"^\s*(\w+) = {source}\.(\w+)", sources.statement(name), re.MULTILINE)


def test_the_lookup_table_has_the_fields_of_the_fingerprint_in_their_order() -> None:
    migrations = "".join(path.read_text() for path in sorted((sources.SQL / "migrations").glob("*.sql")))
    inserts = re.findall(
        r"insert into mirror\.asset_field \(position, name, kind\) values(.*?);", migrations, re.DOTALL
    )
    rows = [row for insert in inserts for row in re.findall(r"\((\d+), '(\w+)', '(\w+)'\)", insert)]

    assert [(int(position), name) for position, name, _ in rows] == list(enumerate(FIELDS, start=1))


def test_the_mirror_and_the_library_share_exactly_the_fields() -> None:
    remote, library = sources.columns("mirror.remote_asset"), sources.columns("public.media_assets")

    assert remote == ("asset_id", *FIELDS, *OF_THE_OBSERVATION)
    assert [name for name in library if name in remote] == ["asset_id", *FIELDS]


def test_a_field_has_one_type_in_mirror_library_and_copy() -> None:
    def types(table: str) -> dict[str, str]:
        body = re.search(rf"^CREATE TABLE {re.escape(table)} \((.*?)^\)", sources.schema(), re.DOTALL | re.MULTILINE)
        assert body
        return dict(
            re.findall(r"^    (\w+) ([a-z ]+?(?:\[\])?)(?: COLLATE| DEFAULT| NOT| CONSTRAINT|,|$)", body[1], re.M)
        )

    remote, library = types("mirror.remote_asset"), types("public.media_assets")

    assert {name: remote[name] for name in FIELDS} == {name: library[name] for name in FIELDS}
    assert [TYPES.get(remote[name], remote[name]) for name in ROW] == list(ROW_TYPES)


def test_an_observation_carries_the_fields_in_this_order() -> None:
    attributes = [one.name for one in msgspec.structs.fields(Observation)]

    assert attributes == list(ROW)


def test_a_row_holds_each_attribute_in_its_column() -> None:
    marks: dict[str, Any] = {name: f"<{name}>" for name in ROW} | {"tags": ("<tags>",), "document": b"{}"}
    marked = Observation(**marks)

    row = dict(zip(ROW, marked.as_row(), strict=True))

    assert row.pop("tags") == ["<tags>"]
    assert row.pop("document") == msgspec.Raw(b"{}")
    assert row == {name: f"<{name}>" for name in row}


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("mirror/014_copy_page_content", r"copy page_content \((.*?)\)"),
        ("mirror/040_write_content", r"insert into mirror\.remote_asset as r \((.*?)\)"),
        ("mirror/040_write_content", r"select(.*?)from page_content"),
    ],
)
def test_every_column_of_a_row_reaches_the_mirror(name: str, pattern: str) -> None:
    assert listed(name, pattern) == list(ROW)


def test_the_temporary_table_has_the_columns_of_a_row() -> None:
    assert re.findall(r"^  (\w+) ", sources.statement("mirror/011_make_page_content"), re.MULTILINE) == list(ROW)


def test_a_newer_observation_replaces_every_column() -> None:
    pairs = assigned("mirror/040_write_content", "excluded")

    assert [column for column, _ in pairs] == [name for name in ROW if name != "asset_id"]
    assert all(column == value for column, value in pairs)


@pytest.mark.parametrize(
    ("pattern", "fingerprint"),
    [
        (r"insert into public\.media_assets \((.*?)\)", "applied_fingerprint"),
        (r"select(.*?)from diff\.change", "fingerprint"),
    ],
)
def test_a_created_asset_gets_every_field(pattern: str, fingerprint: str) -> None:
    assert listed("diff/120_apply_created", pattern) == ["asset_id", *FIELDS, fingerprint]


def test_a_changed_asset_gets_every_field() -> None:
    pairs = assigned("diff/130_apply_changed", "r")

    assert pairs == [*((name, name) for name in FIELDS), ("applied_fingerprint", "fingerprint")]
