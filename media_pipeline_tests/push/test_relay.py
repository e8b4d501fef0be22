"""Leases, batches and answers: each asset's outcome is its own, and a pusher that was given up changes nothing."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from media_pipeline import outbox, push
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.progress import Silent
from media_pipeline.push import claims, relay
from media_pipeline.remote.calls import AssetsDeleted
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.vocabulary import ResourceType
from media_pipeline_tests.push.conftest import PushRig

ANSWERS = ("deleted", "not_found", None)


def approve_all(rig: PushRig) -> None:
    push.plan(rig.engine, rig.settings, run_id=None)


@pytest.mark.slow
def test_whatever_a_batch_answer_says_of_each_asset_all_are_settled_by_a_read(
    rig: PushRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every answer to a batch of four: half of them are really deleted, and only the read afterwards is believed."""
    answers = list(itertools.product(ANSWERS, repeat=4))
    groups = [[f"{number:02d}{place}" for place in "abcd"] for number in range(len(answers))]
    rig.settings = rig.settings.model_copy(update={"deletion_limit_count": 4 * len(answers)})
    rig.upload("stays")
    for number, name in enumerate(name for group in groups for name in group):
        rig.upload(name, colour=number + 1)
    rig.sync()
    really = CloudinaryClient.delete_assets
    said: dict[str, str | None] = {}

    def answer(client: CloudinaryClient, asset_ids: Any) -> AssetsDeleted:
        true = really(client, list(asset_ids)[:2])
        told = {name: word for name, word in said.items() if word is not None}
        return AssetsDeleted(told, None in said.values(), true.request_id, true.received_at)

    with rig.client() as client, monkeypatch.context() as patch:
        patch.setattr(CloudinaryClient, "delete_assets", answer)
        for group, words in zip(groups, answers, strict=True):
            said.clear()
            said.update(zip(group, words, strict=True))
            rig.delete(*group)
            approve_all(rig)
            result = push.push(rig.engine, client, rig.settings, push.DELETIONS, run_id=None, progress=Silent())
            assert (result.sent, result.unknown) == (words.count("deleted"), 4 - words.count("deleted"))
    assert len(rig.there()) == 1 + 2 * len(answers)
    for _ in range(3):
        rig.confirm()
        rig.push_now()
        rig.push()

    assert set(rig.there()) == {"stays"}
    assert {state for _, state in rig.operations()} == {"done"}
    assert rig.differences() == []


def test_a_deletion_batch_never_holds_two_assets_of_one_public_id(rig: PushRig) -> None:
    """The answer names assets by public_id, which an image and a raw file may share."""
    rig.upload("same")
    rig.upload("same", colour=1, resource_type=ResourceType.RAW, content=b"words")
    rig.sync()
    with rig.engine.begin() as connection:
        connection.exec_driver_sql("update media_assets set deleted_at = now()")

    pushed = rig.push()

    assert pushed.results["deletions"].sent == 2
    assert rig.there() == {}
    ((requests,),) = rig.query("select count(distinct request_id) from outbox.attempt where result = 'sent'")
    assert requests == 2


def test_equal_edits_of_many_assets_share_a_call(rig: PushRig) -> None:
    rig.upload_many(5)
    rig.sync()
    with rig.engine.begin() as connection:
        connection.exec_driver_sql("update media_assets set tags = array['summer'], context = '{\"by\": \"ada\"}'")

    pushed = rig.push()

    assert pushed.sent == 10
    requests = rig.query(
        "select o.kind, count(distinct a.request_id) from outbox.attempt a join outbox.operation o"
        " on o.id = a.operation_id group by 1 order by 1"
    )
    assert requests == [("update_context", 1), ("update_tags", 1)]
    assert rig.differences() == []


def test_one_asset_that_a_shared_call_trips_over_does_not_take_the_others_with_it(rig: PushRig) -> None:
    rig.upload_many(3)
    rig.sync()
    with rig.engine.begin() as connection:
        connection.exec_driver_sql("update media_assets set tags = array['summer']")
    rig.control.add_faults(Rule(Kind.STATUS, method="POST", path="*/tags", status=400, times=2))

    pushed = rig.push()

    # The shared call is refused, then the first alone; the two others pass.
    assert (pushed.results["updates"].refused, pushed.sent) == (1, 2)
    assert rig.differences() == []


def test_a_pusher_that_was_paused_past_its_lease_makes_no_call_and_records_nothing(
    rig: PushRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.upload_many(2)
    rig.sync()
    rig.edit("p0000", "display_name = 'ours'")
    approve_all(rig)
    still_mine = claims.Claims.still_mine

    def paused(self: claims.Claims, lease: Any, tasks: Any) -> Any:
        with rig.engine.begin() as connection:
            connection.exec_driver_sql(
                "update outbox.operation set leased_until = clock_timestamp() - interval '1 s' where state = 'leased'"
            )
        assert outbox.expire_leases(rig.engine) == 1
        return still_mine(self, lease, tasks)

    monkeypatch.setattr(claims.Claims, "still_mine", paused)
    with rig.client() as client:
        result = push.push(rig.engine, client, rig.settings, push.UPDATES, run_id=None, progress=Silent())
    monkeypatch.undo()

    assert result.tried == 0
    assert rig.there()["p0000"]["display_name"] == "p0000"
    assert rig.operations() == [("update_display_name", "unknown")]
    # What nobody knows is read, and as nothing happened it is tried again.
    for _ in range(2):
        rig.push_now()
        rig.push()
    assert rig.operations() == [("update_display_name", "done")]
    assert rig.differences() == []


def test_what_another_pusher_did_during_a_pause_past_the_lease_is_done_once(
    rig: PushRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.upload_many(2)
    rig.sync()
    rig.edit("p0000", "display_name = 'ours'")
    rig.delete("p0001")
    approve_all(rig)
    still_mine = claims.Claims.still_mine

    def paused(self: claims.Claims, lease: Any, tasks: Any) -> Any:
        monkeypatch.setattr(claims.Claims, "still_mine", still_mine)
        with rig.engine.begin() as connection:
            connection.exec_driver_sql(
                "update outbox.operation set leased_until = clock_timestamp() - interval '1 s' where state = 'leased'"
            )
        for _ in range(2):
            rig.push_now()
            rig.push()
        return still_mine(self, lease, tasks)

    monkeypatch.setattr(claims.Claims, "still_mine", paused)
    rig.control.clear_journal()
    with rig.client() as client:
        late = push.push(rig.engine, client, rig.settings, push.DELETIONS, run_id=None, progress=Silent())
        push.push(rig.engine, client, rig.settings, push.UPDATES, run_id=None, progress=Silent())

    assert late.tried == 0
    assert sorted(one.method for one in rig.control.journal() if one.method != "GET") == ["DELETE", "PUT"]
    assert [state for _, state in rig.operations()] == ["done", "done"]
    assert rig.differences() == []


def test_a_key_that_leads_to_another_cloud_from_the_call_on_deletes_nothing(rig: PushRig) -> None:
    """The other cloud answers that it has none of these assets, and wrong credentials look the same."""
    rig.upload_many(3)
    rig.sync()
    rig.delete("p0000", "p0001")
    rig.control.add_faults(Rule(Kind.WRONG_CLOUD, method="DELETE"))

    first = rig.push()

    assert (first.results["deletions"].sent, first.results["deletions"].unknown) == (0, 2)
    assert len(rig.there()) == 3
    rig.control.clear_faults()
    for _ in range(2):
        rig.push_now()
        rig.push()
    assert [state for _, state in rig.operations()] == ["done", "done"]
    assert set(rig.there()) == {"p0002"}


def test_two_pushers_never_hold_one_asset(rig: PushRig) -> None:
    rig.upload_many(4)
    rig.sync()
    with rig.engine.begin() as connection:
        connection.exec_driver_sql("update media_assets set tags = array['x'], display_name = 'y ' || public_id")
    approve_all(rig)
    with rig.client() as client:
        mine, theirs = (claims.Claims(rig.engine, rig.settings, None) for _ in range(2))
        one = relay._Relay(rig.engine, client, rig.settings, mine)
        other = relay._Relay(rig.engine, client, rig.settings, theirs)
        first = mine.lease(push.UPDATES, 3)
        second = theirs.lease(push.UPDATES, 10)

        held = [row.asset_id for row in (*first.rows, *second.rows)]
        assert (len(first), len(held)) == (3, len(set(held)))
        one.do(first)
        other.do(second)
    rig.push()
    assert {state for _, state in rig.operations()} == {"done"}
    assert rig.differences() == []


def test_the_wrong_cloud_gets_no_call_and_loses_no_operation(rig: PushRig) -> None:
    rig.upload_many(2)
    rig.sync()
    rig.delete("p0000")
    approve_all(rig)
    rig.control.add_faults(Rule(Kind.WRONG_CLOUD))

    with rig.client() as client:
        result = push.push(rig.engine, client, rig.settings, push.DELETIONS, run_id=None, progress=Silent())
    rig.control.clear_faults()

    assert result.sent == 0
    assert {state for _, state in rig.operations()} <= {"pending"}
    rig.push_now()
    rig.push()
    assert rig.operations() == [("delete", "done")]
    assert set(rig.there()) == {"p0001"}


def test_a_spent_allowance_pauses_the_push_and_counts_as_no_attempt(rig: PushRig) -> None:
    rig.upload_many(2)
    rig.sync()
    rig.edit("p0000", "display_name = 'ours'")
    rig.control.add_faults(Rule(Kind.QUOTA, method="PUT"))

    first = rig.push()

    assert first.results["updates"].paused_reason is not None
    assert rig.query("select state, attempt_count from outbox.operation") == [("pending", 0)]
    rig.control.clear_faults()
    rig.nap(0)
    rig.push_now()
    rig.push()
    assert rig.operations() == [("update_display_name", "done")]


def test_a_rename_to_a_name_that_is_taken_is_refused_and_both_assets_stay(rig: PushRig) -> None:
    rig.upload_many(2)
    rig.sync()
    rig.edit("p0000", "public_id = 'p0001'")

    pushed = rig.push()

    assert pushed.results["renames"].refused == 1
    assert set(rig.there()) == {"p0000", "p0001"}
    assert set(rig.live()) == {"p0000", "p0001"}
    assert rig.differences() == []


def test_names_swapped_here_are_swapped_there_through_a_free_one(rig: PushRig) -> None:
    rig.upload_many(2)
    rig.sync()
    first, second = rig.id_of("p0000"), rig.id_of("p0001")
    for steps in (("p0000", "free"), ("p0001", "p0000"), ("free", "p0001")):
        rig.edit(steps[0], "public_id = %(to)s", to=steps[1])
        rig.push()

    assert {name: one["asset_id"] for name, one in rig.there().items()} == {"p0001": first, "p0000": second}
    assert rig.differences() == []


def test_half_of_an_edit_is_not_taken_for_all_of_it_when_the_push_pauses_in_between(rig: PushRig) -> None:
    """Tags are added by one call and removed by another one."""
    for number, name in enumerate("ab"):
        rig.upload(name, colour=number, tags=["old"])
    rig.sync()
    rig.edit("a", "tags = array['x']")
    rig.edit("b", "tags = array['old', 'y']")
    rig.control.add_faults(Rule(Kind.QUOTA, method="POST", path="*/tags", first=2))

    first = rig.push()

    assert first.results["updates"].paused_reason is not None
    assert rig.there()["a"]["tags"] == ["old", "x"]
    rig.control.clear_faults()
    rig.nap(0)
    for _ in range(2):
        rig.push_now()
        rig.push()
    assert {name: one["tags"] for name, one in rig.there().items()} == {"a": ["x"], "b": ["old", "y"]}
    assert rig.differences() == []


def test_a_claim_is_renewed_while_its_calls_take_their_time(rig: PushRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.upload_many(4)
    rig.sync()
    with rig.engine.begin() as connection:
        connection.exec_driver_sql("update media_assets set display_name = 'new ' || public_id")
    monkeypatch.setattr(claims, "LEASE_SECONDS", 1)
    rig.control.add_faults(Rule(Kind.DELAY, method="PUT", seconds=0.4))

    pushed = rig.push()

    # In all they take longer than one claim lasts.
    assert pushed.results["updates"].sent == 4
    assert rig.differences() == []
