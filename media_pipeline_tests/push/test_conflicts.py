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
