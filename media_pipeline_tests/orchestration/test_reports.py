"""The assets of the group ``reports``, on the emulator and a database of its own: what they find and where it lies."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import Engine

from media_pipeline.db.engine import transaction
from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.orchestration.build import build_defs
from media_pipeline.orchestration.resources import FULL_SYNC, LIBRARY_REPORTS, PUSH_PENDING, STATISTICS, VERIFY
from media_pipeline.progress import Silent
from media_pipeline.remote.calls import UnlimitedBudget
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.reports.files import PAGE, list_written
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import AssetId, ResourceType
from media_pipeline_tests.orchestration.conftest import ASSET_COUNT, QUIET

Execute = Callable[[str], dg.ExecuteInProcessResult]
NOTHING_LEFT_OUT = {"vault": False, "reports_url": "https://reports.example.com/here"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update=NOTHING_LEFT_OUT)


@pytest.fixture
def execute(settings: Settings) -> Iterator[Execute]:
    """Runs a job by its name; failures are in the result."""
    defs = build_defs(settings=settings, progress=Silent())
    with dg.DagsterInstance.ephemeral() as instance:

        def run(name: str) -> dg.ExecuteInProcessResult:
            job = defs.resolve_job_def(name)
            result = job.execute_in_process(instance=instance, run_config=QUIET, raise_on_error=False)
            assert result.success
            return result

        yield run


@pytest.fixture
def client(settings: Settings) -> Iterator[CloudinaryClient]:
    """An outsider's hands."""
    assert settings.cloud is not None
    budget = UnlimitedBudget()
    with CloudinaryClient(settings.cloud, settings=settings, budget=budget, refuse_emulator=False) as outsider:
        yield outsider


def upload(client: CloudinaryClient, public_id: str, content: bytes) -> AssetId:
    return client.upload(
        content, public_id=public_id, resource_type=ResourceType.RAW, delivery_type="upload", overwrite=True
    ).asset_id


def sql(engine: Engine, text: str) -> list[Any]:
    with engine.begin() as connection:
        result = connection.exec_driver_sql(text)
        return [tuple(row) for row in result] if result.returns_rows else []


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    (made,) = result.asset_materializations_for_node(asset)
    return {name: value.value for name, value in made.metadata.items()}


def told(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """Checks that did not pass, with what they say; none of them fails a run."""
    found = [one for one in result.get_asset_check_evaluations() if not one.passed]
    assert {one.severity for one in found} <= {dg.AssetCheckSeverity.WARN}
    return {one.check_name: one.description or "" for one in found}


def rows(settings: Settings, report: str, table: str) -> list[dict[str, str]]:
    path = settings.reports / report / "latest" / f"{table}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def page(settings: Settings, report: str) -> str:
    return (settings.reports / report / "latest" / PAGE).read_text(encoding="utf-8")


def test_without_anything_to_report_every_report_says_so(execute: Execute, settings: Settings) -> None:
    execute(FULL_SYNC)
    result = execute(LIBRARY_REPORTS)

    assert told(result) == {}
    assert "No duplicates: no two live assets have the same bytes." in page(settings, "duplicate_report")
    assert "No open conflicts" in page(settings, "conflicts")
    assert "None: every asset that is known in Cloudinary has its row." in page(settings, "orphan_report")
    # Nobody reports uses, so nothing may be called unused.
    assert "none can be called unused" in page(settings, "orphan_report")
    assert "orphan_count" not in metadata(result, "orphan_report")
    assert {one.name for one in list_written(settings)} == {"duplicate_report", "conflicts", "orphan_report"}


def test_equal_bytes_are_found_also_after_they_changed_and_are_asked_for_once(
    execute: Execute, settings: Settings, engine: Engine, client: CloudinaryClient
) -> None:
    same, other = b"the same bytes", b"as many bytes!"
    assert len(same) == len(other)
    for name in ("first", "second", "third"):
        upload(client, name, same)
    upload(client, "of the same size", other)
    upload(client, "alone", b"of a size of its own, really")
    execute(FULL_SYNC)
    sql(
        engine,
        "insert into media_usage (media_asset_id, source_system, reference, usage_kind)"
        " select id, 'website', 'page', 'picture' from media_assets where public_id = 'second'",
    )

    first = metadata(execute(LIBRARY_REPORTS), "duplicate_report")
    again = metadata(execute(LIBRARY_REPORTS), "duplicate_report")

    assert (first["group_count"], first["duplicate_count"], first["saved_bytes"]) == (1, 3, 2 * len(same))
    assert (first["candidate_count"], first["assets_not_compared"], first["api_calls_used"]) == (4, 0, 1)
    assert again["api_calls_used"] == 0
    (group,) = rows(settings, "duplicate_report", "groups")
    assert sorted(group["public ids"].split("\n")) == ["first", "second", "third"]
    assert (group["assets"], group["bytes to save"], group["live uses"]) == ("3", str(2 * len(same)), "1")
    found = {row["public_id"]: row["used by"] for row in rows(settings, "duplicate_report", "assets")}
    assert found == {"first": "", "second": "website: page", "third": ""}

    # Others overwrite one; of a version that was not read nothing is known.
    upload(client, "third", other)
    execute(FULL_SYNC)
    changed = metadata(execute(LIBRARY_REPORTS), "duplicate_report")

    assert (changed["group_count"], changed["duplicate_count"], changed["api_calls_used"]) == (2, 4, 1)
    assert sql(engine, "select count(*) from media_assets where deleted_at is not null") == [(0,)]


def test_an_allowance_that_is_spent_leaves_the_rest_to_the_next_run(
    execute: Execute, settings: Settings, client: CloudinaryClient, control: ControlClient
) -> None:
    upload(client, "first", b"the same bytes")
    upload(client, "second", b"the same bytes")
    execute(FULL_SYNC)
    control.add_faults(Rule(Kind.QUOTA, path="/resources/by_asset_ids"))
    result = execute(LIBRARY_REPORTS)

    assert metadata(result, "duplicate_report")["assets_not_compared"] == 2
    assert told(result) == {"every_candidate_is_compared": "2 assets were not compared yet."}
    assert "2 assets were not compared yet" in page(settings, "duplicate_report")
    assert "No duplicates among the assets that were compared." in page(settings, "duplicate_report")


def test_what_has_no_partner_is_listed_whole(execute: Execute, settings: Settings, engine: Engine) -> None:
    execute(FULL_SYNC)
    # A row that nothing stands behind, and an asset without a row: the engine's own hands, gone wrong.
    with transaction(engine) as connection:
        connection.exec_driver_sql(
            "insert into media_assets (asset_id, resource_type, delivery_type, public_id, applied_fingerprint)"
            " values (repeat('a', 32), 'image', 'upload', '=no asset', sha256('a'))"
        )
        connection.exec_driver_sql(
            "insert into mirror.asset_sighting (asset_id, resource_type, delivery_type, state, touch)"
            " values (repeat('b', 32), 'image', 'upload', 'live', 1)"
        )
        connection.exec_driver_sql(
            "insert into ops.vault_object (sha256, md5, size_bytes) values (repeat('c', 64), repeat('c', 32), 7)"
        )
    sql(
        engine,
        "insert into media_usage (media_asset_id, source_system, reference, usage_kind)"
        " select id, 'website', 'page', 'picture' from media_assets order by asset_id desc limit 1",
    )
    with engine.begin() as connection:
        # The trigger would write the time of the update.
        connection.exec_driver_sql("set local session_replication_role = replica")
        connection.exec_driver_sql("update media_assets set updated_at = now() - interval '40 days'")
    result = execute(LIBRARY_REPORTS)
    found = metadata(result, "orphan_report")

    assert (found["without_row_count"], found["without_asset_count"], found["without_use_count"]) == (1, 1, 1)
    assert found["orphan_count"] == ASSET_COUNT - 1
    assert len(found["orphans"].records) == 20
    assert len(rows(settings, "orphan_report", "unwanted")) == ASSET_COUNT - 1
    assert [row["public_id"] for row in rows(settings, "orphan_report", "without_asset")] == ["'=no asset"]
    assert [row["asset_id"] for row in rows(settings, "orphan_report", "without_row")] == ["b" * 32]
    assert [row["SHA-256"] for row in rows(settings, "orphan_report", "unused_files")] == ["c" * 64]
    assert "without_row_count: 1" in told(result)["everything_has_a_partner"]


def test_open_conflicts_have_their_values_and_the_command_and_settled_ones_who_won(
    execute: Execute, settings: Settings, engine: Engine, client: CloudinaryClient
) -> None:
    ids = {name: upload(client, name, name.encode()) for name in ("a", "b")}
    execute(FULL_SYNC)
    for name, asset_id in ids.items():
        sql(engine, f"update media_assets set display_name = 'ours' where public_id = '{name}'")
        client.update(asset_id, display_name="=theirs")
    execute(PUSH_PENDING)
    execute(VERIFY)
    ((settled,),) = sql(engine, "select min(id) from outbox.conflict")
    sql(
        engine,
        "update outbox.conflict set state = 'remote_wins', resolved_at = now(), resolved_by = 'cli:ada'"
        f" where id = {settled}",
    )
    result = execute(LIBRARY_REPORTS)

    assert (metadata(result, "conflicts")["open_count"], metadata(result, "conflicts")["settled_count"]) == (1, 1)
    assert told(result) == {"no_open_conflicts": "1 fields wait for a decision: media-pipeline conflicts list."}
    (one,) = rows(settings, "conflicts", "open")
    assert (one["field"], one["local"], one["remote"]) == ("display_name", '"ours"', '"=theirs"')
    assert one["to settle it"] == f"media-pipeline conflicts resolve {one['conflict']} --local, or --remote"
    assert float(one["days open"]) == 0
    (past,) = rows(settings, "conflicts", "settled")
    assert (past["conflict"], past["winner"], past["settled by"]) == (str(settled), "remote_wins", "cli:ada")


def test_figures_are_kept_and_drawn_and_their_number_is_bounded(
    execute: Execute, settings: Settings, engine: Engine
) -> None:
    execute(FULL_SYNC)
    sql(
        engine,
        "insert into ops.status_snapshot (taken_at, figures) select now() - make_interval(days => day), "
        "get_media_statistics() from generate_series(0, 450) as day",
    )
    found = metadata(execute(STATISTICS), "library_statistics")
    execute(STATISTICS)

    assert (found["asset_count"], found["by_resource_type.image"] > 0, found["open_conflict_count"]) == (100, True, 0)
    assert "lag_p50_seconds" not in found
    assert found["trend"].startswith("![Assets, over the last 30 days](data:image/svg+xml;base64,")
    assert sql(engine, "select count(*), min(taken_at) > now() - interval '401 days' from ops.status_snapshot") == [
        (402, True)
    ]
    assert found["report"].startswith("https://reports.example.com/here/library_statistics/")
    assert "data:image/svg+xml" in page(settings, "library_statistics")
    assert {row["figure"]: row["value"] for row in rows(settings, "library_statistics", "figures")}[
        "asset_count"
    ] == "100"
    # The oldest page of this kind goes after a day: the figures are in the database.
    home = settings.reports / "library_statistics"
    old = datetime.now(UTC) - timedelta(days=2)
    ((directory, manifest),) = [(one, one / "report.json") for one in [sorted(home.glob("2*"))[0]]]
    manifest.write_text(manifest.read_text().replace(f"{datetime.now(UTC):%Y-%m-%d}", f"{old:%Y-%m-%d}"))
    execute(STATISTICS)
    assert not directory.exists()


def test_reports_are_runs_of_their_own_that_need_the_cloud_for_duplicates_alone(
    execute: Execute, engine: Engine, control: ControlClient
) -> None:
    execute(FULL_SYNC)
    execute(STATISTICS)
    execute(LIBRARY_REPORTS)

    assert sql(engine, "select kind, state from ops.run order by id") == [
        ("full_sync", "succeeded"),
        ("reports", "succeeded"),
        ("reports", "succeeded"),
    ]
    ((statistics, reports),) = sql(
        engine,
        "select (array_agg(counts -> 'total' -> 'api_calls' order by id))[2],"
        " (array_agg(counts -> 'total' -> 'api_calls' order by id))[3] from ops.run",
    )
    assert statistics == 0
    assert reports >= 1


@pytest.mark.parametrize("name", ["statistics_every_quarter", "nightly_reports"])
def test_no_schedule_of_reports_ticks_at_the_minute_of_another(name: str) -> None:
    def minutes(cron: str) -> set[tuple[str, int]]:
        minute, hour, *_ = cron.split()
        first, _, step = minute.partition("/")
        low, _, high = first.partition("-")
        chosen = range(int(low), int(high or low) + 1, int(step or 1))
        return {(hour, one) for one in chosen}

    schedules = {one.name: one for one in build_defs().get_repository_def().schedule_defs}
    ours = minutes(str(schedules.pop(name).cron_schedule))

    for other in schedules.values():
        for hour, minute in minutes(str(other.cron_schedule)):
            at_that_minute = {mine for mine, one in ours if one == minute}
            assert not at_that_minute & {hour, "*"}
            assert not at_that_minute or hour != "*"
