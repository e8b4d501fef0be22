"""How many deletions pass, of what, and what a change of the settings leads to."""

from __future__ import annotations

from typing import Any

import pytest

from media_pipeline.mirror import refresh_folders
from media_pipeline.ops import holds
from media_pipeline.progress import Silent
from media_pipeline.vocabulary import AssetId, HoldState
from media_pipeline_tests.mirror.conftest import Rig
from media_pipeline_tests.scenarios import mistakes
from media_pipeline_tests.scenarios.both_sides import differences, require_equal

LIMIT = 3
BY_COUNT = {"deletion_limit_count": LIMIT, "deletion_limit_share": 0.0}
BY_SHARE = {"deletion_limit_count": 0, "deletion_limit_share": 0.25}  # of twelve
ASSETS = 12


def delete(rig: Rig, ids: list[AssetId]) -> None:
    with rig.client() as outsider:
        outsider.delete_assets(ids)


def approve(rig: Rig) -> None:
    (hold,) = holds.list_holds(rig.engine)
    holds.decide(rig.engine, hold.id, HoldState.APPROVED, actor="cli:ada")


def play_deletions(rig: Rig, limit: dict[str, float], count: int, *, is_hinted: bool) -> None:
    """*count* assets really go. A listing misses them, or a hint told of each, so that they are proved one by one."""
    rig.settings = rig.settings.model_copy(update=limit)
    ids = rig.upload_many(ASSETS)
    rig.sync()
    delete(rig, ids[:count])
    if is_hinted:
        rig.on_page = lambda: rig.hint(ids[:count])

    rig.sync()

    rig.on_page = None
    if count > LIMIT:
        assert {one.key for one in differences(rig)} == set(ids[:count])
        assert rig.deleted() == set()
        approve(rig)
        rig.sync()
    require_equal(rig)
    assert len(rig.deleted()) == count
    assert holds.list_holds(rig.engine) == []


@pytest.mark.parametrize("is_hinted", [False, True], ids=["missed by a listing", "told by hints"])
@pytest.mark.parametrize("limit", [BY_COUNT, BY_SHARE], ids=["count", "share"])
@pytest.mark.parametrize("count", [LIMIT - 1, LIMIT, LIMIT + 1])
def test_deletions_up_to_the_limit_pass_and_one_more_waits_for_a_person(
    rig: Rig, count: int, limit: dict[str, float], is_hinted: bool
) -> None:
    play_deletions(rig, limit, count, is_hinted=is_hinted)


@pytest.mark.parametrize("is_hinted", [False, True], ids=["missed by a listing", "told by hints"])
def test_control_without_the_guard_more_than_the_limit_pass(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, is_hinted: bool
) -> None:
    mistakes.without_mass_guard(monkeypatch)

    with pytest.raises(AssertionError):
        play_deletions(rig, BY_COUNT, LIMIT + 1, is_hinted=is_hinted)
    assert len(rig.deleted()) == LIMIT + 1


def test_a_guard_that_tripped_lets_the_next_sync_pass_when_the_library_is_restored(rig: Rig) -> None:
    """Nobody has to decide, unlock or clean anything up."""
    rig.control.change_settings(backup=True)
    ids = rig.upload_many(ASSETS)
    rig.sync()
    before = rig.query("select asset_id, id from media_assets order by asset_id")
    delete(rig, ids[:8])
    rig.sync()
    assert [one.asset_count for one in holds.list_holds(rig.engine)] == [8]
    for number in range(8):
        rig.restore(f"p{number:04d}")

    synced = rig.sync()

    assert (synced.apply.deleted, synced.apply.restored, holds.list_holds(rig.engine)) == (0, 0, [])
    assert rig.query("select asset_id, id from media_assets order by asset_id") == before
    require_equal(rig)


def test_a_guard_that_tripped_keeps_nothing_else_out(rig: Rig) -> None:
    ids = rig.upload_many(ASSETS)
    rig.sync()
    delete(rig, ids[:8])
    rig.upload("p0011", colour=900, tags=["overwritten"])
    rig.upload("new", colour=901)

    rig.sync()

    assert {one.key for one in differences(rig)} == set(ids[:8])
    approve(rig)
    rig.sync()
    require_equal(rig)


EVERYTHING: dict[str, Any] = {"delivery_types": ("upload", "private")}
LESS: dict[str, Any] = {"delivery_types": ("upload",)}


def test_a_slice_that_is_mirrored_no_longer_keeps_its_rows_and_goes_on_where_it_stopped_when_it_is_again(
    rig: Rig,
) -> None:
    rig.settings = rig.settings.model_copy(update=EVERYTHING)
    whole = rig.settings.slices
    rig.upload("public")
    gone = rig.upload("gone later", delivery_type="private")
    rig.upload("kept", delivery_type="private", colour=1)
    rig.sync()

    for _ in range(2):
        rig.sync(**LESS, deletion_limit_count=0)

        assert set(rig.live()) == {"public", "gone later", "kept"}
        require_equal(rig, whole)
    delete(rig, [gone])
    rig.sync(**LESS)
    assert rig.deleted() == set()

    rig.sync()

    assert rig.deleted() == {"gone later"}
    require_equal(rig, whole)


def test_another_way_of_asking_concludes_no_deletion_from_what_it_does_not_show(rig: Rig) -> None:
    """As after an update of the program that asks for other fields: the first walk of it only shows what is there."""
    ids = rig.upload_many(6)
    rig.sync()
    delete(rig, ids[:1])
    rig.upload("new", colour=99)
    with rig.engine.begin() as connection:
        connection.exec_driver_sql("update landing.listing_run set scope = 'asked for something else'")

    rig.sync()

    assert [(one.key, one.problem) for one in differences(rig)] == [(ids[0], "extra")]
    rig.sync()
    require_equal(rig)


def test_a_folder_whose_name_begins_like_another_one_takes_nothing_of_it_along(rig: Rig) -> None:
    """Also where the name would mean more to a pattern than to a person."""
    siblings = ["images", "images2", "images_old", "imagesXold", "images-", "images/below"]
    ids = {folder: rig.upload(f"{folder}/one", colour=n, asset_folder=folder) for n, folder in enumerate(siblings)}

    def mirrored() -> set[str]:
        with rig.client() as client:
            refresh_folders(rig.engine, client, progress=Silent())
        return {row[0] for row in rig.query("select path from media_folders")}

    rig.sync()
    assert mirrored() == set(siblings)
    delete(rig, [ids["images_old"], ids["images/below"], ids["images"]])
    rig.sync()

    assert set(rig.live()) == {"images2/one", "imagesXold/one", "images-/one"}
    # Folders outlive their assets until somebody deletes them.
    assert mirrored() == set(siblings)
    require_equal(rig)
