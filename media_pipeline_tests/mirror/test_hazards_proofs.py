"""Roads on which an asset that is there could be called deleted, or one that is gone could stay for ever."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from media_pipeline import listing
from media_pipeline.db import statements
from media_pipeline.db.engine import read_only, transaction
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.mirror import page_apply, verify
from media_pipeline.mirror.page_apply import PageOrigin
from media_pipeline.mirror.verify import VerifyCounts
from media_pipeline.ops import holds
from media_pipeline.progress import Silent
from media_pipeline.remote import payloads
from media_pipeline.remote.calls import RawPage
from media_pipeline.vocabulary import AssetId, HoldState
from media_pipeline_tests.mirror.conftest import Rig

BY_ASSET_IDS = "/resources/by_asset_ids"
JSON = {"Content-Type": "application/json"}


def delete(rig: Rig, ids: Sequence[AssetId]) -> None:
    with rig.client() as outsider:
        outsider.delete_assets(ids)


def in_cloud(rig: Rig) -> set[str]:
    """public_ids that the cloud itself has."""
    with rig.client() as client:
        page = json.loads(client.list_page(rig.settings.slices[0], cursor=None, page_size=500).body)
    return {record["public_id"] for record in page["resources"]}


def states(rig: Rig) -> dict[str, str]:
    """asset_id to the state of its sighting."""
    return dict(rig.query("select asset_id, state from mirror.asset_sighting"))


def queued(rig: Rig) -> set[str]:
    return {row[0] for row in rig.query("select asset_id from mirror.verify_queue")}


def calls_by_id(rig: Rig) -> int:
    ((count,),) = rig.query("select coalesce(sum(call_count), 0) from ops.api_call where purpose = 'verify'")
    return int(count)


def drain(rig: Rig, *, batch_size: int = 100) -> VerifyCounts:
    with rig.client() as client:
        return verify.drain(rig.engine, client, batch_size=batch_size, progress=Silent())[0]


def touch(rig: Rig) -> int:
    """A point of the logical clock, as every read takes one before its request."""
    with transaction(rig.engine) as connection:
        return int(statements.run(connection, "listing/040_next_touch").scalar_one())


def canary_of_next_drain(rig: Rig) -> AssetId:
    with read_only(rig.engine) as connection:
        found = statements.run(connection, "mirror/310_find_known_live", excluded_ids=[], row_limit=1)
        return AssetId(found.scalar_one())


def approve(rig: Rig) -> None:
    (hold,) = holds.list_holds(rig.engine)
    holds.decide(rig.engine, hold.id, HoldState.APPROVED, actor="cli:ada")


def reject(rig: Rig, public_id: str) -> None:
    """A person rejects a picture that waits for moderation; Cloudinary keeps a remnant without bytes."""
    address = urlsplit(rig.endpoints.cloudinary_url)
    answer = httpx.post(
        f"{rig.endpoints.base_url}/v1_1/{rig.endpoints.cloud_name}/resources/image/upload/{public_id}",
        json={"moderation_status": "rejected"},
        auth=(address.username or "", address.password or ""),
    )
    assert answer.status_code == 200


def test_without_a_canary_a_cut_answer_deletes_nothing_although_a_person_approved(rig: Rig) -> None:
    rig.upload_many(12)
    rig.sync()
    rig.break_lists(Kind.EMPTY_PAGE, times=2)
    rig.sync()
    approve(rig)
    rig.control.add_faults(Rule(Kind.CUT_ANSWER, method="GET", path=BY_ASSET_IDS, keep=10, times=1))

    synced = rig.sync()

    assert (synced.mirror.verified.present, synced.mirror.verified.unproved) == (10, 2)
    assert synced.mirror.verified.tombstoned == 0
    assert rig.deleted() == set()
    assert set(rig.live()) == in_cloud(rig)
    assert len(in_cloud(rig)) == 12


def test_without_a_canary_each_asset_of_an_approval_is_deleted_by_its_own_404(rig: Rig) -> None:
    ids = rig.upload_many(5)
    rig.sync()
    delete(rig, ids)
    rig.sync()
    approve(rig)
    before = calls_by_id(rig)

    synced = rig.sync()

    assert synced.mirror.verified.tombstoned == 5
    assert calls_by_id(rig) - before == 1 + 5
    assert in_cloud(rig) == set(rig.live()) == set()
    assert len(rig.deleted()) == 5


def test_an_asset_that_is_doubted_itself_is_no_canary_for_others(rig: Rig) -> None:
    ids = rig.upload_many(12)
    rig.sync()
    delete(rig, ids[:8])
    rig.hint(ids[:8])
    before = calls_by_id(rig)

    counts = drain(rig, batch_size=4)

    # Four batches of two deleted assets, each looked for twice.
    assert (counts.tombstoned, counts.unproved) == (8, 0)
    assert calls_by_id(rig) - before == 4 * 2
    assert queued(rig) == set()
    assert {one for one, state in states(rig).items() if state == "live"} == set(ids[8:])
    assert len(in_cloud(rig)) == 4


@pytest.mark.parametrize("how", ["missing", "in capitals"])
def test_a_record_without_a_readable_id_may_be_any_asset_that_was_asked_for(rig: Rig, how: str) -> None:
    ids = rig.upload_many(6)
    rig.sync()
    victim = ids[0]
    with rig.client() as client:
        answer = json.loads(client.read_assets(ids).body)
    for record in answer["resources"]:
        if record["asset_id"] == victim and how == "missing":
            del record["asset_id"]
        elif record["asset_id"] == victim:
            record["asset_id"] = victim.upper()
    rig.control.add_faults(
        Rule(Kind.STATUS, method="GET", path=BY_ASSET_IDS, status=200, body=json.dumps(answer), headers=JSON)
    )
    rig.hint([victim])

    counts = drain(rig)

    assert (counts.tombstoned, counts.unproved, counts.quarantined) == (0, 1, 1)
    assert states(rig)[victim] == "live"
    rig.control.clear_faults()
    rig.make_due()
    assert drain(rig).present == 1
    assert queued(rig) == set()
    assert set(rig.live()) == in_cloud(rig)


def test_a_rejected_asset_is_live_although_its_own_read_shows_a_remnant(rig: Rig) -> None:
    art = rig.upload("art", moderation="manual")
    rig.upload_many(3)
    rig.sync()
    reject(rig, "art")
    rig.hint([art])
    # Nothing of the batch comes back, so each asset has to be proved by its own read.
    rig.control.add_faults(Rule(Kind.CUT_ANSWER, method="GET", path=BY_ASSET_IDS, keep=0, times=1))

    counts = drain(rig)

    assert (counts.tombstoned, counts.unproved) == (0, 1)
    assert states(rig)[art] == "live"
    assert "art" in in_cloud(rig)
    rig.sync()
    assert rig.query("select is_placeholder, deleted_at from media_assets where public_id = 'art'") == [(True, None)]


def test_a_deleted_asset_with_a_backup_is_gone_although_its_own_read_shows_a_remnant(rig: Rig) -> None:
    rig.control.change_settings(backup=True)
    gone = rig.upload("gone")
    rig.upload_many(3)
    rig.sync()
    delete(rig, [gone])
    rig.hint([gone])
    rig.control.add_faults(Rule(Kind.CUT_ANSWER, method="GET", path=BY_ASSET_IDS, keep=0, times=1))

    counts = drain(rig)

    assert (counts.tombstoned, counts.unproved) == (1, 0)
    assert states(rig)[gone] == "tombstone"
    assert queued(rig) == set()


@pytest.mark.parametrize("decision", [HoldState.APPROVED, HoldState.REJECTED])
def test_a_library_of_nothing_but_remnants_waits_for_a_person(rig: Rig, decision: HoldState) -> None:
    """Its listing is not empty, but no asset is left that could serve as canary."""
    rig.control.change_settings(backup=True)
    ids = rig.upload_many(3)
    rig.sync()
    delete(rig, ids)

    held = rig.sync()

    (hold,) = holds.list_holds(rig.engine)
    assert (hold.asset_count, hold.total_count) == (3, 3)
    assert "none of the 3 that are live here" in hold.reason
    assert (held.mirror.suspects.held, held.mirror.verified.read, held.diff.total) == (3, 0, 0)
    assert queued(rig) == set()
    assert len(rig.live()) == 3

    holds.decide(rig.engine, hold.id, decision, actor="cli:ada")
    decided = rig.sync()

    if decision is HoldState.APPROVED:
        assert decided.mirror.verified.tombstoned == 3
        assert set(states(rig).values()) == {"tombstone"}
        assert (rig.live(), holds.list_holds(rig.engine)) == ({}, [])
    else:
        # The next look leads to the same question.
        rig.sync()
        assert (decided.mirror.verified.tombstoned, len(rig.live())) == (0, 3)
        assert [one.asset_count for one in holds.list_holds(rig.engine)] == [3]


def test_remnants_that_wait_for_a_person_are_live_again_with_what_the_cloud_shows(rig: Rig) -> None:
    rig.control.change_settings(backup=True)
    ids = rig.upload_many(3)
    rig.sync()
    delete(rig, ids)
    rig.sync()
    rig.restore("p0001")

    rig.sync()
    rig.make_due()
    rig.sync()

    assert set(rig.live()) == {"p0001"}
    assert holds.list_holds(rig.engine) == []


def test_a_remnant_that_was_never_mirrored_keeps_nobody_waiting(rig: Rig) -> None:
    rig.control.change_settings(backup=True)
    rig.sync()
    delete(rig, [rig.upload("came and went")])

    synced = rig.sync()

    assert (synced.mirror.pages.placeholders, synced.mirror.still_queued) == (1, 0)
    assert (rig.live(), holds.list_holds(rig.engine)) == ({}, [])


def test_a_canary_that_dies_proves_nothing_and_is_settled_with_the_rest_by_the_next_drain(rig: Rig) -> None:
    ids = rig.upload_many(10)
    rig.sync()
    delete(rig, ids[:3])
    rig.hint(ids[:3])
    canary = canary_of_next_drain(rig)
    delete(rig, [canary])
    before = calls_by_id(rig)

    doubtful = drain(rig)

    # The batch, the first asset by itself, the canary by itself; then nothing can be proved any more.
    assert (doubtful.tombstoned, doubtful.unproved) == (0, 3)
    assert calls_by_id(rig) - before == 3
    assert queued(rig) == {*ids[:3], canary}
    assert set(states(rig).values()) == {"live"}

    rig.make_due()
    settled = drain(rig)

    assert (settled.tombstoned, settled.unproved) == (4, 0)
    assert queued(rig) == set()
    rig.sync(deletion_limit_count=4)
    assert set(rig.live()) == in_cloud(rig)
    assert len(rig.live()) == 6


def test_an_absence_that_was_overtaken_by_a_page_leaves_its_asset_queued(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    (asset, *_) = rig.upload_many(4)
    rig.sync()
    rig.hint([asset])
    low = touch(rig)
    with rig.client() as client:
        page = client.list_page(rig.settings.slices[0], cursor=None, page_size=500)
    older = [one for one in payloads.split_page(page.body, call="list").items if one.asset_id == asset]
    delete(rig, [asset])

    with rig.client() as client, monkeypatch.context() as patch:
        read = client.read_assets

        def answered_while_a_page_is_applied(ids: Sequence[AssetId]) -> RawPage:
            answer = read(ids)
            page_apply.apply_items(rig.engine, older, PageOrigin(low))
            return answer

        patch.setattr(client, "read_assets", answered_while_a_page_is_applied)
        counts = verify.drain(rig.engine, client, batch_size=100, progress=Silent())[0]

    assert (counts.tombstoned, counts.superseded) == (0, 1)
    assert states(rig)[asset] == "live"
    assert queued(rig) == {asset}
    rig.make_due()
    assert drain(rig).tombstoned == 1
    rig.sync()
    assert rig.deleted() == {"p0000"}
    assert set(rig.live()) == in_cloud(rig)


def test_pages_of_a_walk_that_was_overtaken_bring_nothing_deleted_back(rig: Rig) -> None:
    ids = rig.upload_many(3)
    rig.sync()
    short_lived = rig.upload("short-lived", colour=77)
    with rig.client() as client:
        listing.walk(rig.engine, client, rig.settings, run_id=None, progress=Silent())
    # The process dies here: the pages are landed and nobody applied them.
    delete(rig, [short_lived, ids[0]])

    rig.sync()

    assert set(rig.live()) == in_cloud(rig) == {"p0001", "p0002"}
    assert rig.deleted() == {"p0000"}
    assert short_lived not in states(rig)
    assert rig.query("select count(*) from landing.listing_page where applied_at is null") == [(0,)]


REFUSALS: dict[str, dict[str, Any]] = {
    "spent allowance": {"kind": Kind.QUOTA},
    "forbidden": {"kind": Kind.STATUS, "status": 403, "body": '{"error": {"message": "no permission"}}'},
}


@pytest.mark.parametrize("why", REFUSALS)
def test_reads_by_id_that_are_not_answered_pause_and_do_not_stop_the_sync(rig: Rig, why: str) -> None:
    ids = rig.upload_many(5)
    rig.sync()
    delete(rig, ids[:2])
    rig.upload("new", colour=99)
    rig.control.add_faults(Rule(method="GET", path=BY_ASSET_IDS, **REFUSALS[why]))

    synced = rig.sync()

    assert "[read_assets" in str(synced.mirror.paused_reason)
    rig.nap(0)
    assert synced.mirror.still_queued == 2
    assert synced.apply.created == 1
    assert set(rig.live()) == in_cloud(rig) | {"p0000", "p0001"}
    # The claims were given back: nobody has to wait for the end of their lease.
    assert rig.query("select count(*) from mirror.verify_queue where not_before > now() + interval '100 s'") == [(0,)]

    rig.control.clear_faults()
    rig.make_due()
    synced = rig.sync()
    assert synced.mirror.paused_reason is None
    assert set(rig.live()) == in_cloud(rig)
    assert rig.deleted() == {"p0000", "p0001"}
