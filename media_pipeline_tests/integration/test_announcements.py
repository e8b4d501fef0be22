"""Word of every change of state: by NOTIFY, after the commit, with the id and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine

from media_pipeline.db.engine import transaction
from media_pipeline.ops import snapshots
from media_pipeline_tests.migrations.catalogue import INSUFFICIENT_PRIVILEGE, refused

RUN = "insert into ops.run (kind, actor) values ('push', 'cli:a secret person') returning id"
HOLD = (
    "insert into ops.hold (kind, reason, asset_count, total_count, ids_digest)"
    " values ('deletions', 'a secret reason', 1, 1, sha256('a')) returning id"
)
CHANGE_SET = "insert into diff.change_set default values returning id"
PLAN = (
    "insert into outbox.push_plan (part, state, digest, operation_count, admin_call_count, upload_call_count,"
    " estimated_seconds, reason) values ('deletions', '{}', sha256('a'), 1, 1, 1, 1, 'a secret reason') returning id"
)
OPERATION = (
    "insert into outbox.operation (kind, base, wanted, actor)"
    " values ('upload', '{}', jsonb_build_object('sha256', 'a'), 'cli:ada') returning id"
)
CONFLICT = (
    "insert into outbox.conflict (operation_id, asset_id, field, key, base, local, remote) values"
    " ({}, repeat('a', 32), 'display_name', 'display_name', '1', '2', to_jsonb(repeat('a secret', 2000))) returning id"
)


@pytest.fixture
def heard(database_url: str) -> Iterator[Callable[[], list[Any]]]:
    """Gives what was said on the channel since the last question."""
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as listener:
        listener.execute("listen media_pipeline")

        def hear() -> list[Any]:
            said = [one.payload for one in listener.notifies(timeout=0.3)]
            assert all(len(one) < 8000 for one in said)
            return [json.loads(one) for one in said]

        yield hear


def run(engine: Engine, text: str) -> Any:
    """As the owner of the database; the id, if one is returned."""
    with engine.begin() as connection:
        result = connection.exec_driver_sql(text)
        return result.scalar_one() if result.returns_rows else None


@pytest.mark.parametrize(
    ("table", "insert", "end", "is_told_at_insert"),
    [
        ("ops.run", RUN, "state = 'succeeded', finished_at = now()", True),
        ("ops.hold", HOLD, "state = 'approved', decided_at = now(), decided_by = 'cli:ada'", True),
        ("diff.change_set", CHANGE_SET, "state = 'applied', finished_at = now()", False),
        ("outbox.push_plan", PLAN.format("held"), "state = 'approved', decided_at = now(), decided_by = 'a'", True),
    ],
)
def test_a_beginning_and_an_end_are_told_by_table_and_id(
    engine: Engine, heard: Callable[[], list[Any]], table: str, insert: str, end: str, is_told_at_insert: bool
) -> None:
    number = run(engine, insert)
    word = {"table": table, "id": number}

    assert heard() == ([word] if is_told_at_insert else [])
    run(engine, f"update {table} set {end} where id = {number}")
    assert heard() == [word]
    # A change of anything else is not news.
    run(engine, f"update {table} set run_id = null where id = {number}" if table != "ops.run" else
        f"update ops.run set counts = '{{\"a\": 1}}' where id = {number}")  # fmt: skip
    assert heard() == []


def test_a_conflict_is_told_when_it_opens_and_when_it_is_settled_however_large_its_values(
    engine: Engine, heard: Callable[[], list[Any]]
) -> None:
    number = run(engine, CONFLICT.format(run(engine, OPERATION)))
    word = {"table": "outbox.conflict", "id": number}

    assert heard() == [word]
    run(engine, "update outbox.conflict set state = 'local_wins', resolved_at = now(), resolved_by = 'cli:ada'")
    assert heard() == [word]


def test_a_snapshot_is_told_and_a_change_set_that_was_superseded_is_not(
    engine: Engine, heard: Callable[[], list[Any]]
) -> None:
    number = snapshots.take(engine, run_id=None, keep_days=400)
    run(engine, CHANGE_SET)
    run(engine, "update diff.change_set set state = 'superseded', finished_at = now()")

    assert heard() == [{"table": "ops.status_snapshot", "id": number}]


def test_nothing_is_told_before_the_commit_nor_after_a_rollback(engine: Engine, heard: Callable[[], list[Any]]) -> None:
    with engine.connect() as connection:
        number = connection.exec_driver_sql(RUN).scalar_one()
        assert heard() == []
        connection.commit()
        assert heard() == [{"table": "ops.run", "id": number}]
        connection.exec_driver_sql(RUN)
        connection.rollback()
        assert heard() == []


def test_nobody_passes_figures_of_a_snapshot_nor_changes_one(engine: Engine) -> None:
    number = snapshots.take(engine, run_id=None, keep_days=400)
    with transaction(engine) as connection:
        for text in (
            "insert into ops.status_snapshot (figures) values ('{}')",
            "update ops.status_snapshot set figures = '{}'",
            "delete from ops.status_snapshot",
            "truncate ops.status_snapshot",
        ):
            assert refused(text, connection) == INSUFFICIENT_PRIVILEGE, text

    assert run(engine, f"select figures ->> 'asset_count' from ops.status_snapshot where id = {number}") == "0"


def test_a_snapshot_is_kept_for_31_days_whoever_asks_for_less(engine: Engine) -> None:
    run(
        engine,
        "insert into ops.status_snapshot (taken_at, figures)"
        " select now() - make_interval(days => day), '{}' from generate_series(1, 60) as day",
    )
    snapshots.take(engine, run_id=None, keep_days=0)

    assert run(engine, "select count(*) from ops.status_snapshot") == 31


def test_assets_that_are_in_the_trash_and_not_pushed_yet_are_pending(engine: Engine) -> None:
    with transaction(engine) as connection:
        for number in range(5):
            connection.exec_driver_sql(
                "insert into media_assets (asset_id, resource_type, delivery_type, public_id, applied_fingerprint)"
                f" values (lpad('{number}', 32, '0'), 'image', 'upload', 'p{number}', sha256('a'))"
            )
        connection.exec_driver_sql("select audit.ensure_partitions(current_date)")
    run(engine, "update media_assets set deleted_at = now() where public_id in ('p0', 'p1')")
    run(engine, "update media_assets set display_name = 'mine' where public_id = 'p2'")
    number = snapshots.take(engine, run_id=None, keep_days=400)
    figures = run(engine, f"select figures from ops.status_snapshot where id = {number}")

    assert (figures["asset_count"], figures["deleted_count"], figures["pending_operation_count"]) == (3, 2, 3)
    assert figures["edit_age_seconds"] >= 0
    assert figures["lag_p50_seconds"] is figures["api_calls_left"] is None
