"""The job as a whole, on the emulator and a database of its own: what it leaves in both."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import Engine, text

from media_pipeline.db.engine import read_only, transaction
from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.errors import ConfigurationError
from media_pipeline.ops import holds
from media_pipeline.orchestration.assets import FULL_SYNC_ASSETS
from media_pipeline.orchestration.build import build_defs
from media_pipeline.orchestration.resources import FULL_SYNC
from media_pipeline.progress import Silent
from media_pipeline.settings import Settings, load
from media_pipeline.vocabulary import HoldState
from media_pipeline_tests.orchestration.conftest import ASSET_COUNT, QUIET

Sync = Callable[[], dg.ExecuteInProcessResult]


def _metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    (made,) = result.asset_materializations_for_node(asset)
    return {name: value.value for name, value in made.metadata.items()}


def _checks(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str], dg.AssetCheckEvaluation]:
    return {(one.asset_key.to_user_string(), one.check_name): one for one in result.get_asset_check_evaluations()}


def _failed_checks(result: dg.ExecuteInProcessResult) -> set[tuple[str, str]]:
    return {key for key, one in _checks(result).items() if not one.passed}


def _rows(engine: Engine, sql: str) -> list[Any]:
    with read_only(engine) as connection:
        return list(connection.execute(text(sql)))


def _newest_run(engine: Engine) -> Any:
    return _rows(engine, "select * from ops.run order by id desc limit 1")[0]


@pytest.fixture
def rejected_inserts(engine: Engine) -> Callable[[str], None]:
    """Makes Postgres refuse every new row of a table, as a full disk would."""

    def refuse(table: str) -> None:
        with transaction(engine, role=None) as connection:
            connection.execute(
                text(
                    "create function public.refuse_row() returns trigger language plpgsql as "
                    "$$ begin raise exception 'no room for this row'; end $$"
                )
            )
            connection.execute(text("grant execute on function public.refuse_row() to media_sync"))
            connection.execute(
                text(f"create trigger refused before insert on {table} execute function public.refuse_row()")
            )

    return refuse


def test_a_first_sync_fills_the_library_and_every_check_passes(sync: Sync, engine: Engine) -> None:
    result = sync()

    assert result.success
    assert _failed_checks(result) == set()
    graph = build_defs().resolve_asset_graph()
    assert set(_checks(result)) == {
        (key.asset_key.to_user_string(), key.name)
        for key in graph.get_check_keys_for_assets({asset.key for asset in FULL_SYNC_ASSETS})
    }
    assert _rows(engine, "select count(*) from public.media_assets where deleted_at is null") == [(ASSET_COUNT,)]


def test_a_first_sync_shows_counts_tables_columns_calls_and_a_sample(sync: Sync) -> None:
    result = sync()

    listed = _metadata(result, "cloudinary_listing")
    assert listed["assets"] == ASSET_COUNT
    assert listed["dagster/row_count"] == listed["pages"]
    # One call more than pages: the search is asked for delivery types that are not listed.
    assert listed["api_calls_used"] == listed["pages"] + 1
    assert listed["api_calls_left"] == listed["api_calls_allowed_an_hour"] - listed["api_calls_used"] - 1
    mirrored = _metadata(result, "remote_assets")
    assert mirrored["page_count"] == listed["pages"]
    assert mirrored["pages.seen"] == mirrored["pages.written"] == ASSET_COUNT
    found = _metadata(result, "diff_set")
    assert found["dagster/row_count"] == found["created"] == ASSET_COUNT
    assert len(found["sample"].records) == 20
    assert {record.data["kind"] for record in found["sample"].records} == {"created"}
    library = _metadata(result, "media_assets")
    assert library["dagster/row_count"] == library["rows_changed"] == ASSET_COUNT
    assert library["dagster/table_name"].endswith(".public.media_assets")
    columns = {column.name: column for column in library["dagster/column_schema"].columns}
    assert columns["tags"].type == "text[]"
    assert not columns["asset_id"].constraints.nullable
    assert "immutable key" in columns["asset_id"].description


def test_a_second_sync_changes_nothing(sync: Sync, engine: Engine) -> None:
    sync()
    log_before = _rows(engine, "select count(*) from public.media_sync_log")
    versions_before = _rows(engine, "select asset_id, row_version, xmin from public.media_assets order by 1")

    result = sync()

    assert result.success
    assert _failed_checks(result) == set()
    assert _metadata(result, "diff_set")["changes"] == "Nothing changed."
    assert _metadata(result, "media_assets")["rows_changed"] == 0
    assert _rows(engine, "select count(*) from public.media_sync_log") == log_before
    assert _rows(engine, "select asset_id, row_version, xmin from public.media_assets order by 1") == versions_before


def test_the_run_is_linked_to_dagster_and_counts_its_steps(sync: Sync, engine: Engine) -> None:
    result = sync()

    run = _newest_run(engine)
    assert (run.kind, run.state, run.error) == ("full_sync", "succeeded", None)
    assert run.dagster_run_id == result.run_id
    assert run.actor == f"dagster:{result.run_id}"
    assert set(run.counts) == {"listing", "mirror", "diff", "apply", "folders", "metadata_fields", "total"}
    steps = [run.counts[name]["api_calls"] for name in run.counts if name != "total"]
    # One call more than the steps made: the cloud was asked for its name.
    assert run.counts["total"]["api_calls"] == sum(steps) + 1


def test_a_part_chosen_by_hand_is_no_full_sync(settings: Settings, engine: Engine) -> None:
    job = build_defs(settings=settings, progress=Silent()).resolve_implicit_global_asset_job_def()

    with dg.DagsterInstance.ephemeral() as instance:
        job.execute_in_process(instance=instance, asset_selection=[dg.AssetKey("metadata_fields")])

    run = _newest_run(engine)
    assert (run.kind, run.state) == ("incremental_sync", "succeeded")


def test_pages_are_taken_over_only_by_a_run_that_shows_it(settings: Settings, engine: Engine) -> None:
    job = build_defs(settings=settings, progress=Silent()).resolve_implicit_global_asset_job_def()
    waiting = "select count(*) > 0, count(applied_at) from landing.listing_page"

    with dg.DagsterInstance.ephemeral() as instance:
        job.execute_in_process(instance=instance, asset_selection=[dg.AssetKey("cloudinary_listing")])
        assert _rows(engine, waiting) == [(True, 0)]
        job.execute_in_process(instance=instance, asset_selection=[dg.AssetKey("remote_assets")])

    assert _rows(engine, "select count(*) from landing.listing_page where applied_at is null") == [(0,)]


def test_checks_alone_leave_no_run_and_ask_nothing_of_the_cloud(
    sync: Sync, settings: Settings, engine: Engine, control: ControlClient
) -> None:
    sync()
    control.clear_journal()
    runs_before = _rows(engine, "select count(*) from ops.run")

    result = _run_checks(settings, "every_version_is_logged")

    assert [one.check_name for one in result.get_asset_check_evaluations()] == ["every_version_is_logged"]
    assert _rows(engine, "select count(*) from ops.run") == runs_before
    assert control.journal() == []


def test_a_mass_deletion_is_held_and_the_run_succeeds_with_a_warning(
    sync: Sync, engine: Engine, control: ControlClient
) -> None:
    sync()
    control.reset()

    result = sync()

    assert result.success
    assert _failed_checks(result) == {("remote_assets", "no_open_holds")}
    warning = _checks(result)["remote_assets", "no_open_holds"]
    assert warning.severity is dg.AssetCheckSeverity.WARN
    first = min(hold.id for hold in holds.list_holds(engine))
    assert f"media-pipeline holds approve {first}" in (warning.description or "")
    run = _newest_run(engine)
    assert (run.state, run.error) == ("held", None)
    assert set(run.counts["mirror"]["hold_ids"]) == {hold.id for hold in holds.list_holds(engine)}
    assert _rows(engine, "select count(*) from public.media_assets where deleted_at is null") == [(ASSET_COUNT,)]


def test_an_approved_mass_deletion_is_carried_out_by_the_next_sync(
    sync: Sync, engine: Engine, control: ControlClient
) -> None:
    sync()
    control.reset()
    sync()
    for hold in holds.list_holds(engine):
        holds.decide(engine, hold.id, HoldState.APPROVED, actor="user:tester")

    result = sync()

    assert _failed_checks(result) == set()
    assert _newest_run(engine).state == "succeeded"
    assert _rows(engine, "select count(*) from public.media_assets where deleted_at is null") == [(0,)]


def test_a_slice_that_breaks_is_named_and_the_others_go_on(sync: Sync, engine: Engine, control: ControlClient) -> None:
    control.add_faults(Rule(Kind.STATUS, method="GET", path="/resources/video/upload*", times=1, status=503))

    result = sync()

    assert result.success
    assert _failed_checks(result) == {("cloudinary_listing", "every_slice_complete")}
    told = _checks(result)["cloudinary_listing", "every_slice_complete"]
    assert told.severity is dg.AssetCheckSeverity.WARN
    assert "video/upload" in (told.description or "")
    (problem,) = _newest_run(engine).counts["listing"]["problems"]
    assert problem.startswith("video/upload: ")


def test_a_delivery_type_that_nobody_asked_for_is_told(settings: Settings) -> None:
    narrow = settings.model_copy(update={"delivery_types": ("upload",)})
    job = build_defs(settings=narrow, progress=Silent()).resolve_job_def(FULL_SYNC)

    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, run_config=QUIET)

    assert _failed_checks(result) == {("cloudinary_listing", "delivery_types_are_listed")}
    told = _checks(result)["cloudinary_listing", "delivery_types_are_listed"]
    assert told.severity is dg.AssetCheckSeverity.WARN
    assert "image/private" in _metadata_of_check(result, "delivery_types_are_listed")["unlisted"]


def test_a_search_that_cannot_be_asked_leaves_the_sync_its_worth(sync: Sync, control: ControlClient) -> None:
    control.add_faults(Rule(Kind.STATUS, path="/resources/search*", status=403))

    result = sync()

    assert result.success
    assert _failed_checks(result) == {("cloudinary_listing", "delivery_types_are_listed")}


def test_a_failure_in_the_middle_ends_the_run_as_failed(
    sync: Sync, engine: Engine, rejected_inserts: Callable[[str], None]
) -> None:
    rejected_inserts("diff.change_set")

    result = sync()

    assert not result.success
    run = _newest_run(engine)
    assert run.state == "failed"
    assert "no room for this row" in run.error
    assert run.finished_at is not None
    # What was done before is kept, what needs no diff was done as well.
    assert set(run.counts) == {"listing", "mirror", "folders", "metadata_fields", "total"}


def test_a_refused_key_is_a_failed_run_that_operators_see(sync: Sync, engine: Engine, control: ControlClient) -> None:
    control.add_faults(Rule(Kind.STATUS, method="GET", path="/config*", status=401))

    result = sync()

    assert not result.success
    run = _newest_run(engine)
    assert run.state == "failed"
    # Asked once, though the definitions of metadata do not depend on the listing and were tried as well.
    assert run.counts == {"total": {**run.counts["total"], "api_calls": 1}}
    assert _rows(engine, "select count(*) from ops.cloud_binding") == [(0,)]


def test_a_broken_rule_that_protects_fails_the_run(sync: Sync, engine: Engine) -> None:
    sync()
    with transaction(engine) as connection:
        connection.execute(text("update public.media_assets set row_version = row_version + 1 where public_id <> ''"))

    result = sync()

    assert not result.success
    assert _failed_checks(result) == {("media_assets", "every_version_is_logged")}
    assert _metadata_of_check(result, "every_version_is_logged")["rows_that_break_it"] == ASSET_COUNT
    run = _newest_run(engine)
    assert run.state == "failed"
    assert "library_checks" in run.error


def test_a_row_without_an_observation_fails_the_run(sync: Sync, engine: Engine) -> None:
    sync()
    with transaction(engine) as connection:
        connection.execute(
            text(
                "insert into public.media_assets "
                "(asset_id, resource_type, delivery_type, public_id, applied_fingerprint) "
                "values (repeat('f', 32), 'image', 'upload', 'made by hand', 'x')"
            )
        )

    assert ("media_assets", "every_asset_was_seen") in _failed_checks(sync())


def test_a_row_that_is_not_as_the_mirror_says_is_told(sync: Sync, engine: Engine, settings: Settings) -> None:
    sync()
    with transaction(engine) as connection:
        connection.execute(
            text(
                "update public.media_assets set applied_fingerprint = 'x' where asset_id in "
                "(select asset_id from public.media_assets order by asset_id limit 3)"
            )
        )

    result = _run_checks(settings, "mirror_is_applied")

    (told,) = result.get_asset_check_evaluations()
    assert not told.passed
    assert told.severity is dg.AssetCheckSeverity.WARN
    assert told.metadata["rows_that_break_it"].value == 3


def test_a_name_that_two_assets_share_is_told(sync: Sync, engine: Engine, settings: Settings) -> None:
    sync()
    with transaction(engine) as connection:
        connection.execute(
            text(
                "update public.media_assets "
                "set public_id = 'shared', resource_type = 'image', delivery_type = 'upload' "
                "where asset_id in (select asset_id from public.media_assets order by asset_id limit 2)"
            )
        )

    result = _run_checks(settings, "names_are_unique")

    assert _failed_checks(result) == {("media_assets", "names_are_unique")}
    assert _metadata_of_check(result, "names_are_unique")["sample"].records[0].data["public_id"] == "shared"


def test_a_record_that_makes_no_sense_is_told_with_its_reason(
    sync: Sync, engine: Engine, control: ControlClient
) -> None:
    sync()
    with transaction(engine) as connection:
        connection.execute(
            text(
                "insert into mirror.quarantine (asset_id, reason, detail, body, body_digest) "
                "values (null, 'no_asset_id', 'it has none', '{}', sha256('{}'))"
            )
        )

    result = sync()

    assert result.success
    told = _checks(result)["remote_assets", "nothing_quarantined"]
    assert (told.passed, told.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert _metadata_of_check(result, "nothing_quarantined")["records"].records[0].data["reason"] == "no_asset_id"


def test_a_sync_that_is_stopped_ends_its_run(settings: Settings, engine: Engine) -> None:
    class StopsAtApply(Silent):
        def advance(self, step: str, *, done: int = 0, total: int | None = None, **counts: int) -> None:
            if step == "apply":
                signal.raise_signal(signal.SIGINT)

    job = build_defs(settings=settings, progress=StopsAtApply()).resolve_job_def(FULL_SYNC)

    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, run_config=QUIET, raise_on_error=False)

    assert not result.success
    run = _newest_run(engine)
    assert (run.state, run.error) == ("failed", "It was stopped before its end.")


def _run_checks(settings: Settings, name: str) -> dg.ExecuteInProcessResult:
    chosen = dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey("media_assets"), name))
    only = dg.Definitions(jobs=[dg.define_asset_job("only_checks", selection=chosen)])
    defs = dg.Definitions.merge(build_defs(settings=settings, progress=Silent()), only)
    with dg.DagsterInstance.ephemeral() as instance:
        return defs.resolve_job_def("only_checks").execute_in_process(instance=instance, run_config=QUIET)


def _metadata_of_check(result: dg.ExecuteInProcessResult, name: str) -> dict[str, Any]:
    (one,) = [one for one in result.get_asset_check_evaluations() if one.check_name == name]
    return {key: value.value for key, value in one.metadata.items()}


def test_a_wrong_variable_fails_the_run_with_its_name_and_not_the_code_location(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MEDIA_PIPELINE_LISTING_PAGE_SIZE", "9999")
    job = build_defs().resolve_job_def(FULL_SYNC)

    with (
        dg.DagsterInstance.ephemeral() as instance,
        pytest.raises(ConfigurationError, match="MEDIA_PIPELINE_LISTING_PAGE_SIZE"),
    ):
        job.execute_in_process(instance=instance, run_config=QUIET)


@pytest.mark.slow
def test_a_run_without_any_setting_brings_its_own_database_and_emulator(server_home: Path) -> None:
    job = build_defs(settings=load(home=server_home)).resolve_job_def(FULL_SYNC)

    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, run_config=QUIET)

    assert result.success
    (seen,) = result.get_asset_observation_events()
    observed = seen.asset_observation_data.asset_observation.metadata
    assert (observed["cloud_name"].value, observed["is_emulator"].value) == ("emu-demo", True)


def test_the_first_sync_knows_every_folder_in_which_an_asset_lies(
    sync: Callable[[], dg.ExecuteInProcessResult], engine: Engine, control: ControlClient
) -> None:
    """The search of folders ends at 2000 of them; what it leaves out is known by the assets."""
    control.add_faults(Rule(Kind.STATUS, path="/folders/search", status=200, body='{"folders": [], "total_count": 0}'))

    result = sync()

    assert result.success
    # Pages of a large library are still being taken over when the walk ends.
    begun = [event.step_key for event in result.all_events if event.event_type is dg.DagsterEventType.STEP_START]
    assert begun.index("remote_assets") < begun.index("media_folders")
    with engine.connect() as connection:
        unknown = connection.exec_driver_sql("select count(*) from quality.asset_without_folder").scalar_one()
        known = connection.exec_driver_sql("select count(*) from media_folders").scalar_one()
    assert known > 0
    assert unknown == 0
