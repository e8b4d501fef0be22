"""When a run is asked for because of what waits in Postgres, and when not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest
from dagster import DagsterRun
from pydantic import SecretStr
from sqlalchemy import Engine

from media_pipeline import push
from media_pipeline.db import statements
from media_pipeline.db.engine import transaction
from media_pipeline.ops import runs
from media_pipeline.orchestration import automation
from media_pipeline.orchestration.resources import FULL_SYNC, LAUNCHED_HERE, PUSH_PENDING, VERIFY
from media_pipeline.settings import Settings, load
from media_pipeline.vocabulary import RunKind

ASSETS = 30


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return load(home=tmp_path, database_url=SecretStr(database_url), undo_seconds=0, deletion_limit_count=3)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def library(engine: Engine) -> Engine:
    """Rows of media_assets as the engine made them, and the log's partitions."""
    with transaction(engine) as connection:
        statements.run(connection, "audit/010_ensure_partitions")
        connection.exec_driver_sql(
            "insert into media_assets (asset_id, resource_type, delivery_type, public_id, applied_fingerprint) "
            "select lpad(to_hex(n), 32, '0'), 'image', 'upload', 'p' || n, sha256('a') "
            f"from generate_series(1, {ASSETS}) as n"
        )
    return engine


def _edit(engine: Engine, assignments: str, names: str = "public_id = 'p1'") -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(f"update media_assets set {assignments} where {names}")


def _hint(engine: Engine) -> None:
    with transaction(engine) as connection:
        statements.run(connection, "mirror/080_hint", asset_ids=["a" * 32], reason="push")


def _tick(name: str, settings: Settings, instance: dg.DagsterInstance) -> dg.RunRequest | str:
    """The run that is asked for, or why none is."""
    (sensor,) = [one for one in automation.sensors(settings) if one.name == name]
    said = sensor(dg.build_sensor_context(instance=instance))
    if isinstance(said, dg.SkipReason):
        return said.skip_message or ""
    assert isinstance(said, dg.RunRequest)
    return said


def _add_run(instance: dg.DagsterInstance, job: str, status: dg.DagsterRunStatus, **tags: str) -> None:
    instance.add_run(DagsterRun(job_name=job, run_id=str(uuid4()), status=status, tags=tags))


def test_nothing_to_do_asks_for_nothing(library: Engine, settings: Settings, instance: dg.DagsterInstance) -> None:
    assert _tick("edits_to_push", settings, instance) == "No edit can be pushed now."
    assert _tick("assets_to_read", settings, instance) == "No asset is due to be read again."


def test_an_edit_asks_for_a_push_and_again_as_long_as_it_waits(
    library: Engine, settings: Settings, instance: dg.DagsterInstance
) -> None:
    _edit(library, "display_name = 'ours'")

    for _ in range(2):
        asked = _tick("edits_to_push", settings, instance)
        assert isinstance(asked, dg.RunRequest)
        # A key would refuse this work for ever after its run had failed.
        assert asked.run_key is None


def test_a_deletion_that_can_be_undone_asks_for_nothing_yet(
    library: Engine, settings: Settings, instance: dg.DagsterInstance
) -> None:
    _edit(library, "deleted_at = now()")
    patient = settings.model_copy(update={"undo_seconds": 900.0})

    assert isinstance(_tick("edits_to_push", patient, instance), str)
    assert isinstance(_tick("edits_to_push", settings, instance), dg.RunRequest)


def test_an_edit_behind_a_deletion_of_its_asset_does_not_ask_for_runs_that_could_not_push_it(
    library: Engine, settings: Settings, instance: dg.DagsterInstance
) -> None:
    _edit(library, "deleted_at = now()")
    with library.begin() as connection:
        connection.exec_driver_sql("update outbox.operation set state = 'unknown', outcome = 'lost'")
        connection.exec_driver_sql(
            "insert into outbox.operation (kind, asset_id, media_asset_id, base, wanted, actor) "
            "select 'restore', asset_id, media_asset_id, '{}', '{}', actor from outbox.operation"
        )

    assert isinstance(_tick("edits_to_push", settings, instance), str)


def test_a_held_plan_asks_for_nothing_until_something_else_is_edited(
    library: Engine, settings: Settings, instance: dg.DagsterInstance
) -> None:
    _edit(library, "deleted_at = now()", "public_id <> 'p1'")
    assert push.plan(library, settings, run_id=None).held == ASSETS - 1
    assert isinstance(_tick("edits_to_push", settings, instance), str)

    _edit(library, "display_name = 'ours'")
    assert isinstance(_tick("edits_to_push", settings, instance), dg.RunRequest)


def test_the_pause_after_a_failed_try_is_kept(
    library: Engine, settings: Settings, instance: dg.DagsterInstance
) -> None:
    _edit(library, "display_name = 'ours'")
    with library.begin() as connection:
        connection.exec_driver_sql("update outbox.operation set not_before = clock_timestamp() + interval '1 hour'")

    assert isinstance(_tick("edits_to_push", settings, instance), str)


def test_a_claim_whose_pusher_died_asks_for_a_push(
    library: Engine, settings: Settings, instance: dg.DagsterInstance
) -> None:
    _edit(library, "display_name = 'ours'")
    with library.begin() as connection:
        connection.exec_driver_sql(
            "update outbox.operation set state = 'leased', lease = gen_random_uuid(), "
            "leased_until = clock_timestamp() - interval '1 second'"
        )

    assert isinstance(_tick("edits_to_push", settings, instance), dg.RunRequest)


def test_a_hinted_asset_asks_for_a_verification(
    library: Engine, settings: Settings, instance: dg.DagsterInstance
) -> None:
    _hint(library)
    assert isinstance(_tick("assets_to_read", settings, instance), dg.RunRequest)

    with transaction(library) as connection:
        connection.exec_driver_sql("update mirror.verify_queue set not_before = clock_timestamp() + interval '1 hour'")
    assert isinstance(_tick("assets_to_read", settings, instance), str)


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED])
def test_one_run_at_a_time(
    library: Engine, settings: Settings, instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    _edit(library, "display_name = 'ours'")
    _hint(library)
    _add_run(instance, PUSH_PENDING, status)
    _add_run(instance, FULL_SYNC, status)

    assert "under way" in str(_tick("edits_to_push", settings, instance))
    # A full sync reads what is due as well, and only one run may end in media_assets.
    assert "under way" in str(_tick("assets_to_read", settings, instance))


def test_a_run_of_another_process_counts_as_long_as_it_lives(
    library: Engine, settings: Settings, instance: dg.DagsterInstance
) -> None:
    _edit(library, "display_name = 'ours'")
    with runs.running(library, RunKind.PUSH, actor="cli:test", dagster_run_id=None):
        with library.begin() as connection:
            connection.exec_driver_sql("update ops.run set started_at = now() - interval '1 hour'")
        assert "under way" in str(_tick("edits_to_push", settings, instance))

    # It ended without a word: its row still says that it runs.
    assert isinstance(_tick("edits_to_push", settings, instance), dg.RunRequest)


def test_a_command_line_that_was_killed_blocks_nothing(
    library: Engine, settings: Settings, instance: dg.DagsterInstance
) -> None:
    _edit(library, "display_name = 'ours'")
    _add_run(instance, PUSH_PENDING, dg.DagsterRunStatus.STARTED, **LAUNCHED_HERE)

    assert isinstance(_tick("edits_to_push", settings, instance), dg.RunRequest)


def test_a_run_that_failed_is_tried_again_after_a_while_and_not_at_once(
    library: Engine, settings: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hint(library)
    _add_run(instance, VERIFY, dg.DagsterRunStatus.FAILURE)
    assert "the last run failed" in str(_tick("assets_to_read", settings, instance))

    monkeypatch.setattr(automation, "_AFTER_A_FAILURE", timedelta(0))
    assert isinstance(_tick("assets_to_read", settings, instance), dg.RunRequest)


def test_a_spent_allowance_asks_for_nothing_until_it_is_given_anew(
    library: Engine, settings: Settings, instance: dg.DagsterInstance
) -> None:
    _edit(library, "display_name = 'ours'")
    for reset_at, is_asked in (("2001-01-01T00:00:00Z", True), ("2999-01-01T00:00:00Z", False)):
        with transaction(library) as connection:
            statements.run(connection, "ops/060_observe_budget", limit_count=500, remaining_count=0, reset_at=reset_at)
        assert isinstance(_tick("edits_to_push", settings, instance), dg.RunRequest) is is_asked


def test_a_database_without_tables_is_told(
    tmp_path: Path, empty_database_url: str, instance: dg.DagsterInstance
) -> None:
    settings = load(home=tmp_path, database_url=SecretStr(empty_database_url))

    assert "media-pipeline migrate" in str(_tick("edits_to_push", settings, instance))
