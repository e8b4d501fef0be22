"""The same field changed on both sides: kept with all three values until somebody decides, and then decided once."""

from __future__ import annotations

import pytest

from media_pipeline import outbox
from media_pipeline.errors import ConflictNotOpen
from media_pipeline.vocabulary import ConflictId, ConflictState
from media_pipeline_tests.push.conftest import PushRig


@pytest.fixture
def clashed(rig: PushRig) -> PushRig:
    """One asset whose context 'alt' both sides changed, while 'by' was changed here alone."""
    rig.upload("a", context={"alt": "old", "by": "ada", "place": "town"})
    rig.upload("b", colour=1)
    rig.sync()
    rig.edit("a", 'context = context || \'{"alt": "ours", "by": "eve"}\'')
    with rig.client() as outsider:
        outsider.update(rig.id_of("a"), context={"alt": "theirs", "by": "ada", "place": "harbour"})
    rig.push()
    return rig


def shown(rig: PushRig) -> dict[str, str]:
    found = rig.query("select context from media_assets where public_id = 'a'")[0][0]
    assert isinstance(found, dict)
    return found


def open_conflict(rig: PushRig) -> ConflictId:
    ((number,),) = rig.query("select id from outbox.conflict where state = 'open'")
    return ConflictId(number)


def resolve(rig: PushRig, number: ConflictId, winner: ConflictState) -> None:
    outbox.resolve(rig.engine, number, winner, actor="cli:ada", policy_of=rig.settings.conflict_policy)


def test_only_the_key_that_clashes_waits(clashed: PushRig) -> None:
    there = clashed.there()["a"]["context"]["custom"]

    assert there == {"alt": "theirs", "by": "eve", "place": "harbour"}
    # The editor goes on seeing their own words, and what the others did elsewhere.
    assert shown(clashed) == {"alt": "ours", "by": "eve", "place": "harbour"}
    assert clashed.query("select key, base, local, remote from outbox.conflict") == [("alt", "old", "ours", "theirs")]


@pytest.mark.parametrize(
    ("winner", "text"), [(ConflictState.LOCAL_WINS, "ours"), (ConflictState.REMOTE_WINS, "theirs")]
)
def test_a_decision_makes_both_sides_equal_and_keeps_the_losing_value(
    clashed: PushRig, winner: ConflictState, text: str
) -> None:
    resolve(clashed, open_conflict(clashed), winner)
    clashed.push()

    assert shown(clashed)["alt"] == clashed.there()["a"]["context"]["custom"]["alt"] == text
    assert clashed.differences() == []
    ((after,),) = clashed.query("select after from media_sync_log where action = 'conflict_resolved'")
    assert (after["local"], after["remote"], after["winner"]) == ("ours", "theirs", winner.value)


def test_a_decision_is_made_once(clashed: PushRig) -> None:
    number = open_conflict(clashed)
    resolve(clashed, number, ConflictState.REMOTE_WINS)

    with pytest.raises(ConflictNotOpen, match=str(number)):
        resolve(clashed, number, ConflictState.LOCAL_WINS)


def test_a_field_in_conflict_cannot_be_edited_before_it_is_decided(clashed: PushRig) -> None:
    said = clashed.try_edit("update media_assets set context = '{}' where public_id = 'a'")

    assert "in conflict" in said
    assert "conflicts list" in said
    clashed.edit("a", "display_name = 'still editable'")


def test_a_conflict_follows_what_the_others_do_and_ends_when_they_agree(clashed: PushRig) -> None:
    with clashed.client() as outsider:
        outsider.update(clashed.id_of("a"), context={"alt": "newer", "by": "eve", "place": "harbour"})
    clashed.sync()
    assert clashed.query("select remote, state from outbox.conflict") == [("newer", "open")]

    with clashed.client() as outsider:
        outsider.update(clashed.id_of("a"), context={"alt": "ours", "by": "eve", "place": "harbour"})
    clashed.sync()

    assert clashed.query("select state, resolved_by from outbox.conflict") == [("local_wins", "cloudinary")]
    assert clashed.differences() == []


def test_a_decided_deletion_is_pushed_although_the_asset_was_changed(rig: PushRig) -> None:
    rig.upload("a")
    rig.upload("b", colour=1)
    rig.sync()
    rig.delete("a")
    with rig.client() as outsider:
        outsider.update(rig.id_of("a"), display_name="changed")
    rig.push()
    assert set(rig.live()) == {"a", "b"}

    resolve(rig, open_conflict(rig), ConflictState.LOCAL_WINS)
    rig.push()

    assert set(rig.there()) == {"b"}
    assert set(rig.live()) == {"b"}
    assert rig.operations() == [("delete", "conflict"), ("delete", "done")]


def test_an_edit_by_both_sides_between_two_syncs_is_found_by_the_sync(rig: PushRig) -> None:
    rig.upload("a")
    rig.sync()
    rig.edit("a", "display_name = 'ours'")
    with rig.client() as outsider:
        outsider.update(rig.id_of("a"), display_name="theirs", asset_folder="moved")

    rig.sync()

    assert rig.query("select display_name, asset_folder from media_assets") == [("ours", "moved")]
    assert rig.query("select base, local, remote, state from outbox.conflict") == [("a", "ours", "theirs", "open")]
    assert rig.operations() == [("update_display_name", "conflict")]


@pytest.fixture
def edited_and_deleted(rig: PushRig) -> PushRig:
    """Two pictures; the tags and the title of 'a' were changed here, and others deleted it, with a backup left."""
    rig.control.change_settings(backup=True)
    for number, name in enumerate("ab"):
        rig.upload(name, colour=number, tags=["old"])
    rig.sync()
    rig.edit("a", "tags = array['old', 'ours']")
    rig.edit("a", "display_name = 'ours'")
    with rig.client() as outsider:
        outsider.delete_assets([rig.id_of("a")])
    for _ in range(2):
        rig.push()
        rig.push_now()
    return rig


def test_an_edit_of_an_asset_that_was_deleted_there_is_a_conflict_that_holds_all_edits(
    edited_and_deleted: PushRig,
) -> None:
    rig = edited_and_deleted

    assert rig.operations() == [("update_tags", "conflict"), ("update_display_name", "conflict")]
    assert rig.query("select deleted_by from media_assets where public_id = 'a'") == [("cloudinary",)]
    assert rig.query("select field, base, local, remote, state from outbox.conflict") == [
        (
            "deleted_at",
            {"update_tags": {"tags": ["old"]}, "update_display_name": {"display_name": "a"}},
            {"update_tags": {"tags": ["old", "ours"]}, "update_display_name": {"display_name": "ours"}},
            None,
            "open",
        )
    ]


def test_decided_for_the_edit_the_asset_comes_back_with_it(edited_and_deleted: PushRig) -> None:
    rig = edited_and_deleted

    resolve(rig, open_conflict(rig), ConflictState.LOCAL_WINS)
    assert set(rig.live()) == {"a", "b"}
    for _ in range(2):
        rig.push()

    there = rig.there()["a"]
    assert (there["tags"], there["display_name"]) == (["old", "ours"], "ours")
    assert [state for _, state in rig.operations()] == ["conflict", "conflict", "done", "done", "done"]
    assert rig.differences() == []


def test_decided_for_the_deletion_the_asset_stays_deleted(edited_and_deleted: PushRig) -> None:
    rig = edited_and_deleted

    resolve(rig, open_conflict(rig), ConflictState.REMOTE_WINS)
    rig.push()

    assert (set(rig.there()), set(rig.live())) == ({"b"}, {"b"})
    assert rig.query("select count(*) from outbox.operation where finished_at is null") == [(0,)]


def test_an_asset_that_others_bring_back_gets_the_edits_that_waited(edited_and_deleted: PushRig) -> None:
    rig = edited_and_deleted

    rig.restore("a")
    rig.sync()
    rig.push()

    assert rig.query("select state, resolved_by from outbox.conflict") == [("local_wins", "cloudinary")]
    there = rig.there()["a"]
    assert (there["tags"], there["display_name"]) == (["old", "ours"], "ours")
    assert rig.differences() == []


def test_edits_of_an_asset_that_both_sides_delete_need_no_decision(rig: PushRig) -> None:
    rig.upload_many(2)
    rig.sync()
    rig.edit("p0000", "tags = array['ours']")
    rig.delete("p0000")
    with rig.client() as outsider:
        outsider.delete_assets([rig.id_of("p0000")])

    rig.sync()
    rig.push()

    assert rig.operations() == [("update_tags", "cancelled"), ("delete", "done")]
    assert rig.query("select count(*) from outbox.conflict") == [(0,)]
    assert rig.differences() == []
