"""``push``, ``plan`` and ``conflicts``: from an edit in SQL to a cloud that has it, with a person in between."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from media_pipeline import push
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.errors import ExitCode
from media_pipeline.push.claims import Claims
from media_pipeline.push.relay import UPDATES
from media_pipeline.vocabulary import AssetId, OperationKind, PlanState
from media_pipeline_tests.cli.conftest import Call, Deployment

EMBLEM = "logos/brackenhaven-emblem"


def _sql(deployment: Deployment, text: str, **values: object) -> list[Any]:
    with deployment.engine.begin() as connection:
        result = connection.exec_driver_sql(text, values)
        return [tuple(row) for row in result] if result.returns_rows else []


def _there(deployment: Deployment, public_id: str) -> dict[str, Any]:
    """An asset as the cloud itself answers it."""
    ((asset_id,),) = _sql(deployment, "select asset_id from media_assets where public_id = %(p)s", p=public_id)
    found: dict[str, Any] = json.loads(deployment.client.read_asset(AssetId(asset_id)).body)
    return found


def _plan(deployment: Deployment, **changes: object) -> push.PlanResult:
    changes = {"undo_seconds": 0.0, "deletion_limit_count": 1, "deletion_limit_share": 0.0, **changes}
    return push.plan(deployment.engine, deployment.settings.model_copy(update=changes), run_id=None)


@pytest.fixture
def edited(mirrored: Deployment) -> Deployment:
    """One asset with another title and a new key of context."""
    text = "update media_assets set display_name = 'Our emblem', context = context || '{\"stage\": \"final\"}'"
    _sql(mirrored, f"{text} where public_id = %(p)s", p=EMBLEM)
    return mirrored


@pytest.fixture
def held(mirrored: Deployment) -> tuple[Deployment, int]:
    """A plan over the deletion of every picture, which is held, and its number."""
    _sql(mirrored, "update media_assets set deleted_at = now() where resource_type = 'image'")
    (number,) = _plan(mirrored).held_plan_ids
    return mirrored, number


@pytest.mark.slow
def test_another_database_is_confirmed_by_a_person_before_it_pushes(run: Call, edited: Deployment) -> None:
    assert run("push", **edited.variables).code == ExitCode.OK
    _sql(edited, "update ops.cloud_binding set incarnation = gen_random_uuid()")
    _sql(edited, "update media_assets set display_name = 'Again' where public_id = %(p)s", p=EMBLEM)

    held = run("push", **edited.variables)
    confirmed = run("confirm", "--yes", "--json", **edited.variables)
    pushed = run("push", **edited.variables)

    assert (held.code, "media-pipeline confirm" in held.err) == (ExitCode.HELD, True)
    assert (confirmed.code, confirmed.json) == (ExitCode.OK, {"read_again": 1, "pending_count": 1})
    assert pushed.code == ExitCode.OK
    assert _there(edited, EMBLEM)["display_name"] == "Again"


class TestPush:
    def test_brings_edits_to_the_cloud_confirms_them_and_then_finds_nothing(
        self, run: Call, edited: Deployment
    ) -> None:
        _sql(edited, "update media_assets set public_id = 'logos/emblem' where public_id = %(p)s", p=EMBLEM)
        _sql(edited, "update media_assets set tags = tags || '{pushed}' where public_id = 'logos/emblem'")

        ended = run("push", "--json", **edited.variables)

        assert (ended.code, ended.err) == (0, "")
        report = ended.json
        assert report["confirmed"] == report["operation_count"] == 4
        assert {one["state"] for one in report["operations"]} == {"done"}
        assert (report["waiting"]["pending_count"], report["held_plans"], report["problems"]) == (0, [], [])
        assert report["cloud"] == "emu-tests (emulator)"
        there = _there(edited, "logos/emblem")
        assert (there["public_id"], there["display_name"]) == ("logos/emblem", "Our emblem")
        assert there["context"]["custom"]["stage"] == "final"
        assert "pushed" in there["tags"]
        kinds = [
            kind for (kind,) in _sql(edited, "select kind from ops.run where id = any(%(i)s)", i=report["run_ids"])
        ]
        assert set(kinds) == {"push", "verify"}

        again = run("push", **edited.variables)
        assert again.code == 0
        assert "Nothing waits to be pushed" in again.out

    @pytest.mark.slow
    def test_ends_with_held_and_the_exact_command_while_other_edits_go_on(self, run: Call, edited: Deployment) -> None:
        _sql(edited, "update media_assets set deleted_at = now() where resource_type = 'video'")
        limits = {"undo_seconds": 0, "deletion_limit_count": 0, "deletion_limit_share": 0}

        ended = run("push", **edited.variables, **limits)

        assert ended.code == ExitCode.HELD
        (plan,) = push.list_plans(edited.engine, only_held=True)
        assert f"media-pipeline plan approve {plan.id}" in ended.out
        assert 'display_name: "' in ended.out
        assert '-> "Our emblem"' in ended.out
        assert _there(edited, EMBLEM)["display_name"] == "Our emblem"
        count = plan.operation_count
        assert _sql(edited, "select count(*) from outbox.operation where state = 'pending'") == [(count,)]

        push.decide(edited.engine, edited.settings, plan.id, PlanState.APPROVED, actor="cli:test")
        after = run("push", "--json", **edited.variables, **limits)
        assert after.code == 0
        assert after.json["confirmed"] == count
        assert _sql(edited, "select distinct state from outbox.operation") == [("done",)]

    @pytest.mark.slow
    def test_ends_as_failed_where_it_pauses_and_loses_nothing(self, run: Call, edited: Deployment) -> None:
        edited.control.add_faults(Rule(Kind.STATUS, method="GET", path="/resources/by_asset_ids*", status=503))

        ended = run("push", **edited.variables)

        assert ended.code == ExitCode.FAILED
        assert "Not pushed to its end" in ended.out
        assert "Run the same again" in ended.out
        assert _sql(edited, "select distinct state from outbox.operation") == [("pending",)]

    def test_a_dry_run_shows_the_plan_and_writes_nothing(self, call: Call, edited: Deployment) -> None:
        tables = (
            "select (select count(*) from outbox.push_plan), (select count(*) from ops.run),"
            " (select count(*) from media_sync_log),"
            " (select string_agg(o::text, ',' order by o.id) from outbox.operation o)"
        )
        before = _sql(edited, tables)

        ended = call("push", "--dry-run", **edited.variables)
        report = call("push", "--dry-run", "--json", **edited.variables).json

        assert _sql(edited, tables) == before
        assert ended.code == 0
        assert "1 update_context, 1 update_display_name" in ended.out
        assert 'context.stage: none -> "final"' in ended.out
        assert (report["is_dry_run"], report["waiting"]["pending_count"]) == (True, 2)
        (plan,) = report["plans"]
        assert (plan["part"], plan["operation_count"], plan["reason"]) == ("edits", 2, None)

    def test_a_dry_run_says_what_would_be_held_and_what_can_still_be_undone(
        self, call: Call, mirrored: Deployment
    ) -> None:
        _sql(mirrored, "update media_assets set deleted_at = now() where resource_type = 'image'")
        limits = {"deletion_limit_count": 1, "deletion_limit_share": 0}

        undoable = call("push", "--dry-run", **mirrored.variables, **limits)
        held = call("push", "--dry-run", **mirrored.variables, **limits, undo_seconds=0)

        assert "no edit can be pushed now" in undoable.out
        assert "deletions can be undone for a while" in undoable.out
        assert "It would be held and ask you" in held.out
        assert push.list_plans(mirrored.engine) == []

    def test_a_claim_is_told_with_its_end(self, call: Call, edited: Deployment) -> None:
        _plan(edited)
        assert "Claimed by a push" not in call("status", **edited.variables).out

        Claims(edited.engine, edited.settings, None).lease(UPDATES, 10)

        ended = call("status", **edited.variables)
        # Of an asset at most one is claimed at a time.
        assert "UTC: 1 operation." in ended.out
        edits = call("status", "--json", **edited.variables).json["status"]["edits"]
        assert (edits["pending_count"], edits["leased_count"]) == (2, 1)


class TestPlan:
    def test_none_is_a_plain_sentence(self, call: Call, mirrored: Deployment) -> None:
        ended = call("plan", "list", **mirrored.variables)
        assert ended.code == 0
        assert "no push plan yet" in ended.out
        assert call("plan", "list", "--json", **mirrored.variables).json == {"plans": []}

    def test_list_shows_each_with_its_part_count_and_state(self, call: Call, held: tuple[Deployment, int]) -> None:
        deployment, number = held
        ended = call("plan", "list", **deployment.variables)
        line = next(line for line in ended.out.splitlines() if "deletions" in line)
        assert line.split()[:2] == [str(number), "deletions"]
        assert "held" in line
        (plan,) = call("plan", "list", "--json", **deployment.variables).json["plans"]
        assert (plan["id"], plan["state"]) == (number, "held")

    def test_show_tells_each_change_the_cost_its_share_and_the_reason(
        self, call: Call, held: tuple[Deployment, int]
    ) -> None:
        deployment, number = held
        _sql(
            deployment,
            "insert into ops.api_budget (limit_count, remaining_count, reset_at, observed_at) "
            "values (500, 400, now() + interval '1 hour', now()) on conflict (id) do update set limit_count = 500",
        )
        out = call("plan", "show", str(number), **deployment.variables).out
        assert "asset: there -> deleted" in out
        assert "Admin API calls" in out
        assert "% of the hourly allowance" in out
        assert "image/upload" in out
        assert f"media-pipeline plan approve {number}" in out
        report = call("plan", "show", str(number), "--json", **deployment.variables).json
        assert len(report["items"]) == report["plan"]["operation_count"]
        assert report["allowance_share"] == report["plan"]["admin_call_count"] / 500

    def test_show_tells_base_and_wanted_of_an_edit(self, call: Call, edited: Deployment) -> None:
        (number,) = _plan(edited).plan_ids
        out = call("plan", "show", str(number), **edited.variables).out
        assert 'context.stage: none -> "final"' in out
        assert '-> "Our emblem"' in out
        assert "approve it with" not in out.lower()

    def test_the_typed_count_approves_and_the_actor_is_kept(
        self, call: Call, held: tuple[Deployment, int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        deployment, number = held
        count = push.read_plan(deployment.engine, push.list_plans(deployment.engine)[0].id).operation_count
        monkeypatch.setattr("sys.stdin", io.StringIO("1\n"))
        wrong = call("plan", "approve", str(number), **deployment.variables)
        assert wrong.code == ExitCode.FAILED
        assert "Nothing was approved" in wrong.out

        monkeypatch.setattr("sys.stdin", io.StringIO(f"{count}\n"))
        ended = call("plan", "approve", str(number), **deployment.variables)

        assert ended.code == 0
        assert "is approved" in ended.out
        (plan,) = push.list_plans(deployment.engine)
        assert plan.state is PlanState.APPROVED
        assert (plan.decided_by or "").startswith("cli:")

    def test_a_rejection_withdraws_and_brings_the_rows_back(self, call: Call, held: tuple[Deployment, int]) -> None:
        deployment, number = held
        ended = call("plan", "reject", str(number), **deployment.variables)
        assert ended.code == 0
        assert "Nothing was done in Cloudinary" in ended.out
        assert _sql(deployment, "select count(*) from media_assets where deleted_at is not null") == [(0,)]
        assert _sql(deployment, "select distinct state from outbox.operation") == [("cancelled",)]

    def test_a_decided_plan_cannot_be_decided_again(self, call: Call, held: tuple[Deployment, int]) -> None:
        deployment, number = held
        call("plan", "reject", str(number), **deployment.variables)
        for decision in (("approve", str(number), "--yes"), ("reject", str(number))):
            ended = call("plan", *decision, **deployment.variables)
            assert ended.code == ExitCode.USAGE
            assert "rejected" in ended.err
            assert "media-pipeline plan list" in ended.err

    @pytest.mark.parametrize("decision", [("show", "9999"), ("approve", "9999", "--yes"), ("reject", "9999")])
    def test_an_unknown_number_is_told(self, call: Call, mirrored: Deployment, decision: tuple[str, ...]) -> None:
        ended = call("plan", *decision, **mirrored.variables)
        assert ended.code == ExitCode.USAGE
        assert "There is no push plan 9999" in ended.err


class TestConflicts:
    @pytest.fixture
    def contested(self, edited: Deployment) -> tuple[Deployment, int]:
        """The title that was edited here was edited in the cloud as well."""
        ((asset_id,),) = _sql(edited, "select asset_id from media_assets where public_id = %(p)s", p=EMBLEM)
        edited.client.update(AssetId(asset_id), display_name="Their emblem")
        edited.sync()
        ((number,),) = _sql(edited, "select id from outbox.conflict where state = 'open'")
        return edited, number

    def test_none_is_a_plain_sentence(self, call: Call, mirrored: Deployment) -> None:
        ended = call("conflicts", "list", **mirrored.variables)
        assert ended.code == 0
        assert "No conflict is open" in ended.out

    def test_list_and_show_tell_the_three_values(self, call: Call, contested: tuple[Deployment, int]) -> None:
        deployment, number = contested
        listed = call("conflicts", "list", **deployment.variables).out
        shown = call("conflicts", "show", str(number), **deployment.variables).out
        for out in (listed, shown):
            assert EMBLEM in out
            assert "display_name" in out
            assert '"Our emblem"' in out
            assert '"Their emblem"' in out
        assert f"media-pipeline conflicts resolve {number} --local" in shown
        report = call("conflicts", "list", "--json", **deployment.variables).json
        assert report["conflict_count"] == 1
        (one,) = report["conflicts"]
        assert (one["id"], one["local"], one["remote"]) == (number, "Our emblem", "Their emblem")

    def test_an_edit_of_what_was_deleted_there_is_told_as_such(self, call: Call, edited: Deployment) -> None:
        ((asset_id,),) = _sql(edited, "select asset_id from media_assets where public_id = %(p)s", p=EMBLEM)
        edited.client.delete_assets([AssetId(asset_id)])
        edited.sync()
        ((number,),) = _sql(edited, "select id from outbox.conflict where state = 'open'")

        shown = call("conflicts", "show", str(number), **edited.variables).out

        assert "Remote  deleted" in shown
        assert '"Our emblem"' in shown

    def test_the_remote_value_stays_where_it_wins(self, call: Call, contested: tuple[Deployment, int]) -> None:
        deployment, number = contested
        ended = call("conflicts", "resolve", str(number), "--remote", **deployment.variables)
        assert ended.code == 0
        assert "the remote value wins" in ended.out
        ((title,),) = _sql(deployment, "select display_name from media_assets where public_id = %(p)s", p=EMBLEM)
        assert title == "Their emblem"
        shown = call("conflicts", "show", str(number), **deployment.variables).out
        assert "remote_wins, decided by cli:" in shown

    def test_the_local_value_waits_to_be_pushed_where_it_wins(
        self, call: Call, contested: tuple[Deployment, int]
    ) -> None:
        deployment, number = contested
        ended = call("conflicts", "resolve", str(number), "--local", **deployment.variables)
        assert ended.code == 0
        assert "media-pipeline push" in ended.out
        waiting = "select wanted ->> 'display_name' from outbox.operation where state = 'pending' and kind = %(k)s"
        assert _sql(deployment, waiting, k=OperationKind.UPDATE_DISPLAY_NAME.value) == [("Our emblem",)]

    def test_a_decided_or_unknown_one_is_told(self, call: Call, contested: tuple[Deployment, int]) -> None:
        deployment, number = contested
        call("conflicts", "resolve", str(number), "--remote", **deployment.variables)
        for unknown in (str(number), "9999"):
            ended = call("conflicts", "resolve", unknown, "--local", **deployment.variables)
            assert ended.code == ExitCode.USAGE
            assert f"There is no open conflict {unknown}" in ended.err
            assert "media-pipeline conflicts list" in ended.err

    @pytest.mark.parametrize("sides", [(), ("--local", "--remote")])
    def test_exactly_one_side_must_be_named(self, call: Call, sides: tuple[str, ...]) -> None:
        ended = call("conflicts", "resolve", "1", *sides)
        assert ended.code == ExitCode.USAGE
        assert "exactly one" in ended.err

    def test_status_shows_what_is_pending_held_and_in_conflict(
        self, call: Call, contested: tuple[Deployment, int]
    ) -> None:
        deployment, _ = contested
        _sql(deployment, "update media_assets set deleted_at = now() where resource_type = 'video'")
        videos = _plan(deployment, deletion_limit_count=0).held

        report = call("status", "--json", **deployment.variables).json
        out = call("status", **deployment.variables).out

        edits = report["status"]["edits"]
        # The new key of context waits as well.
        assert (edits["pending_count"], edits["held_count"], edits["conflict_count"]) == (videos + 1, videos, 1)
        (plan,) = report["held_plans"]
        assert f"media-pipeline plan show {plan['id']}" in out
        assert f"{videos + 1} pending ({videos} held)" in out
        assert "media-pipeline conflicts list" in out
