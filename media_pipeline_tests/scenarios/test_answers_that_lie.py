"""Listings and reads by id that are cut short, empty, late, or come from somewhere else."""

from __future__ import annotations

import contextlib
from typing import Any

import httpx
import pytest

from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.errors import MediaPipelineError, WrongCloud
from media_pipeline.mirror import refresh_folders
from media_pipeline.ops import holds
from media_pipeline.progress import Silent
from media_pipeline.vocabulary import AssetId, HoldState
from media_pipeline_tests.mirror.conftest import Rig
from media_pipeline_tests.scenarios import mistakes
from media_pipeline_tests.scenarios.both_sides import differences, falsely_deleted, require_equal

LIST: dict[str, Any] = {"method": "GET", "path": "/resources/image/upload"}
BY_ASSET_IDS: dict[str, Any] = {"method": "GET", "path": "/resources/by_asset_ids"}
CUTS: dict[str, dict[str, Any]] = {
    "half a JSON text": {"kind": Kind.TRUNCATED_JSON},
    "nothing, and no more pages": {"kind": Kind.EMPTY_PAGE},
    "one asset, and no more pages": {"kind": Kind.TRUNCATED_PAGE, "keep": 1},
    "one asset of the page": {"kind": Kind.CUT_ANSWER, "keep": 1},
    "no asset of the page": {"kind": Kind.CUT_ANSWER, "keep": 0},
}


def delete(rig: Rig, *ids: AssetId) -> None:
    with rig.client() as outsider:
        outsider.delete_assets(ids)


def play_answers_that_are_cut_short(rig: Rig, where: dict[str, Any], cut: dict[str, Any]) -> None:
    """Each answer of the walk in turn, and once all of them, while one asset really goes and one comes."""
    ids = rig.upload_many(12)
    rig.sync()
    for number, times in [(1, 1), (2, 1), (3, 1), (1, None)]:
        delete(rig, ids.pop())
        rig.upload(f"new {number} {times}", colour=800 + number)
        rig.hint(ids[:2])
        rig.control.add_faults(Rule(**where, **cut, first=number, times=times))

        # A named refusal is an answer, too.
        with contextlib.suppress(MediaPipelineError):
            rig.sync()

        assert falsely_deleted(rig) == []
        rig.make_due()
        rig.sync()
        require_equal(rig)
        assert holds.list_holds(rig.engine) == []


@pytest.mark.slow
@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("where", [LIST, BY_ASSET_IDS], ids=["listing", "read by id"])
def test_whichever_answer_is_cut_short_nothing_is_deleted_falsely_and_the_next_sync_needs_no_help(
    rig: Rig, where: dict[str, Any], cut: dict[str, Any]
) -> None:
    play_answers_that_are_cut_short(rig, where, cut)


def test_control_without_a_second_look_one_answer_that_is_cut_short_deletes_what_it_lacks(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The canary alone does not help where it is among what is left."""
    mistakes.believe_one_answer(monkeypatch)

    with pytest.raises(AssertionError):
        play_answers_that_are_cut_short(rig, BY_ASSET_IDS, CUTS["one asset of the page"])
    assert falsely_deleted(rig) != []


def test_a_slice_that_cannot_be_walked_keeps_its_rows_while_the_others_lose_theirs(rig: Rig) -> None:
    image, *_ = rig.upload_many(4)
    rig.upload("kept.txt", resource_type="raw", content=b"text")
    text = rig.upload("gone.txt", resource_type="raw", content=b"other text")
    rig.sync()
    delete(rig, image, text)
    rig.control.add_faults(Rule(Kind.STATUS, method="GET", path="/resources/raw/upload", status=503))

    synced = rig.sync()

    assert [str(one.slice) for one in synced.listing.problems] == ["raw/upload"]
    assert [(one.name, one.problem) for one in differences(rig)] == [("gone.txt", "extra")]
    assert rig.deleted() == {"p0000"}
    rig.sync()
    require_equal(rig)


def play_an_empty_listing(rig: Rig) -> None:
    rig.upload_many(12)
    rig.sync()
    rig.break_lists(Kind.EMPTY_PAGE)
    # And whoever answers so does not know any asset by its id.
    rig.control.add_faults(
        Rule(Kind.EMPTY_PAGE, **BY_ASSET_IDS),
        Rule(Kind.STATUS, method="GET", path=f"/resources/{'?' * 32}", status=404, message="Resource not found"),
    )

    rig.sync(deletion_limit_count=1000)

    assert falsely_deleted(rig) == []
    rig.sync()
    require_equal(rig)
    assert holds.list_holds(rig.engine) == []


def test_an_empty_listing_passes_no_limit_and_is_forgotten_when_the_next_one_is_whole(rig: Rig) -> None:
    play_an_empty_listing(rig)


def test_control_without_guard_and_canary_an_empty_listing_empties_the_mirror(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    mistakes.without_mass_guard(monkeypatch)
    mistakes.believe_answers(monkeypatch)

    with pytest.raises(AssertionError):
        play_an_empty_listing(rig)
    assert len(falsely_deleted(rig)) == 12


def test_without_the_guard_alone_the_canary_still_keeps_the_mirror(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    mistakes.without_mass_guard(monkeypatch)

    rig.upload_many(12)
    rig.sync()
    rig.break_lists(Kind.EMPTY_PAGE)
    rig.control.add_faults(Rule(Kind.EMPTY_PAGE, **BY_ASSET_IDS))
    rig.sync()

    assert falsely_deleted(rig) == []
    rig.make_due()
    rig.sync()
    require_equal(rig)


def answer_as_another_cloud(rig: Rig) -> None:
    """From now on another, empty cloud answers everything, and says who it is."""
    body = '{"cloud_name": "somebody-elses", "settings": {"folder_mode": "dynamic"}}'
    rig.control.add_faults(
        Rule(Kind.STATUS, path="/config", status=200, body=body),
        Rule(Kind.WRONG_CLOUD, path="*"),
    )


def play_another_cloud_from_the_middle_of_a_sync_on(rig: Rig) -> None:
    ids = rig.upload_many(6)
    rig.sync()
    rig.hint(ids[:2])
    rig.on_page = lambda: answer_as_another_cloud(rig)

    rig.sync()

    rig.on_page = None
    assert falsely_deleted(rig) == []
    rig.make_due()
    rig.sync()
    require_equal(rig)


def test_another_cloud_that_answers_from_the_middle_of_a_sync_on_lacks_the_canary(rig: Rig) -> None:
    play_another_cloud_from_the_middle_of_a_sync_on(rig)


def test_control_believing_answers_without_the_canary_deletes_what_another_cloud_lacks(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    mistakes.believe_answers(monkeypatch)

    with pytest.raises(AssertionError):
        play_another_cloud_from_the_middle_of_a_sync_on(rig)
    assert len(falsely_deleted(rig)) == 2


def play_an_approval_while_another_cloud_answers(rig: Rig) -> None:
    """A person takes the empty listing for true; no canary is left, so the name of the cloud has to stop it."""
    rig.upload_many(6)
    rig.sync()
    rig.break_lists(Kind.EMPTY_PAGE)
    rig.sync()
    (hold,) = holds.list_holds(rig.engine)
    holds.decide(rig.engine, hold.id, HoldState.APPROVED, actor="cli:ada")
    rig.on_page = lambda: answer_as_another_cloud(rig)

    with contextlib.suppress(WrongCloud):
        rig.sync()

    rig.on_page = None
    assert falsely_deleted(rig) == []
    rig.sync()
    require_equal(rig)


def test_an_approval_deletes_nothing_while_another_cloud_answers(rig: Rig) -> None:
    play_an_approval_while_another_cloud_answers(rig)


def test_control_without_the_binding_an_approval_deletes_what_another_cloud_lacks(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    mistakes.trust_any_cloud(monkeypatch)

    with pytest.raises(AssertionError):
        play_an_approval_while_another_cloud_answers(rig)
    assert len(falsely_deleted(rig)) == 6


def test_a_key_of_another_cloud_stops_before_the_first_read_of_an_asset(rig: Rig) -> None:
    rig.upload_many(3)
    rig.sync()
    answer_as_another_cloud(rig)
    rig.control.clear_journal()

    with pytest.raises(WrongCloud):
        rig.sync()

    assert [entry.path for entry in rig.control.journal()] == [f"/v1_1/{rig.endpoints.cloud_name}/config"]
    require_equal(rig)


def folders(rig: Rig, method: str, path: str) -> None:
    assert rig.settings.cloud is not None
    answer = httpx.request(
        method,
        f"{rig.endpoints.base_url}/v1_1/{rig.endpoints.cloud_name}/folders/{path}",
        auth=(rig.settings.cloud.api_key, rig.settings.cloud.api_secret),
    )
    assert answer.status_code == 200, answer.text


def test_a_search_index_that_lags_hides_no_asset_and_shows_no_deleted_one(rig: Rig) -> None:
    """Content comes from listings; only the folders without assets wait for the index."""
    rig.upload("old", asset_folder="old")
    leaving = rig.upload("leaving", asset_folder="left")
    folders(rig, "POST", "empty and going")

    def mirrored() -> set[str]:
        with rig.client() as client:
            refresh_folders(rig.engine, client, progress=Silent())
        return {row[0] for row in rig.query("select path from media_folders")}

    rig.sync()
    assert mirrored() == {"old", "left", "empty and going"}
    rig.control.change_settings(search_lag_seconds=3600, folder_lag_seconds=3600)
    rig.upload("young", colour=9, asset_folder="young/below")
    delete(rig, leaving)
    folders(rig, "DELETE", "empty%20and%20going")
    folders(rig, "POST", "empty%20and%20new")

    rig.sync()

    require_equal(rig)
    assert set(rig.live()) == {"old", "young"}
    assert mirrored() == {"old", "left", "empty and going", "young", "young/below"}
    rig.control.change_settings(search_lag_seconds=0, folder_lag_seconds=0)
    assert mirrored() == {"old", "left", "empty and new", "young", "young/below"}
