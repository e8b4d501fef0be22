"""The jobs ``push_pending`` and ``verify``, on the emulator and a database of its own: what they do and show."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import Engine

from media_pipeline import push
from media_pipeline.db import locks
from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.orchestration.build import build_defs
from media_pipeline.orchestration.resources import FULL_SYNC, PUSH_PENDING, VERIFY
from media_pipeline.progress import Silent
from media_pipeline.settings import Settings
from media_pipeline_tests.orchestration.conftest import QUIET

Execute = Callable[[str], dg.ExecuteInProcessResult]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"undo_seconds": 0.0, "deletion_limit_count": 3})


@pytest.fixture
def execute(settings: Settings) -> Iterator[Execute]:
    """Runs a job by its name, after a full sync; failures are in the result."""
    defs = build_defs(settings=settings, progress=Silent())
    with dg.DagsterInstance.ephemeral() as instance:

        def run(name: str) -> dg.ExecuteInProcessResult:
            job = defs.resolve_job_def(name)
            return job.execute_in_process(instance=instance, run_config=QUIET, raise_on_error=False)

        assert run(FULL_SYNC).success
        yield run


def _sql(engine: Engine, text: str) -> list[Any]:
    with engine.begin() as connection:
        result = connection.exec_driver_sql(text)
        return [tuple(row) for row in result] if result.returns_rows else []


def _edit(engine: Engine, assignments: str, *, count: int = 1, skip: int = 0) -> None:
    """A person edits the first pictures by their names, after the first few."""
    chosen = (
        "select id from media_assets where resource_type = 'image' and delivery_type = 'upload' "
        f"order by asset_id limit {count} offset {skip}"
    )
    _sql(engine, f"update media_assets set {assignments} where id in ({chosen})")


def _metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    (made,) = result.asset_materializations_for_node(asset)
    return {name: value.value for name, value in made.metadata.items()}


def _told(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str], dg.AssetCheckEvaluation]:
    """Checks that did not pass; none of them fails a run."""
    found = {
        (one.asset_key.to_user_string(), one.check_name): one
        for one in result.get_asset_check_evaluations()
        if not one.passed
    }
    assert {one.severity for one in found.values()} <= {dg.AssetCheckSeverity.WARN}
    return found


def _runs(engine: Engine) -> list[tuple[str, str]]:
    return _sql(engine, "select kind, state from ops.run order by id")


def test_edits_are_pushed_by_one_run_and_confirmed_by_the_next(execute: Execute, engine: Engine) -> None:
    _edit(engine, "tags = array['pushed'], display_name = 'a title of ours'")
    _edit(engine, "public_id = 'a name of ours'", skip=1)
    _edit(engine, "deleted_at = now()", skip=2)

    pushed = execute(PUSH_PENDING)
    sent = _sql(engine, "select distinct state from outbox.operation")
    verified = execute(VERIFY)

    assert pushed.success
    assert (_told(pushed), _told(verified)) == ({}, {})
    assert sent == [("sent",)]
    assert _sql(engine, "select distinct state from outbox.operation") == [("done",)]
    assert _runs(engine) == [("full_sync", "succeeded"), ("push", "succeeded"), ("verify", "succeeded")]
    assert _metadata(verified, "media_assets")["confirmed_operations"] == 4


def test_a_push_shows_its_plans_what_they_change_and_what_became_of_each(execute: Execute, engine: Engine) -> None:
    _edit(engine, "display_name = 'a title of ours'")
    _edit(engine, "public_id = 'a name of ours'", skip=1)

    result = execute(PUSH_PENDING)

    planned = _metadata(result, "push_plan")
    assert (planned["approved"], planned["held"], planned["pending_count"]) == (2, 0, 2)
    (plan,) = planned["plans"].records
    assert (plan.data["part"], plan.data["state"], plan.data["operations"]) == ("edits", "approved", 2)
    changes = [record.data["change"] for record in planned["sample"].records]
    assert changes[0].startswith("display_name: ")
    assert changes[0].endswith('-> "a title of ours"')
    assert planned["dagster/table_name"].endswith(".outbox.push_plan_item")
    updates = _metadata(result, "pushed_updates")
    assert (updates["sent"], updates["dagster/row_count"]) == (1, 1)
    assert "paused_reason" not in updates
    assert updates["api_calls_used"] > 0
    (done,) = updates["sample"].records
    assert (done.data["kind"], done.data["state"]) == ("update_display_name", "sent")
    assert _metadata(result, "pushed_renames")["sent"] == 1
    assert _metadata(result, "pushed_deletions")["dagster/row_count"] == 0


def test_a_held_plan_is_told_and_the_edits_beside_it_go_on(
    execute: Execute, engine: Engine, settings: Settings
) -> None:
    _edit(engine, "deleted_at = now()", count=10)
    _edit(engine, "tags = array['pushed']", skip=10)

    result = execute(PUSH_PENDING)

    assert result.success
    told = _told(result)
    assert set(told) == {("push_plan", "no_held_plans")}
    (plan,) = push.list_plans(engine, only_held=True)
    assert f"media-pipeline plan approve {plan.id}" in (told["push_plan", "no_held_plans"].description or "")
    assert _metadata(result, "push_plan")["held_plans"].records[0].data["operations"] == 10
    assert _runs(engine)[-1] == ("push", "held")
    assert _sql(engine, "select kind, state, count(*) from outbox.operation group by 1, 2 order by 1") == [
        ("delete", "pending", 10),
        ("update_tags", "sent", 1),
    ]


def test_a_pause_is_no_failed_run_and_is_told_with_its_reason(
    execute: Execute, engine: Engine, control: ControlClient
) -> None:
    _edit(engine, "tags = array['pushed']")
    control.add_faults(Rule(Kind.STATUS, method="GET", path="/resources/by_asset_ids*", status=503))

    result = execute(PUSH_PENDING)

    assert result.success
    told = _told(result)
    assert set(told) == {("pushed_updates", "no_pause")}
    reason = _metadata(result, "pushed_updates")["paused_reason"]
    assert reason == told["pushed_updates", "no_pause"].description
    assert "503" in reason
    assert _runs(engine)[-1] == ("push", "succeeded")
    assert _sql(engine, "select state from outbox.operation") == [("pending",)]


def test_an_operation_that_does_not_get_done_is_told(execute: Execute, engine: Engine) -> None:
    _edit(engine, "tags = array['pushed']")
    _sql(engine, "update outbox.operation set attempt_count = 5, not_before = 'infinity', outcome = 'not yet'")

    told = _told(execute(PUSH_PENDING))

    assert set(told) == {("push_plan", "nothing_is_stuck")}
    shown: Any = told["push_plan", "nothing_is_stuck"].metadata["operations"].value
    assert shown.records[0].data["outcome"] == "not yet"


def test_a_verification_that_meets_a_command_line_at_work_waits_for_it(execute: Execute, engine: Engine) -> None:
    _edit(engine, "tags = array['pushed']")
    execute(PUSH_PENDING)
    is_held, is_over = threading.Event(), threading.Event()

    def command_line() -> None:
        with locks.activity(engine, "apply", holder="media-pipeline push"):
            is_held.set()
            is_over.wait(1)

    other = threading.Thread(target=command_line)
    other.start()
    assert is_held.wait(10)

    verified = execute(VERIFY)
    is_over.set()
    other.join(10)

    assert verified.success
    assert _sql(engine, "select distinct state from outbox.operation") == [("done",)]


def test_a_push_and_a_verification_without_work_change_nothing(execute: Execute, engine: Engine) -> None:
    logged = _sql(engine, "select count(*) from media_sync_log")

    for job in (PUSH_PENDING, VERIFY):
        result = execute(job)
        assert result.success
        assert _told(result) == {}

    assert _sql(engine, "select count(*) from media_sync_log") == logged
    assert _sql(engine, "select count(*) from outbox.push_plan") == [(0,)]


def test_edits_that_wait_break_no_rule_of_a_full_sync(execute: Execute, engine: Engine) -> None:
    _edit(engine, "deleted_at = now()")
    _edit(engine, "public_id = 'a name of ours'", skip=1)

    result = execute(FULL_SYNC)

    assert result.success
    assert _told(result) == {}
    assert _sql(engine, "select distinct state from outbox.operation") == [("pending",)]
    assert _sql(engine, "select count(*) from media_assets where deleted_at is not null") == [(1,)]


def test_pushed_steps_chosen_by_hand_are_a_push(execute: Execute, settings: Settings, engine: Engine) -> None:
    job = build_defs(settings=settings, progress=Silent()).resolve_implicit_global_asset_job_def()

    with dg.DagsterInstance.ephemeral() as instance:
        job.execute_in_process(instance=instance, asset_selection=[dg.AssetKey("pushed_renames")])

    assert _runs(engine)[-1] == ("push", "succeeded")
