"""Absence is suspicion, never proof: holds, approvals, canaries and proofs by id."""

from __future__ import annotations

import pytest

from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.errors import HoldNotFound, HoldNotOpen
from media_pipeline.ops import holds
from media_pipeline.vocabulary import AssetId, HoldId, HoldKind, HoldState
from media_pipeline_tests.mirror.conftest import Rig

BY_ASSET_IDS = "/resources/by_asset_ids"


def only_hold(rig: Rig) -> holds.Hold:
    (found,) = holds.list_holds(rig.engine)
    return found


def delete(rig: Rig, ids: list[AssetId]) -> None:
    with rig.client() as outsider:
        outsider.delete_assets(ids)


def test_deletions_under_the_limit_are_proved_and_applied(rig: Rig) -> None:
    ids = rig.upload_many(10)
    rig.sync()
    delete(rig, ids[:3])

    synced = rig.sync()

    assert (synced.mirror.suspects.queued, synced.mirror.verified.tombstoned) == (3, 3)
    assert rig.deleted() == {"p0000", "p0001", "p0002"}
    assert (
        rig.query("select action, actor from media_sync_log where action = 'deleted'")
        == [("deleted", "cloudinary")] * 3
    )


def test_the_limit_itself_passes_and_one_more_is_held(rig: Rig) -> None:
    ids = rig.upload_many(10)
    rig.sync()
    delete(rig, ids[:4])

    synced = rig.sync()

    assert (synced.mirror.suspects.queued, synced.mirror.suspects.held) == (0, 4)
    assert rig.deleted() == set()
    hold = only_hold(rig)
    assert (hold.kind, hold.asset_count, hold.total_count) == (HoldKind.SUSPECTS, 4, 10)
    assert {item.public_id for item in holds.list_items(rig.engine, hold.id)} == {"p0000", "p0001", "p0002", "p0003"}


def test_an_approval_lets_exactly_these_deletions_through_all_guards(rig: Rig) -> None:
    ids = rig.upload_many(10)
    rig.sync()
    delete(rig, ids[:6])
    rig.sync()

    holds.decide(rig.engine, only_hold(rig).id, HoldState.APPROVED, actor="cli:ada")
    synced = rig.sync()

    assert synced.diff.held == 0
    assert len(rig.deleted()) == 6
    assert holds.list_holds(rig.engine) == []
    assert rig.query("select actor from media_sync_log where action = 'hold_approved'") == [("cli:ada",)]


def test_a_rejected_hold_leaves_the_assets_live_until_a_listing_misses_them_anew(rig: Rig) -> None:
    ids = rig.upload_many(10)
    rig.sync()
    delete(rig, ids[:6])
    rig.sync()
    first = only_hold(rig)

    holds.decide(rig.engine, first.id, HoldState.REJECTED, actor="cli:ada")
    rig.sync()

    assert rig.deleted() == set()
    second = only_hold(rig)
    assert second.id != first.id
    assert second.ids_digest == first.ids_digest


def test_the_same_suspects_again_keep_their_hold_and_others_replace_it(rig: Rig) -> None:
    ids = rig.upload_many(10)
    rig.sync()
    delete(rig, ids[:4])
    rig.sync()
    first = only_hold(rig)

    rig.sync()
    assert only_hold(rig).id == first.id

    delete(rig, ids[4:5])
    rig.sync()
    second = only_hold(rig)
    assert (second.id, second.asset_count) != (first.id, 4)
    with pytest.raises(HoldNotOpen, match="replaced"):
        holds.decide(rig.engine, first.id, HoldState.APPROVED, actor="cli:ada")


def test_a_hold_whose_reason_is_gone_is_withdrawn(rig: Rig) -> None:
    rig.upload_many(10)
    rig.sync()
    rig.break_lists(Kind.TRUNCATED_PAGE, first=1, keep=2)
    rig.sync()
    assert only_hold(rig).asset_count == 8
    rig.control.clear_faults()

    rig.sync()

    assert holds.list_holds(rig.engine) == []
    assert len(rig.live()) == 10


def test_an_empty_listing_over_live_rows_is_always_held(rig: Rig) -> None:
    rig.upload_many(3)
    rig.sync()
    rig.break_lists(Kind.EMPTY_PAGE)

    synced = rig.sync(deletion_limit_count=1000)

    assert synced.mirror.suspects.held == 3
    assert "empty" in only_hold(rig).reason
    assert len(rig.live()) == 3


def test_an_approved_empty_listing_that_lied_deletes_nothing(rig: Rig) -> None:
    rig.upload_many(3)
    rig.sync()
    rig.break_lists(Kind.EMPTY_PAGE, times=2)
    rig.sync()

    holds.decide(rig.engine, only_hold(rig).id, HoldState.APPROVED, actor="cli:ada")
    synced = rig.sync()

    assert synced.mirror.verified.present == 3
    assert rig.deleted() == set()


def test_a_library_that_really_was_emptied_is_emptied_here_after_the_approval(rig: Rig) -> None:
    ids = rig.upload_many(5)
    rig.sync()
    delete(rig, ids)
    rig.sync()
    assert len(rig.live()) == 5

    holds.decide(rig.engine, only_hold(rig).id, HoldState.APPROVED, actor="cli:ada")
    rig.sync()

    assert rig.live() == {}
    assert len(rig.deleted()) == 5


def test_an_empty_cloud_and_an_empty_mirror_raise_no_alarm(rig: Rig) -> None:
    rig.sync()

    synced = rig.sync()

    assert synced.mirror.suspects.held == 0
    assert holds.list_holds(rig.engine) == []


def test_the_first_sync_concludes_no_deletion(rig: Rig) -> None:
    ids = rig.upload_many(6)
    delete(rig, ids[:5])

    synced = rig.sync()

    assert synced.mirror.suspects.queued == synced.mirror.suspects.held == 0
    assert rig.query("select suspect_count from landing.listing_run") == [(None,)] * 3


def test_a_change_of_what_is_listed_concludes_no_deletion(rig: Rig) -> None:
    ids = rig.upload_many(6)
    rig.sync()
    delete(rig, ids[:1])
    with rig.engine.begin() as connection:
        connection.exec_driver_sql("update landing.listing_run set scope = 'asked for something else'")

    assert rig.sync().mirror.suspects.queued == 0
    assert rig.sync().mirror.suspects.queued == 1


def test_an_answer_without_the_canary_proves_nothing(rig: Rig) -> None:
    ids = rig.upload_many(10)
    rig.sync()
    delete(rig, ids[:2])
    rig.control.add_faults(
        Rule(Kind.STATUS, method="GET", path=BY_ASSET_IDS, status=200, body='{"resources": []}'),
        Rule(Kind.STATUS, method="GET", path=f"/resources/{'?' * 32}", status=404, body='{"error": {"message": "no"}}'),
    )

    synced = rig.sync()

    assert synced.mirror.verified.tombstoned == 0
    assert synced.mirror.verified.unproved == 2
    assert rig.deleted() == set()
    rig.control.clear_faults()
    rig.make_due()
    rig.sync()
    assert rig.deleted() == {"p0000", "p0001"}


@pytest.mark.parametrize("limit", [10, 3])
def test_answers_cut_at_some_ids_never_prove_an_absence(rig: Rig, limit: int) -> None:
    ids = rig.upload_many(40)
    rig.sync()
    delete(rig, ids[:3])
    rig.control.add_faults(Rule(Kind.CUT_ANSWER, method="GET", path=BY_ASSET_IDS, keep=limit))
    rig.hint(ids[:20])

    rig.sync()

    assert rig.deleted() == {"p0000", "p0001", "p0002"}
    assert len(rig.live()) == 37


def test_many_tombstones_of_any_origin_are_held_again_before_they_are_applied(rig: Rig) -> None:
    ids = rig.upload_many(10)
    rig.sync()
    delete(rig, ids[:5])
    rig.on_page = lambda: rig.hint(ids[:5])

    synced = rig.sync()

    rig.on_page = None
    assert synced.mirror.verified.tombstoned == 5
    assert (synced.diff.deleted, synced.diff.held) == (5, 5)
    assert rig.deleted() == set()
    hold = only_hold(rig)
    assert hold.kind is HoldKind.DELETIONS
    rig.upload("new meanwhile")
    rig.sync()
    assert "new meanwhile" in rig.live()
    holds.decide(rig.engine, only_hold(rig).id, HoldState.APPROVED, actor="cli:ada")
    rig.sync()
    assert len(rig.deleted()) == 5


def test_an_asset_that_something_touched_since_the_walk_began_is_no_suspect(rig: Rig) -> None:
    ids = rig.upload_many(6)
    rig.sync()
    rig.break_lists(Kind.TRUNCATED_PAGE, first=2, keep=0)
    rig.on_page = lambda: rig.hint(ids[5:])

    synced = rig.sync()

    assert synced.mirror.suspects.queued == 0
    assert synced.mirror.verified.present == 1


def test_an_observation_from_before_a_hint_does_not_win(rig: Rig) -> None:
    rig.upload("a", colour=1)
    rig.sync()
    rig.upload("a", colour=2)
    (asset,) = rig.live().values()
    rig.on_page = lambda: rig.hint([AssetId(asset)])

    synced = rig.sync()

    assert synced.mirror.pages.written == 0
    assert synced.mirror.verified.written == 1
    assert synced.apply.updated == 1


def test_decisions_over_unknown_holds_are_refused(rig: Rig) -> None:
    with pytest.raises(HoldNotFound, match="99"):
        holds.decide(rig.engine, HoldId(99), HoldState.APPROVED, actor="cli:ada")
