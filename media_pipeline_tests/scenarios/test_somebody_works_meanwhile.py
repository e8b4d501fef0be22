"""The cloud changes while its pages are read, in every way and at every page size; or all of it changes at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from media_pipeline.emulator.faults import Kind
from media_pipeline.mirror import verify
from media_pipeline.ops import holds
from media_pipeline.progress import Silent
from media_pipeline.remote.calls import RawPage, TagCommand
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.vocabulary import AssetId, HoldState, ResourceType, Slice
from media_pipeline_tests.mirror.conftest import Rig
from media_pipeline_tests.scenarios import mistakes
from media_pipeline_tests.scenarios.both_sides import differences, falsely_deleted, require_equal, require_whole_log

IMAGES: dict[str, Any] = {"resource_type": ResourceType.IMAGE, "delivery_type": "upload"}
CURSORS = {"keyset": 0, "skips one": 1, "skips three": 3}
"""How many assets a cursor leaves out between two pages, as one by offset does when what it counted was deleted."""


@contextmanager
def after_each_image_page(act: Callable[[int], object]) -> Iterator[list[int]]:
    """Somebody acts between an answer and its landing; told the page's number. Yields the numbers so far."""
    list_page = CloudinaryClient.list_page
    pages: list[int] = []

    def listed(client: CloudinaryClient, slice_: Slice, **paging: Any) -> RawPage:
        answer = list_page(client, slice_, **paging)
        if slice_.resource_type is ResourceType.IMAGE:
            pages.append(len(pages) + 1)
            act(pages[-1])
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CloudinaryClient, "list_page", listed)
        yield pages


class Busy:
    """Does the next thing after each page, until there is nothing left to do."""

    def __init__(self, rig: Rig, ids: list[AssetId]) -> None:
        self.rig = rig
        self.ids = ids
        self.left: list[Callable[[], object]] = [
            lambda: rig.upload("between the pages", colour=700),
            lambda: self.delete(0),
            lambda: self.rename("p0007", "zzz"),
            lambda: self.tag("p0006"),
            lambda: rig.upload("p0005", colour=701),
            lambda: self.delete(4),
            # Under the name of one that was renamed, and of one that was deleted.
            lambda: rig.upload("p0007", colour=702),
            lambda: rig.upload("p0000", colour=703),
        ]

    def act(self, _: int) -> None:
        """One thing a page; everything at once where there is only one page."""
        for _ in range(len(self.left) if self.rig.settings.listing_page_size == 500 else min(1, len(self.left))):
            self.left.pop(0)()

    def delete(self, number: int) -> None:
        with self.rig.client() as outsider:
            outsider.delete_assets([self.ids[number]])

    def rename(self, old: str, new: str) -> None:
        with self.rig.client() as outsider:
            outsider.rename(old, new, **IMAGES)

    def tag(self, name: str) -> None:
        with self.rig.client() as outsider:
            outsider.change_tags(TagCommand.ADD, ["meanwhile"], public_ids=[name], **IMAGES)


def play_a_walk_during_which_somebody_works(rig: Rig, page_size: int, skipped: int) -> None:
    rig.settings = rig.settings.model_copy(update={"listing_page_size": page_size, "deletion_limit_count": 100})
    ids = rig.upload_many(12)
    rig.sync()
    busy = Busy(rig, ids)
    if skipped:
        rig.break_lists(Kind.SKIPPING_CURSOR, keep=skipped)

    with after_each_image_page(busy.act) as pages:
        rig.sync()

    assert len(pages) > (1 if page_size < 12 else 0)
    assert falsely_deleted(rig) == []
    # Nobody works and nothing is left out any more: the next look sees it all.
    while busy.left:
        busy.left.pop(0)()
    rig.make_due()
    rig.sync()
    require_equal(rig)
    assert holds.list_holds(rig.engine) == []


@pytest.mark.parametrize("page_size", [1, 2, 500])
@pytest.mark.parametrize("skipped", CURSORS.values(), ids=CURSORS)
def test_work_during_a_walk_deletes_nothing_falsely_and_is_seen_by_the_next(
    rig: Rig, page_size: int, skipped: int
) -> None:
    play_a_walk_during_which_somebody_works(rig, page_size, skipped)


def test_control_believing_what_a_walk_left_out_deletes_falsely(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    mistakes.believe_suspects(monkeypatch)

    with pytest.raises(AssertionError):
        play_a_walk_during_which_somebody_works(rig, page_size=2, skipped=1)
    assert falsely_deleted(rig) != []


def play_reads_by_id_that_overtake_landed_pages(rig: Rig) -> None:
    """Another process reads by id what changed, after our pages were read and before they are applied."""
    deleted, tagged, *_ = rig.upload_many(6)
    rig.sync()

    def overtake() -> None:
        busy = Busy(rig, [deleted])
        busy.delete(0)
        busy.tag("p0001")
        rig.hint([deleted, tagged])
        with rig.client() as other:
            counts, _ = verify.drain(rig.engine, other, batch_size=100, progress=Silent())
        assert (counts.tombstoned, counts.present) == (1, 1)

    rig.on_page = overtake
    rig.sync()

    require_equal(rig)


def test_pages_that_reads_by_id_have_overtaken_bring_nothing_back(rig: Rig) -> None:
    play_reads_by_id_that_overtake_landed_pages(rig)


def test_control_without_the_window_rule_old_pages_bring_the_past_back(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    mistakes.without_window_rule(monkeypatch)

    with pytest.raises(AssertionError):
        play_reads_by_id_that_overtake_landed_pages(rig)
    # The deleted asset came back, and the tag that everybody can see is gone here.
    assert {(one.name, one.field) for one in differences(rig)} == {("p0000", None), ("p0001", "tags")}


def rename_in_a_ring(rig: Rig, names: list[str]) -> None:
    """Each takes the name of the next one; somebody has to wait outside meanwhile."""
    with rig.client() as outsider:
        outsider.rename(names[-1], "outside", **IMAGES)
        for old, new in reversed(list(itertools.pairwise(names))):
            outsider.rename(old, new, **IMAGES)
        outsider.rename("outside", names[0], **IMAGES)


@pytest.mark.parametrize("page_size", [1, 2, 500])
def test_names_that_move_on_in_a_ring_during_a_walk_keep_their_rows(rig: Rig, page_size: int) -> None:
    ids = rig.upload_many(6)
    names = [f"p{number:04d}" for number in range(6)]
    rig.sync()
    keys = dict(rig.query("select asset_id, id from media_assets"))

    with after_each_image_page(lambda page: rename_in_a_ring(rig, names) if page == 1 else None):
        rig.sync(listing_page_size=page_size)
    rig.sync()

    assert rig.live() == {names[(number + 1) % 6]: asset for number, asset in enumerate(ids)}
    assert dict(rig.query("select asset_id, id from media_assets")) == keys
    assert rig.deleted() == set()
    require_equal(rig)


def test_a_library_that_is_renamed_and_moved_as_a_whole_alarms_no_guard_and_keeps_its_rows(rig: Rig) -> None:
    ids = rig.upload_many(12)
    rig.sync()
    keys = dict(rig.query("select asset_id, id from media_assets"))
    with rig.client() as outsider:
        for number, asset in enumerate(ids):
            outsider.rename(f"p{number:04d}", f"archive/{number}", **IMAGES)
            outsider.update(asset, asset_folder="archive")

    synced = rig.sync(deletion_limit_count=0, deletion_limit_share=0)

    assert (synced.mirror.suspects.queued, synced.mirror.suspects.held, synced.diff.held) == (0, 0, 0)
    assert (synced.apply.renamed, synced.apply.created) == (12, 0)
    assert dict(rig.query("select asset_id, id from media_assets")) == keys
    require_equal(rig)


def test_a_library_all_of_which_was_overwritten_is_taken_over_and_the_log_keeps_what_was(rig: Rig) -> None:
    """Nothing is held: an update loses nothing, since the log has each field before and after."""
    rig.upload_many(12)
    rig.sync()
    before = dict(rig.query("select asset_id, size_bytes || '/' || version from media_assets"))
    for number in range(12):
        rig.upload(f"p{number:04d}", colour=5000 + number, tags=["overwritten"])

    synced = rig.sync()

    assert (synced.apply.updated, synced.diff.held, synced.diff.deleted) == (12, 0, 0)
    undone = rig.query("select asset_id, before -> 'tags' = '[]' from media_sync_log where action = 'updated'")
    assert dict(undone) == dict.fromkeys(before, True)
    require_equal(rig)


def test_a_library_that_was_replaced_asset_by_asset_waits_with_its_deletions_only(rig: Rig) -> None:
    ids = rig.upload_many(12)
    rig.sync()
    with rig.client() as outsider:
        outsider.delete_assets(ids)
    new = rig.upload_many(12)

    synced = rig.sync()

    assert (synced.apply.created, synced.apply.deleted) == (12, 0)
    assert {one.key for one in differences(rig)} == set(ids)
    (hold,) = holds.list_holds(rig.engine)
    holds.decide(rig.engine, hold.id, HoldState.APPROVED, actor="cli:ada")
    rig.sync()
    assert set(rig.live().values()) == set(new)
    require_equal(rig)
    require_whole_log(rig)
