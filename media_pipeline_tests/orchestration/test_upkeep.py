"""Upkeep as Dagster runs it: without Cloudinary, and what Dagster itself forgets."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.runs.schema import RunsTable
from pydantic import SecretStr
from sqlalchemy import Engine, select, update

from media_pipeline.orchestration.build import build_defs
from media_pipeline.orchestration.resources import OUTAGE_WINDOW, UPKEEP
from media_pipeline.orchestration.upkeep import RunsForgotten, forget_runs
from media_pipeline.progress import Silent
from media_pipeline.settings import Settings, load
from media_pipeline_tests.migrations.catalogue import rows
from media_pipeline_tests.orchestration.conftest import QUIET


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def unreachable(tmp_path: Path, database_url: str) -> Settings:
    """Settings of a cloud that does not answer."""
    return load(
        home=tmp_path / "home",
        database_url=SecretStr(database_url),
        CLOUDINARY_URL=SecretStr("cloudinary://key:secret@nowhere?upload_prefix=http://127.0.0.1:9"),
        retries=0,
    )


def run_upkeep(settings: Settings, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    job = build_defs(settings=settings, progress=Silent()).resolve_job_def(UPKEEP)
    return job.execute_in_process(instance=instance, run_config=QUIET, raise_on_error=False)


def shown(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    (made,) = result.asset_materializations_for_node(asset)
    return {name: value.value for name, value in made.metadata.items()}


def test_the_job_works_while_cloudinary_does_not_answer(
    unreachable: Settings, instance: dg.DagsterInstance, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("insert into ops.api_call values (now() - interval '40 days', 'listing', 3)")
    unreachable.spool.mkdir(parents=True)

    result = run_upkeep(unreachable, instance)

    assert result.success
    removed = shown(result, "done_work_retention")
    assert (removed["ops.api_call"], removed["rows_removed"], removed["spool_files"]) == (1, 1, 0)
    assert shown(result, "sync_log_retention")["archived_months"] == 0
    assert shown(result, "dagster_retention")["runs"] == 0
    assert {one.check_name: one.passed for one in result.get_asset_check_evaluations()} == {
        "partitions_are_ahead": True,
        "everything_old_is_sealed": True,
        "old_months_are_archived": True,
    }
    assert rows(engine, "select kind, state, counts -> 'done_work' -> 'rows' -> 'ops.api_call' from ops.run") == [
        (UPKEEP, "succeeded", 1)
    ]


def test_an_entry_that_cannot_be_sealed_and_one_without_a_month_are_told_by_checks(
    unreachable: Settings, instance: dg.DagsterInstance, engine: Engine
) -> None:
    entry = (
        "insert into public.media_sync_log (recorded_at, action, cause, actor, digest)"
        " values ('2001-01-01', 'cloud_bound', 'test', 'cli:test', sha256(''))"
    )
    with engine.begin() as connection, engine.begin() as open_for_days:
        open_for_days.exec_driver_sql("select pg_current_xact_id()")
        connection.exec_driver_sql(entry)
        connection.commit()
        result = run_upkeep(unreachable, instance)

    assert result.success
    assert {one.check_name for one in result.get_asset_check_evaluations() if not one.passed} == {
        "partitions_are_ahead",
        "everything_old_is_sealed",
    }


def test_a_log_that_was_tampered_with_is_told_by_a_check(
    unreachable: Settings, instance: dg.DagsterInstance, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "create table audit.media_sync_log_2020_01 partition of public.media_sync_log"
            " for values from ('2020-01-01 00:00:00+00') to ('2020-02-01 00:00:00+00')"
        )
        connection.exec_driver_sql(
            "insert into public.media_sync_log (recorded_at, action, cause, actor, digest)"
            " values ('2020-01-05', 'cloud_bound', 'test', 'cli:test', sha256(''))"
        )

    result = run_upkeep(unreachable, instance)

    (told,) = [one for one in result.get_asset_check_evaluations() if not one.passed]
    assert (told.check_name, told.severity) == ("old_months_are_archived", dg.AssetCheckSeverity.WARN)
    assert "2020-01: places of the log that were tampered with: 1" in (told.description or "")


# Dagster's runs

OLD = datetime.now(UTC) - timedelta(days=40)
ANCIENT = datetime.now(UTC) - timedelta(days=500)


@dg.asset(check_specs=[dg.AssetCheckSpec("is_good", asset="one")])
def one() -> dg.MaterializeResult:  # type: ignore[type-arg]
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])


@dg.asset
def other() -> None:
    """Made by a run of its own."""


@dg.asset_check(asset=other)
def is_whole() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@dg.asset(name=OUTAGE_WINDOW, partitions_def=dg.StaticPartitionsDefinition(["a", "b"]))
def window() -> None:
    """Has partitions."""


Make = Callable[..., str]


@pytest.fixture
def make(instance: dg.DagsterInstance) -> Make:
    """Runs assets, and says that the run ended at a time; returns its id."""

    def run(*made: dg.AssetsDefinition, at: datetime = OLD, **options: Any) -> str:
        result = dg.materialize(made, instance=instance, run_config=QUIET, **options)
        storage, events = instance.run_storage, instance.event_log_storage
        assert isinstance(storage, SqlRunStorage)
        assert isinstance(events, SqlEventLogStorage)
        moment = at.replace(tzinfo=None)
        with storage.connect() as connection:
            connection.execute(
                update(RunsTable)
                .where(RunsTable.c.run_id == result.run_id)
                .values(create_timestamp=moment, update_timestamp=moment)
            )
        with events.index_connection() as connection:
            connection.execute(
                update(SqlEventLogStorageTable)
                .where(SqlEventLogStorageTable.c.run_id == result.run_id)
                .values(timestamp=moment)
            )
        (Path(instance.storage_directory()) / result.run_id / "compute_logs").mkdir(parents=True, exist_ok=True)
        (Path(instance.storage_directory()) / result.run_id / "compute_logs" / "a.out").write_text("said")
        return result.run_id

    return run


def forget(instance: dg.DagsterInstance, **options: Any) -> RunsForgotten:
    return forget_runs(instance, retention_days=30, log_retention_days=400, **options)


def evaluations(instance: dg.DagsterInstance) -> set[str]:
    events = instance.event_log_storage
    assert isinstance(events, SqlEventLogStorage)
    with events.index_connection() as connection:
        return set(connection.execute(select(AssetCheckExecutionsTable.c.run_id)).scalars())


def test_an_old_run_goes_with_its_events_its_evaluations_and_its_output(
    instance: dg.DagsterInstance, make: Make
) -> None:
    first, second = make(one), make(one)

    forgotten = forget(instance)

    assert (forgotten.runs, forgotten.check_evaluations, forgotten.kept_runs) == (1, 1, 1)
    assert forgotten.output_bytes >= len("said")
    assert [run.run_id for run in instance.get_runs()] == [second]
    assert list(instance.all_logs(first)) == []
    assert evaluations(instance) == {second}
    assert not (Path(instance.storage_directory()) / first).exists()


def test_the_run_that_made_an_asset_last_stays_however_old(instance: dg.DagsterInstance, make: Make) -> None:
    kept = {make(one, at=ANCIENT), make(other, at=ANCIENT)}

    assert forget(instance).runs == 0
    assert {run.run_id for run in instance.get_runs()} == kept
    assert instance.get_latest_materialization_event(dg.AssetKey("one")) is not None


def test_the_run_that_evaluated_a_check_last_stays_though_the_asset_was_made_since(
    instance: dg.DagsterInstance, make: Make
) -> None:
    checked, without = make(other, is_whole), make(other)

    forget(instance)

    assert {run.run_id for run in instance.get_runs()} == {checked, without}


def test_a_filled_partition_stays_filled_as_long_as_the_log(instance: dg.DagsterInstance, make: Make) -> None:
    ancient = make(window, at=ANCIENT, partition_key="a")
    old = make(window, partition_key="a")
    newest = make(window, partition_key="b")

    forget(instance)

    assert {run.run_id for run in instance.get_runs()} == {old, newest}
    assert ancient not in {old, newest}
    assert instance.get_materialized_partitions(dg.AssetKey(OUTAGE_WINDOW)) == {"a", "b"}


def test_young_and_unfinished_runs_stay(instance: dg.DagsterInstance, make: Make) -> None:
    young = [make(other, at=datetime.now(UTC) - timedelta(days=29)) for _ in range(2)]
    unfinished = make(other)
    storage = instance.run_storage
    assert isinstance(storage, SqlRunStorage)
    with storage.connect() as connection:
        connection.execute(
            update(RunsTable).where(RunsTable.c.run_id == unfinished).values(status=dg.DagsterRunStatus.STARTED.value)
        )
    make(other)

    assert forget(instance).runs == 0
    assert {unfinished, *young} < {run.run_id for run in instance.get_runs()}


def test_a_dry_run_counts_and_forgets_nothing(instance: dg.DagsterInstance, make: Make) -> None:
    for _ in range(3):
        make(one)

    looked = forget(instance, is_dry_run=True)

    assert (looked.runs, looked.check_evaluations) == (2, 2)
    assert len(instance.get_runs()) == 3
    assert forget(instance) == looked


def test_more_than_one_upkeep_forgets_are_left_to_the_next(
    instance: dg.DagsterInstance, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("media_pipeline.orchestration.upkeep._MOST_RUNS", 2)
    monkeypatch.setattr("media_pipeline.orchestration.upkeep._PAGE", 1)
    ids = [make(other) for _ in range(4)]

    first, second = forget(instance), forget(instance)

    assert (first.runs, first.is_complete) == (2, False)
    assert (second.runs, second.is_complete) == (1, True)
    assert [run.run_id for run in instance.get_runs()] == [ids[-1]]


def test_output_whose_run_is_gone_is_swept_and_nothing_else_is(instance: dg.DagsterInstance) -> None:
    storage = Path(instance.storage_directory())
    names = ("0b0f8a2e-7a53-4f5c-9a57-0a1b2c3d4e5f", "an_asset")
    for name in names:
        (storage / name).mkdir(parents=True)
        os.utime(storage / name, (OLD.timestamp(), OLD.timestamp()))

    forget(instance)

    assert [name for name in names if (storage / name).exists()] == ["an_asset"]
