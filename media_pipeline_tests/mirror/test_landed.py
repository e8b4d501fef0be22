"""Pages are taken over while the walk goes on, and neither side can hold or hurt the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from media_pipeline import listing, mirror
from media_pipeline.emulator.faults import Kind
from media_pipeline.errors import RemoteRejectedKey
from media_pipeline.listing import ListingResult
from media_pipeline.mirror import PagesTaken, PageTaker, RefreshResult, landed
from media_pipeline.mirror.page_apply import PageCounts, apply_landed_page
from media_pipeline.progress import Silent
from media_pipeline.vocabulary import ListingRunId
from media_pipeline_tests.mirror.conftest import Rig

_PAGES = "select count(*), count(applied_at) from landing.listing_page p join landing.listing_run l"
_PAGES_OF_IMAGES = f"{_PAGES} on l.id = p.listing_run_id where l.resource_type = 'image'"


def walk_beside(rig: Rig, *, sleep: Callable[[float], object] | None = None) -> tuple[ListingResult, PageTaker]:
    """The walk with pages taken over beside it, as a full sync does it."""
    with rig.client() as client, mirror.taking_over(rig.engine, rig.settings, progress=Silent()) as taker:
        listed = listing.walk(
            rig.engine, client, rig.settings, run_id=None, progress=Silent(), on_page=taker.take, sleep=sleep or rig.nap
        )
    return listed, taker


def refresh(rig: Rig, taken: PagesTaken) -> RefreshResult:
    with rig.client() as client:
        return mirror.refresh(rig.engine, client, rig.settings, run_id=None, progress=Silent(), taken=taken)


def workers() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("mirror")]


def eventually(is_true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not is_true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_true()


def test_pages_are_taken_over_while_the_walk_waits_for_the_allowance_and_count_for_the_run(rig: Rig) -> None:
    rig.upload_many(12)
    rig.break_lists(Kind.QUOTA, first=3, times=1)
    applied_meanwhile: list[bool] = []

    def nap(seconds: float) -> None:
        applied_meanwhile.append(eventually(lambda: rig.query(_PAGES_OF_IMAGES) == [(2, 2)]))
        rig.nap(seconds)

    listed, taker = walk_beside(rig, sleep=nap)
    refreshed = refresh(rig, taker.taken)

    assert applied_meanwhile
    assert all(applied_meanwhile)
    assert refreshed.page_count == listed.page_count
    assert (refreshed.pages.seen, refreshed.pages.written) == (12, 12)
    assert workers() == []


def test_a_walk_goes_on_while_no_page_can_be_taken_over(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.upload_many(12)
    may_go_on = threading.Event()
    settings = rig.settings

    def apply_late(engine: Engine, listing_run_id: ListingRunId, page_number: int) -> PageCounts:
        assert may_go_on.wait(20)
        return apply_landed_page(engine, listing_run_id, page_number)

    monkeypatch.setattr(landed, "apply_landed_page", apply_late)
    with rig.client() as client, mirror.taking_over(rig.engine, settings, progress=Silent()) as taker:
        listed = listing.walk(rig.engine, client, settings, run_id=None, progress=Silent(), on_page=taker.take)
        assert rig.query(_PAGES_OF_IMAGES) == [(3, 0)]
        may_go_on.set()

    assert not listed.problems
    # Those that were begun are taken over, the rest is left to the refresh.
    assert taker.taken.page_count == settings.apply_workers
    assert refresh(rig, taker.taken).pages.seen == 12


@pytest.mark.parametrize("is_cured", [True, False])
def test_a_page_that_cannot_be_taken_over_stays_and_is_met_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, is_cured: bool
) -> None:
    rig.upload_many(12)

    def fail(engine: Engine, listing_run_id: ListingRunId, page_number: int) -> PageCounts:
        raise RuntimeError("no room for this page")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(landed, "apply_landed_page", fail)
        listed, taker = walk_beside(rig)
    if not is_cured:
        monkeypatch.setattr(landed, "apply_landed_page", fail)
        with pytest.raises(RuntimeError, match="no room for this page"):
            refresh(rig, taker.taken)
        monkeypatch.undo()

    assert not listed.problems
    assert str(taker.error) == "no room for this page"
    assert taker.taken == PagesTaken()
    assert rig.query(_PAGES_OF_IMAGES) == [(3, 0)]
    assert refresh(rig, taker.taken).pages.seen == 12
    assert workers() == []


def test_a_walk_that_fails_leaves_no_thread_and_no_page_behind(rig: Rig) -> None:
    rig.upload_many(12)
    rig.break_lists(Kind.REVOKED_KEY, first=3)

    with pytest.raises(RemoteRejectedKey):
        walk_beside(rig)
    assert workers() == []

    rig.control.clear_faults()
    rig.sync()
    assert len(rig.live()) == 12
