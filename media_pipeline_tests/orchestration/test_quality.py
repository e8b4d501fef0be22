"""The quality report in Dagster: ten checks, exactly the right one red, and started by what it is about."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import dagster as dg
import pytest
from sqlalchemy import Engine

from media_pipeline.orchestration.build import build_defs
from media_pipeline.orchestration.quality import nightly_quality
from media_pipeline.orchestration.resources import FULL_SYNC, QUALITY
from media_pipeline.progress import Silent
from media_pipeline.quality import Suite
from media_pipeline.settings import Settings
from media_pipeline_tests.orchestration.conftest import QUIET

Run = Callable[[str], dg.ExecuteInProcessResult]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def defs(settings: Settings) -> dg.Definitions:
    served = settings.model_copy(update={"reports_url": "http://127.0.0.1:3090"})
    return build_defs(settings=served, progress=Silent())


@pytest.fixture
def run(defs: dg.Definitions, instance: dg.DagsterInstance) -> Run:
    def execute(job: str) -> dg.ExecuteInProcessResult:
        return defs.resolve_job_def(job).execute_in_process(instance=instance, run_config=QUIET, raise_on_error=False)

    return execute


def checks(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {
        one.check_name: one
        for one in result.get_asset_check_evaluations()
        if one.asset_key == dg.AssetKey("quality_report")
    }


def test_each_suite_is_a_check_and_a_fault_turns_exactly_its_own_red(run: Run, engine: Engine) -> None:
    assert run(FULL_SYNC).success

    healthy = run(QUALITY)

    assert healthy.success
    found = checks(healthy)
    assert sorted(found) == sorted(suite.value for suite in Suite)
    assert [name for name, one in found.items() if not one.passed] == []

    with engine.begin() as connection:
        connection.exec_driver_sql("set local session_replication_role = replica")
        connection.exec_driver_sql(
            'update media_sync_log set after = \'{"display_name": "forged"}\' where id = (select max(id) from'
            " media_sync_log where asset_id is not null)"
        )
    broken = run(QUALITY)

    assert broken.success
    found = checks(broken)
    assert [name for name, one in found.items() if not one.passed] == ["audit_log"]
    assert found["audit_log"].severity is dg.AssetCheckSeverity.ERROR
    assert "log_is_as_written" in (found["audit_log"].description or "")
    assert "sample" in found["audit_log"].metadata


@pytest.mark.slow
def test_the_materialization_shows_figures_and_links_the_page(run: Run) -> None:
    assert run(FULL_SYNC).success

    made = run(QUALITY).asset_materializations_for_node("quality_report")[0].metadata

    assert made["met"].value == 46
    assert made["failed"].value == made["unknown"].value == 0
    assert str(made["report"].value).startswith("http://127.0.0.1:3090/quality/2")
    assert made["assets_sampled"].value == 100


def test_a_full_sync_asks_for_one_report(
    run: Run, defs: dg.Definitions, instance: dg.DagsterInstance, engine: Engine
) -> None:
    def requested(before: dg.EvaluateAutomationConditionsResult | None) -> dg.EvaluateAutomationConditionsResult:
        cursor = None if before is None else before.cursor
        return dg.evaluate_automation_conditions(
            defs=defs, instance=instance, cursor=cursor, asset_selection=dg.AssetSelection.groups("quality")
        )

    result = requested(None)
    assert result.total_requested == 0

    assert run(FULL_SYNC).success
    result = requested(result)
    assert result.get_num_requested(dg.AssetKey("quality_report")) == 1
    result = requested(result)
    assert result.total_requested == 0

    # A rule that blocks is broken: a row that nothing in Cloudinary stands behind.
    with engine.begin() as connection:
        connection.exec_driver_sql("set local session_replication_role = replica")
        connection.exec_driver_sql(
            "insert into media_assets (asset_id, resource_type, delivery_type, public_id, applied_fingerprint)"
            " values (repeat('f', 32), 'image', 'upload', 'forged', sha256('a'))"
        )
    assert not run(FULL_SYNC).success
    result = requested(result)
    assert result.total_requested == 0


def test_the_nightly_schedule_asks_for_the_job() -> None:
    assert nightly_quality.job_name == QUALITY
    assert nightly_quality.default_status is dg.DefaultScheduleStatus.RUNNING


def test_loading_the_definitions_imports_nothing_heavy() -> None:
    script = (
        "import sys; from media_pipeline.definitions import defs; defs.get_repository_def();"
        "print([name for name in ('great_expectations', 'pandas', 'matplotlib', 'openpyxl') if name in sys.modules])"
    )

    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ended.stdout.strip() == "[]"
