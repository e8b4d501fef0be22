"""Recent changes and the days of an outage as Dagster runs: what they cost, what they show, what they lead to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest
from dagster import DagsterRun
from sqlalchemy import Engine

from media_pipeline.cli import drift
from media_pipeline.db.engine import read_only
from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.orchestration import automation
from media_pipeline.orchestration.build import build_defs
from media_pipeline.orchestration.resources import (
    FULL_SYNC,
    INCREMENTAL_SYNC,
    OUTAGE_BACKFILL,
    OUTAGE_WINDOW,
    RECENT_CHANGES,
)
from media_pipeline.progress import Silent
from media_pipeline.remote.calls import TagCommand, UnlimitedBudget
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import ResourceType
from media_pipeline_tests.orchestration.conftest import QUIET

Run = Callable[..., dg.ExecuteInProcessResult]
SEARCH: dict[str, Any] = {"method": "POST", "path": "/resources/search"}
TODAY = datetime.now(UTC).date()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def run(settings: Settings, instance: dg.DagsterInstance) -> Run:
    """Runs a job by its name; tags as keywords with ``/`` written as it is."""
    defs = build_defs(settings=settings, progress=Silent())

    def run_job(job: str, **tags: str) -> dg.ExecuteInProcessResult:
        return defs.resolve_job_def(job).execute_in_process(
            instance=instance, run_config=QUIET, raise_on_error=False, tags=tags
        )

    return run_job


@pytest.fixture
def outsider(settings: Settings) -> Iterator[CloudinaryClient]:
    assert settings.cloud is not None
    with CloudinaryClient(settings.cloud, settings=settings, budget=UnlimitedBudget(), refuse_emulator=False) as client:
        yield client


def days(first: int, last: int) -> dict[str, str]:
    """Tags of a run over some days, counted back from today."""
    return {
        "dagster/asset_partition_range_start": (TODAY - timedelta(days=first)).isoformat(),
        "dagster/asset_partition_range_end": (TODAY - timedelta(days=last)).isoformat(),
    }


def shown(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    made = result.asset_materializations_for_node(asset)[0]
    return {name: value.value for name, value in made.metadata.items()}


def is_whole(result: dg.ExecuteInProcessResult) -> dg.AssetCheckEvaluation:
    (check,) = [one for one in result.get_asset_check_evaluations() if one.check_name == "is_whole"]
    return check


def newest_run(engine: Engine) -> tuple[str, int]:
    with read_only(engine) as connection:
        row = connection.exec_driver_sql("select kind, counts from ops.run order by id desc limit 1").one()
    return row.kind, row.counts["total"]["api_calls"]


def differences(settings: Settings, engine: Engine) -> list[Any]:
    assert settings.cloud is not None
    report = drift.compare(settings.cloud, engine, slices=settings.slices)
    return [one for one in report.differences if one.what == "asset"]


def full_sync_is_asked_for(settings: Settings, instance: dg.DagsterInstance) -> bool:
    (sensor,) = [one for one in automation.sensors(settings) if one.name == "listing_wished"]
    return isinstance(sensor(dg.build_sensor_context(instance=instance)), dg.RunRequest)


def tick(settings: Settings, instance: dg.DagsterInstance) -> dg.RunRequest | str:
    """What the schedule of recent changes asks for, or why it does not."""
    (schedule,) = [one for one in automation.schedules(settings) if one.name.startswith("recent_changes")]
    said = schedule(dg.build_schedule_context(instance=instance))
    if isinstance(said, dg.SkipReason):
        return said.skip_message or ""
    assert isinstance(said, dg.RunRequest)
    return said


def test_a_look_that_finds_nothing_costs_at_most_three_calls_and_says_so(
    run: Run, engine: Engine, control: ControlClient
) -> None:
    run(FULL_SYNC)
    for _ in range(2):
        control.clear_journal()
        result = run(INCREMENTAL_SYNC)
        assert result.success
        assert len(control.journal()) <= 3
        kind, calls = newest_run(engine)
        assert (kind, calls) == ("incremental_sync", len(control.journal()))
    assert is_whole(result).passed
    found = shown(result, RECENT_CHANGES)
    assert (found["found_count"], found["is_complete"], found["api_calls_used"]) == (0, True, 1)
    assert found["low_at"] < found["high_at"]


def test_before_the_first_full_sync_a_look_says_so_and_asks_for_one(
    run: Run, engine: Engine, settings: Settings, instance: dg.DagsterInstance
) -> None:
    assert not full_sync_is_asked_for(settings, instance)
    result = run(INCREMENTAL_SYNC)

    assert result.success
    assert not is_whole(result).passed
    assert "a full sync comes first" in (is_whole(result).description or "")
    assert newest_run(engine) == ("incremental_sync", 1)
    assert full_sync_is_asked_for(settings, instance)
    run(FULL_SYNC)
    assert not full_sync_is_asked_for(settings, instance)


def test_a_paused_look_is_no_failure_and_is_told(run: Run, control: ControlClient) -> None:
    run(FULL_SYNC)
    control.add_faults(Rule(Kind.QUOTA, **SEARCH))
    result = run(INCREMENTAL_SYNC)

    assert result.success
    assert "paused" in (is_whole(result).description or "")


def test_an_outage_of_days_is_repaired_by_choosing_them(
    run: Run,
    engine: Engine,
    settings: Settings,
    instance: dg.DagsterInstance,
    control: ControlClient,
    outsider: CloudinaryClient,
) -> None:
    control.set_clock_offset(-5 * 86400)
    texts: dict[str, Any] = {"resource_type": ResourceType.RAW, "delivery_type": "upload"}
    ids = [outsider.upload(b"a", public_id=f"r{n}", overwrite=True, **texts).asset_id for n in range(6)]
    run(FULL_SYNC)
    # Nobody is told of what happens now.
    control.set_clock_offset(-3 * 86400)
    outsider.change_tags(TagCommand.ADD, ["edited"], public_ids=["r0"], **texts)
    control.set_clock_offset(-2 * 86400)
    outsider.upload(b"new", public_id="new", overwrite=True, **texts)
    outsider.delete_assets(ids[1:3])
    control.set_clock_offset(0)

    result = run(OUTAGE_BACKFILL, **days(3, 2))
    assert result.success
    assert is_whole(result).passed
    assert newest_run(engine)[0] == "backfill"
    assert shown(result, OUTAGE_WINDOW)["hinted_count"] == 2
    chosen = set(days(3, 2).values())
    assert instance.get_materialized_partitions(dg.AssetKey(OUTAGE_WINDOW)) == chosen
    # Creations and edits are here. Deletions are not: nothing that the search does not show is absent.
    assert {one.key for one in differences(settings, engine)} == set(ids[1:3])

    assert full_sync_is_asked_for(settings, instance)
    run(FULL_SYNC)
    assert not full_sync_is_asked_for(settings, instance)
    assert differences(settings, engine) == []


def test_a_full_sync_that_was_wished_for_and_did_not_list_everything_is_asked_for_again_after_an_hour(
    run: Run, engine: Engine, settings: Settings, instance: dg.DagsterInstance, control: ControlClient
) -> None:
    run(OUTAGE_BACKFILL, **days(1, 0))
    control.add_faults(Rule(Kind.STATUS, path="/resources/raw/upload*", status=503))
    run(FULL_SYNC)
    assert not full_sync_is_asked_for(settings, instance)

    with engine.begin() as connection:
        connection.exec_driver_sql("update landing.listing_run set started_at = started_at - interval '61 minutes'")
    assert full_sync_is_asked_for(settings, instance)


def test_the_schedule_asks_every_few_minutes_unless_a_sync_is_under_way(
    engine: Engine, settings: Settings, tmp_path: Path
) -> None:
    # The context of a schedule takes no instance that lives in memory.
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        assert isinstance(tick(settings, instance), dg.RunRequest)
        for job in (FULL_SYNC, INCREMENTAL_SYNC, OUTAGE_BACKFILL):
            run_id = str(uuid4())
            instance.add_run(DagsterRun(job_name=job, run_id=run_id, status=dg.DagsterRunStatus.STARTED))
            assert "under way" in str(tick(settings, instance))
            instance.delete_run(run_id)
