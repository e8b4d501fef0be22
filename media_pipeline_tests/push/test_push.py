"""What people change here reaches Cloudinary, and nothing else does."""

from __future__ import annotations

import pytest

from media_pipeline import mirror, push
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.progress import Silent
from media_pipeline.remote.calls import TagCommand
from media_pipeline.vocabulary import PlanState, ResourceType
from media_pipeline_tests.push.conftest import PushRig


@pytest.fixture
def three(rig: PushRig) -> PushRig:
    """Three mirrored pictures: a, b and c."""
    for number, name in enumerate("abc"):
        rig.upload(name, colour=number, tags=["old", "both"], context={"alt": "old", "by": "ada"}, asset_folder="town")
    rig.sync()
    return rig


def test_every_kind_of_edit_reaches_cloudinary_in_one_push(three: PushRig) -> None:
    three.edit("a", "tags = array['both', 'new']")
    three.edit("a", "context = jsonb_build_object('alt', 'new', 'by', 'ada')")
    three.edit("b", "display_name = 'A better name', asset_folder = 'harbour/boats'")
    three.edit("b", 'access_control = \'[{"access_type": "token"}]\'')
    three.edit("c", "public_id = 'renamed/c'")

    pushed = three.push()

    assert (pushed.sent, pushed.plan.held) == (6, 0)
    assert three.operations() == [
        ("update_tags", "done"),
        ("update_context", "done"),
        ("update_display_name", "done"),
        ("update_folder", "done"),
        ("update_access_control", "done"),
        ("rename", "done"),
    ]
    there = three.there()
    assert sorted(there["a"]["tags"]) == ["both", "new"]
    assert there["a"]["context"]["custom"] == {"alt": "new", "by": "ada"}
    assert (there["b"]["display_name"], there["b"]["asset_folder"]) == ("A better name", "harbour/boats")
    assert there["b"]["access_control"] == [{"access_type": "token"}]
    assert "renamed/c" in there
    assert three.differences() == []


def test_a_folder_that_a_move_makes_is_known_with_the_read_that_confirms_it(three: PushRig) -> None:
    three.edit("a", "asset_folder = 'harbour/boats'")

    three.push()

    paths = "select path, parent_path from media_folders where path like 'harbour%%' order by path"
    assert three.query(paths) == [("harbour", None), ("harbour/boats", "harbour")]


def test_a_key_of_the_context_can_be_removed_and_the_others_stay(three: PushRig) -> None:
    three.edit("a", "context = context - 'by'")

    three.push()

    assert three.there()["a"]["context"]["custom"] == {"alt": "old"}
    assert three.operations() == [("update_context", "done")]


def test_a_deletion_takes_the_asset_of_that_id_and_no_other(three: PushRig) -> None:
    three.delete("a", "b")

    pushed = three.push()

    assert pushed.results["deletions"].sent == 2
    assert set(three.there()) == {"c"}
    assert three.operations() == [("delete", "done"), ("delete", "done")]
    assert three.differences() == []
    assert {row[0] for row in three.query("select deleted_by from media_assets where deleted_at is not null")} == {
        "sql:postgres"
    }


def test_the_last_assets_of_a_library_can_be_deleted(three: PushRig) -> None:
    """No asset is left that could serve as canary: that people asked for it stands in."""
    three.delete("a", "b", "c")

    three.push()

    assert three.there() == {}
    assert three.operations() == [("delete", "done")] * 3


def test_a_second_push_and_a_full_sync_afterwards_do_nothing(three: PushRig) -> None:
    three.edit("a", "tags = array['new']")
    three.delete("b")
    three.push()

    again = three.push()
    synced = three.sync()

    assert (again.sent, again.plan.approved) == (0, 0)
    assert (synced.diff.total, synced.apply.applied) == (0, 0)
    assert len(three.operations()) == 2


def test_a_sync_before_the_push_keeps_the_edit_and_takes_what_others_changed(three: PushRig) -> None:
    three.edit("a", "tags = array['both', 'old', 'ours'], display_name = 'ours'")
    with three.client() as outsider:
        outsider.change_tags(
            TagCommand.ADD, ["theirs"], public_ids=["a"], resource_type=ResourceType.IMAGE, delivery_type="upload"
        )
        outsider.update(three.id_of("a"), asset_folder="moved/by/them")

    three.sync()

    assert three.query("select tags, display_name, asset_folder from media_assets where public_id = 'a'") == [
        (["both", "old", "ours", "theirs"], "ours", "moved/by/them")
    ]
    three.push()
    there = three.there()["a"]
    assert sorted(there["tags"]) == ["both", "old", "ours", "theirs"]
    assert (there["display_name"], there["asset_folder"]) == ("ours", "moved/by/them")
    assert three.differences() == []


def test_what_others_did_since_the_last_sync_is_read_before_the_push_and_kept(three: PushRig) -> None:
    three.edit("a", "tags = tags || array['ours']")
    with three.client() as outsider:
        outsider.update(three.id_of("a"), tags=["both", "theirs"])

    three.push()

    assert sorted(three.there()["a"]["tags"]) == ["both", "ours", "theirs"]
    assert three.differences() == []


def test_an_edit_that_cloudinary_has_already_makes_no_call(three: PushRig) -> None:
    three.edit("a", "display_name = 'same'")
    with three.client() as outsider:
        outsider.update(three.id_of("a"), display_name="same")

    pushed = three.push()

    assert pushed.sent == 1
    assert three.operations() == [("update_display_name", "done")]
    assert three.differences() == []


def test_the_same_field_changed_on_both_sides_is_a_conflict_and_nothing_is_overwritten(three: PushRig) -> None:
    three.edit("a", "display_name = 'ours'")
    with three.client() as outsider:
        outsider.update(three.id_of("a"), display_name="theirs")

    pushed = three.push()

    assert (pushed.sent, pushed.results["updates"].conflict) == (0, 1)
    assert three.there()["a"]["display_name"] == "theirs"
    assert three.query("select display_name from media_assets where public_id = 'a'") == [("ours",)]
    assert three.query("select field, key, base, local, remote, state from outbox.conflict") == [
        ("display_name", "display_name", "a", "ours", "theirs", "open")
    ]


@pytest.mark.parametrize(("setting", "winner"), [("remote_wins", "theirs"), ("local_wins", "ours")])
def test_a_policy_decides_instead_of_a_person(three: PushRig, setting: str, winner: str) -> None:
    three.settings = three.settings.model_copy(update={setting: ("display_name",)})
    three.edit("a", "display_name = 'ours'")
    with three.client() as outsider:
        outsider.update(three.id_of("a"), display_name="theirs")

    three.push()

    assert three.there()["a"]["display_name"] == winner
    assert three.query("select display_name from media_assets where public_id = 'a'") == [(winner,)]
    assert three.query("select count(*) from outbox.conflict") == [(0,)]
    assert three.differences() == []


def test_a_change_beats_a_deletion(three: PushRig) -> None:
    three.delete("a")
    with three.client() as outsider:
        outsider.update(three.id_of("a"), display_name="still needed")

    pushed = three.push()

    assert pushed.results["deletions"].conflict == 1
    assert "a" in three.there()
    assert three.query("select deleted_at, display_name from media_assets where public_id = 'a'") == [
        (None, "still needed")
    ]
    assert three.operations() == [("delete", "conflict")]


def test_a_deletion_of_what_is_gone_already_is_done(three: PushRig) -> None:
    three.delete("a")
    with three.client() as outsider:
        outsider.delete_assets([three.id_of("a")])

    three.push()

    assert three.operations() == [("delete", "done")]
    assert three.differences() == []


def test_an_undone_deletion_leaves_no_trace_in_cloudinary(three: PushRig) -> None:
    three.delete("a")
    three.edit("a", "deleted_at = null")

    pushed = three.push()

    assert (pushed.plan.approved, three.operations()) == (0, [("delete", "cancelled")])
    assert three.differences() == []


def test_a_deletion_waits_as_long_as_it_can_be_undone(three: PushRig) -> None:
    three.delete("a")
    three.edit("b", "tags = array['new']")

    pushed = three.push(undo_seconds=600)

    assert (pushed.plan.approved, pushed.sent) == (1, 1)
    assert "a" in three.there()
    assert three.operations() == [("delete", "pending"), ("update_tags", "done")]


def test_a_deleted_asset_with_a_backup_is_restored(rig: PushRig) -> None:
    rig.control.change_settings(backup=True)
    rig.upload("a", tags=["kept"])
    rig.upload("b", colour=1)
    rig.sync()
    rig.delete("a")
    rig.push()
    assert set(rig.there()) == {"b"}

    rig.edit("a", "deleted_at = null")
    assert rig.query("select deleted_at from media_assets where public_id = 'a'") == [(None,)]
    rig.push()

    assert set(rig.there()) == {"a", "b"}
    assert rig.operations() == [("delete", "done"), ("restore", "done")]
    assert rig.differences() == []


def test_too_many_deletions_wait_for_a_person_and_edits_do_not(rig: PushRig) -> None:
    rig.upload_many(6)
    rig.sync()
    rig.delete(*[f"p000{number}" for number in range(5)])
    rig.edit("p0005", "tags = array['edited']")

    pushed = rig.push()

    assert (pushed.plan.approved, pushed.plan.held, pushed.sent) == (1, 5, 1)
    assert len(rig.there()) == 6
    assert rig.there()["p0005"]["tags"] == ["edited"]


def test_an_approval_survives_for_the_rest_when_only_a_part_of_it_was_pushed(rig: PushRig) -> None:
    rig.upload_many(12)
    rig.sync()
    names = sorted(rig.live())
    rig.delete(*names[:5])
    (plan_id,) = rig.push().plan.held_plan_ids
    push.decide(rig.engine, rig.settings, plan_id, PlanState.APPROVED, actor="cli:ada")
    rig.control.add_faults(Rule(Kind.QUOTA, method="DELETE"))
    assert rig.push().results["deletions"].paused_reason is not None
    rig.control.clear_faults()
    rig.nap(0)
    # What came since was approved by nobody.
    rig.delete(*names[5:10])
    rig.push_now()

    pushed = rig.push()

    assert (pushed.plan.approved, pushed.plan.held, pushed.results["deletions"].sent) == (5, 5, 5)
    assert set(rig.there()) == set(names[5:])
    assert rig.query("select state, decided_by, operation_count from outbox.push_plan order by id") == [
        ("applied", "cli:ada", 5),
        ("applied", "cli:ada", 5),
        ("held", None, 5),
    ]


def test_a_deletion_that_was_edited_after_its_approval_needs_another_one(rig: PushRig) -> None:
    rig.upload_many(6)
    rig.sync()
    names = sorted(rig.live())
    rig.delete(*names[:5])
    (plan_id,) = rig.push().plan.held_plan_ids
    push.decide(rig.engine, rig.settings, plan_id, PlanState.APPROVED, actor="cli:ada")
    for name in names[:5]:
        rig.edit(name, "deleted_at = null")
    rig.delete(*names[:5])

    pushed = rig.push()

    assert (pushed.plan.held, pushed.results["deletions"].tried) == (5, 0)


def test_a_rejected_plan_withdraws_its_deletions_and_the_log_says_so(rig: PushRig) -> None:
    rig.upload_many(5)
    rig.sync()
    rig.delete(*[f"p000{number}" for number in range(4)])
    (plan_id,) = rig.push().plan.held_plan_ids

    assert push.decide(rig.engine, rig.settings, plan_id, PlanState.REJECTED, actor="cli:ada") == 4

    assert rig.operations() == [("delete", "cancelled")] * 4
    assert len(rig.live()) == 5
    ended = rig.query("select action, count(*) from media_sync_log where action like 'operation%%' group by 1")
    assert ended == [("operation_cancelled", 4)]
    assert rig.differences() == []


def test_three_edits_of_one_field_are_one_operation_and_one_call(three: PushRig) -> None:
    for name in ("one", "two", "three"):
        three.edit("a", "display_name = %(name)s", name=name)

    three.push()

    assert three.query("select kind, edit_count, state, attempt_count from outbox.operation") == [
        ("update_display_name", 3, "done", 1)
    ]
    assert three.there()["a"]["display_name"] == "three"


def test_a_value_that_cloudinary_refuses_ends_that_operation_alone_and_the_row_is_as_it_was(three: PushRig) -> None:
    three.edit("a", "display_name = 'refused'")
    three.edit("b", "display_name = 'fine'")
    three.control.add_faults(Rule(Kind.STATUS, method="PUT", path=f"/resources/{three.id_of('a')}", status=400))

    pushed = three.push()

    assert (pushed.results["updates"].refused, pushed.results["updates"].sent) == (1, 1)
    assert three.there()["b"]["display_name"] == "fine"
    assert three.query("select display_name from media_assets where public_id = 'a'") == [("a",)]
    assert three.operations() == [("update_display_name", "refused"), ("update_display_name", "done")]
    assert three.differences() == []


EDITS = {
    "tags": ("tags = array['new']", "POST", "*/tags"),
    "context": ('context = context || \'{"alt": "new"}\'', "POST", "*/context"),
    "metadata": ('metadata = \'{"note": "new"}\'', "POST", "*/metadata"),
    "title": ("display_name = 'new'", "PUT", "/resources/{}"),
    "folder": ("asset_folder = 'new'", "PUT", "/resources/{}"),
    "access": ('access_control = \'[{"access_type": "token"}]\'', "PUT", "/resources/{}"),
    "name": ("public_id = 'new/name'", "POST", "*/rename"),
    "gone": ("deleted_at = now()", "DELETE", "/resources"),
    "back": ("deleted_at = null", "POST", "*/restore"),
}


@pytest.mark.parametrize("kind", [Kind.RESET_BEFORE_EFFECT, Kind.RESET_AFTER_EFFECT])
def test_an_answer_that_is_lost_before_or_after_the_effect_is_settled_by_a_read(rig: PushRig, kind: Kind) -> None:
    """One asset for each kind of operation; uploads and replacements are in ``test_vault``."""
    rig.control.change_settings(backup=True)
    with rig.client() as client:
        client.create_metadata_field({"type": "string", "label": "note", "external_id": "note"})
        for number, name in enumerate(EDITS):
            rig.upload(name, colour=number, context={"alt": "old"})
        mirror.refresh_metadata_fields(rig.engine, client)
    rig.sync()
    rig.delete("back")
    rig.push()
    lost = []
    for name, (edit, method, path) in EDITS.items():
        lost.append(Rule(kind, method=method, path=path.format(rig.id_of(name)), times=1))
        rig.edit(name, edit)
    rig.control.add_faults(*lost)

    first = rig.push()
    assert sum(result.unknown for result in first.results.values()) == len(EDITS)
    for _ in range(2):
        rig.push_now()
        rig.push()

    assert [state for _, state in rig.operations()] == ["done"] * (1 + len(EDITS))
    there = rig.there()
    assert (there["tags"]["tags"], there["title"]["display_name"]) == (["new"], "new")
    assert (there["metadata"]["metadata"], there["folder"]["asset_folder"]) == ({"note": "new"}, "new")
    assert set(there) == set(EDITS) - {"name", "gone"} | {"new/name"}
    assert rig.differences() == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_stops_the_push_without_losing_anything(three: PushRig, status: int) -> None:
    three.edit("a", "display_name = 'new'")
    three.edit("b", "display_name = 'new'")
    three.control.add_faults(Rule(Kind.STATUS, method="PUT", path="/resources/*", status=status))

    first = three.push()

    assert first.results["updates"].paused_reason is not None
    assert {state for _, state in three.operations()} == {"pending"}
    three.control.clear_faults()
    three.push_now()
    three.push()
    assert {state for _, state in three.operations()} == {"done"}
    assert three.differences() == []


def test_an_operation_that_was_edited_after_its_approval_is_planned_anew(three: PushRig) -> None:
    three.edit("a", "display_name = 'planned'")
    push.plan(three.engine, three.settings, run_id=None)
    three.edit("a", "display_name = 'edited since'")
    with three.client() as client:
        result = push.push(three.engine, client, three.settings, push.UPDATES, run_id=None, progress=Silent())

    assert (result.sent, result.stale) == (0, 1)
    assert three.there()["a"]["display_name"] == "a"
    three.push()
    assert three.there()["a"]["display_name"] == "edited since"


def test_what_others_change_after_an_approval_is_kept_and_the_rest_of_the_plan_is_done(rig: PushRig) -> None:
    rig.upload_many(8)
    rig.sync()
    names = sorted(rig.live())
    rig.delete(*names[:5])
    (plan_id,) = rig.push().plan.held_plan_ids
    push.decide(rig.engine, rig.settings, plan_id, PlanState.APPROVED, actor="cli:ada")
    with rig.client() as outsider:
        outsider.update(rig.id_of(names[2]), display_name="still needed")

    pushed = rig.push()

    assert (pushed.results["deletions"].sent, pushed.results["deletions"].conflict) == (4, 1)
    assert set(rig.there()) == {names[2], *names[5:]}
    assert rig.live().keys() == rig.there().keys()
    assert rig.differences() == []
