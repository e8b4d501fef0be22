"""What people ask of the library first is answered by an index, at a size at which reading all of it would hurt."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine

from media_pipeline.db.engine import read_only, transaction

COUNT = 20_000

FILL = """
  insert into media_assets (
    asset_id, resource_type, delivery_type, public_id, asset_folder, display_name, tags, created_at,
    applied_fingerprint, deleted_at, deleted_by
  )
  select
    lpad(to_hex(n), 32, '0'), (array['image', 'video', 'raw'])[1 + mod(n, 3)], 'upload', 'town/street-' || n,
    'folder-' || mod(n, 500), 'Street ' || n, array['tag' || mod(n, 400), 'town'],
    timestamptz '2026-01-01' + make_interval(mins => n), sha256('a'),
    case when mod(n, 100) = 0 then timestamptz '2026-06-01' end, case when mod(n, 100) = 0 then 'cloudinary' end
  from generate_series(1, %(count)s) as n
"""

QUESTIONS = {
    "by our key": "id = '01234567-89ab-cdef-0123-456789abcdef'",
    "by Cloudinary's key": "asset_id = repeat('0', 31) || '7'",
    "by its name": "public_id = 'town/street-77' and resource_type = 'image' and delivery_type = 'upload'",
    "by its words": "search @@ websearch_to_tsquery('simple', 'street 777') and deleted_at is null",
    "by the beginning of a word": "search @@ to_tsquery('simple', '777:*') and deleted_at is null",
    "by a tag": "tags @> array['tag77'] and deleted_at is null",
    "the newest": "deleted_at is null order by created_at desc, id limit 50",
    "the next page of the newest": (
        "created_at < '2026-01-05' and deleted_at is null order by created_at desc, id limit 50"
    ),
    "a folder, newest first": (
        "asset_folder = 'folder-7' and deleted_at is null order by created_at desc, id limit 50"
    ),
    "what was deleted last": "deleted_at is not null order by deleted_at desc, id limit 50",
}


@pytest.fixture
def filled(engine: Engine) -> Iterator[Connection]:
    """A library of 20,000 assets whose statistics are fresh."""
    with transaction(engine) as connection:
        connection.exec_driver_sql(FILL, {"count": COUNT})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as owner:
        owner.exec_driver_sql("vacuum analyze media_assets")
    with read_only(engine) as connection:
        yield connection


def read_whole(plan: dict[str, object]) -> list[object]:
    """The tables that a plan reads from their beginning to their end."""
    below = plan.get("Plans")
    found = [one for sub in below for one in read_whole(sub)] if isinstance(below, list) else []
    return [*found, plan["Relation Name"]] if plan["Node Type"] == "Seq Scan" else found


def plan_of(connection: Connection, condition: str) -> dict[str, object]:
    explained = connection.exec_driver_sql(f"explain (format json) select * from media_assets where {condition}")
    (document,) = explained.scalar_one()
    return dict(document["Plan"])


def test_no_question_of_a_person_reads_the_whole_library(filled: Connection) -> None:
    whole = {name: read_whole(plan_of(filled, condition)) for name, condition in QUESTIONS.items()}

    assert {name for name, tables in whole.items() if "media_assets" in tables} == set()
    # What no index helps with is seen by the same look.
    assert read_whole(plan_of(filled, "width_px = 7")) == ["media_assets"]


def test_the_engine_reads_an_asset_by_its_key_as_well(filled: Connection) -> None:
    """Row-level security decides for the engine; it must not cost the index."""
    filled.exec_driver_sql("set local role media_sync")

    assert read_whole(plan_of(filled, QUESTIONS["by Cloudinary's key"])) == []
