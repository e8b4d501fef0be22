"""Lines of a run say which run, step and slice they belong to, whatever thread writes them."""

from __future__ import annotations

import io
import json
import logging
import sys
from typing import Any

import dagster as dg
import pytest
import structlog

from media_pipeline import logs
from media_pipeline.orchestration.build import build_defs
from media_pipeline.orchestration.resources import FULL_SYNC, PUSH_PENDING
from media_pipeline.progress import Silent
from media_pipeline.settings import Settings
from media_pipeline_tests.orchestration.conftest import QUIET


def lines_of(
    settings: Settings, job: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[dg.ExecuteInProcessResult, list[dict[str, Any]]]:
    """One run, and all that it logged."""
    written = io.StringIO()
    before = [*logging.getLogger().handlers]
    with monkeypatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        patch.setattr(sys, "stderr", written)
        logs.configure(level="debug", json=True, secrets=settings.secrets)
        try:
            resolved = build_defs(settings=settings, progress=Silent()).resolve_job_def(job)
            result = resolved.execute_in_process(instance=instance, run_config=QUIET, raise_on_error=False)
        finally:
            logging.getLogger().handlers[:] = before
            structlog.reset_defaults()
    return result, [json.loads(line) for line in written.getvalue().splitlines()]


def test_every_line_of_a_sync_says_where_it_belongs(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    result, lines = lines_of(settings, FULL_SYNC, monkeypatch)

    assert result.success
    assert {line["job"] for line in lines} == {FULL_SYNC}
    assert {line["dagster_run_id"] for line in lines} == {result.run_id}
    begun = [line["run_id"] for line in lines if line["run_id"] is not None]
    # Who the cloud is, is asked before the run has its row.
    assert (len(lines) - len(begun), set(begun)) == (1, {begun[0]})
    assert {line["event"] for line in lines} >= {"remote_call_made", "slice_listed", "change_set_applied"}
    listed = [line for line in lines if line.get("call") == "list_page"]
    assert {line["slice"] for line in listed} == {str(one) for one in settings.slices}
    assert {line["step"] for line in listed} == {"listing"}
    assert len({line["step"] for line in lines}) > 3


def test_lines_of_a_push_name_operations_and_assets(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, sync: Any, engine: Any
) -> None:
    assert sync().success
    with engine.begin() as connection:
        edited = connection.exec_driver_sql(
            "update media_assets set tags = array['new'] where id = (select min(id::text)::uuid from media_assets)"
            " returning asset_id"
        ).scalar_one()
        [operation_id] = connection.exec_driver_sql("select id from outbox.operation").scalars()

    result, lines = lines_of(settings, PUSH_PENDING, monkeypatch)

    assert result.success
    named = [line for line in lines if "operation_ids" in line]
    assert {line["event"] for line in named} == {"remote_call_made", "operations_recorded"}
    assert all((line["operation_ids"], line["asset_ids"]) == ([operation_id], [edited]) for line in named)
    assert {line["step"] for line in named} == {"pushed_updates"}
