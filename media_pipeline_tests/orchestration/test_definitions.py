"""What Dagster loads, as a whole: a change of lineage is seen in review, never by accident."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.definitions.freshness import TimeWindowFreshnessPolicy

from media_pipeline.orchestration.build import build_defs
from media_pipeline.orchestration.resources import FULL_SYNC

SNAPSHOT = Path(__file__).parent / "asset_graph.json"


def _fresh_for(graph: AssetGraph, key: dg.AssetKey) -> str | None:
    """After which time an asset counts as late, and after which as failed."""
    policy = graph.get(key).freshness_policy
    if not isinstance(policy, TimeWindowFreshnessPolicy) or policy.warn_window is None:
        return None
    return f"{policy.warn_window.to_timedelta()}, {policy.fail_window.to_timedelta()}"


def _graph(defs: dg.Definitions) -> dict[str, Any]:
    repository = defs.get_repository_def()
    graph = defs.resolve_asset_graph()
    assets = {}
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        assets[key.to_user_string()] = {
            "group": node.group_name,
            "deps": sorted(parent.to_user_string() for parent in node.parent_keys),
            "kinds": sorted(node.kinds),
            "is_made_here": node.is_executable,
            "pools": sorted(node.pools or ()),
            "fresh_for": _fresh_for(graph, key),
            "automation": getattr(node.automation_condition, "label", None),
            "checks": {
                check.name: "blocking" if graph.get_check_spec(check).blocking else "tells"
                for check in sorted(node.check_keys)
            },
        }
    jobs = {
        job.name: sorted(node.name for node in job.nodes)
        for job in repository.get_all_jobs()
        if not job.name.startswith("__")
    }
    schedules = {
        schedule.name: {
            "cron": schedule.cron_schedule,
            "timezone": schedule.execution_timezone,
            "job": schedule.job_name,
            "default": schedule.default_status.value,
        }
        for schedule in repository.schedule_defs
    }
    sensors = {
        sensor.name: {
            "job": None if isinstance(sensor, dg.AutomationConditionSensorDefinition) else sensor.job_name,
            "interval_seconds": sensor.minimum_interval_seconds,
            "default": sensor.default_status.value,
        }
        for sensor in repository.sensor_defs
    }
    return {"assets": assets, "jobs": jobs, "schedules": schedules, "sensors": sensors}


def test_the_definitions_load_without_any_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEDIA_PIPELINE_DATABASE_URL", raising=False)
    monkeypatch.delenv("CLOUDINARY_URL", raising=False)

    dg.Definitions.validate_loadable(build_defs())


def test_the_asset_graph_is_the_one_that_was_reviewed() -> None:
    found = _graph(build_defs())

    expected = json.loads(SNAPSHOT.read_text())
    assert found == expected, f"If the change is meant, write {SNAPSHOT.name} anew:\n{json.dumps(found, indent=2)}"


def test_every_asset_and_check_explains_itself_to_a_stranger() -> None:
    graph = build_defs().resolve_asset_graph()

    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert len(node.description or "") > 80, key
        assert node.owners, key
        for check in node.check_keys:
            assert len(graph.get_check_spec(check).description or "") > 80, check


def test_every_step_of_a_full_sync_runs_in_the_process_of_its_run() -> None:
    assert build_defs().resolve_job_def(FULL_SYNC).executor_def is dg.in_process_executor


def test_the_night_asks_for_one_full_sync() -> None:
    defs = build_defs()
    at = datetime(2026, 3, 1, 2, 15, tzinfo=UTC)

    tick = defs.resolve_schedule_def("nightly_full_sync").evaluate_tick(
        dg.build_schedule_context(scheduled_execution_time=at, repository_def=defs.get_repository_def())
    )

    assert len(tick.run_requests or []) == 1
