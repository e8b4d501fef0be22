"""One walk of every slice, in parallel, each page landed with its checkpoint.

Belongs here: which page comes next, when a slice breaks, starts again or waits for the allowance.
Not here: the statements (``listing.checkpoint``), what is on a page (``mirror``).

Nothing is concluded from what was not read: a broken slice keeps its pages and proves no absence.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from sqlalchemy import Engine
from structlog.contextvars import bound_contextvars

from media_pipeline.db import locks
from media_pipeline.db.locks import Fence
from media_pipeline.errors import (
    CursorRejected,
    ListingIncomplete,
    RateLimited,
    RemoteMalformed,
    RemoteUnavailable,
)
from media_pipeline.listing import checkpoint
from media_pipeline.listing.checkpoint import CursorRepeats, LandedPage, OpenRun
from media_pipeline.logs import Threads
from media_pipeline.ops.runs import holder
from media_pipeline.progress import Progress
from media_pipeline.remote import payloads
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import ListingRunId, RunId, Slice

_EMPTY_PAGES_IN_A_ROW = 3
_IN_A_CIRCLE = "a cursor came a second time"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SliceResult:
    """One slice's walk; ``problem`` is None when it is complete, else a sentence."""

    slice: Slice
    listing_run_id: ListingRunId | None
    page_count: int
    asset_count: int
    restart_count: int
    problem: str | None


@dataclass(frozen=True, slots=True)
class ListingResult:
    """Counts over all slices; pages and assets of earlier, interrupted processes included."""

    slices: tuple[SliceResult, ...]
    duration_seconds: float

    @property
    def page_count(self) -> int:
        """Pages landed."""
        return sum(one.page_count for one in self.slices)

    @property
    def asset_count(self) -> int:
        """Records on these pages."""
        return sum(one.asset_count for one in self.slices)

    @property
    def problems(self) -> tuple[SliceResult, ...]:
        """The slices that are not complete."""
        return tuple(one for one in self.slices if one.problem is not None)


def scope_of(cloud_name: str, slice_: Slice) -> str:
    """What a walk asks for; absence is concluded only between walks of equal scope."""
    asked = {"cloud": cloud_name, "slice": str(slice_), "flags": sorted(payloads.PROJECTION)}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def walk(
    engine: Engine,
    client: CloudinaryClient,
    settings: Settings,
    *,
    run_id: RunId | None,
    progress: Progress,
    on_page: Callable[[ListingRunId, int], object] | None = None,
    sleep: Callable[[float], object] | None = None,
) -> ListingResult:
    """Walk every configured slice to its end, ``settings.listing_workers`` at a time.

    A slice that breaks or cannot be reached does not stop the others; it is told in the result.

    Args:
        on_page: told of each page once it is landed, by its run and number, on the thread that walks; must not wait.
        sleep: waits some seconds for a new allowance; no lock is held meanwhile. By default it wakes up early when
            the walk is stopped.

    Returns:
        One entry a slice, in the order of the settings.

    Raises:
        ActivityBusy: another process lists one of the slices.
        RemotePermanent: the key is refused or lacks a permission: no slice can be listed.
        RateLimited: a new allowance would come later than ``settings.rate_limit_wait_seconds``.
        ListingIncomplete, RemoteUnavailable: not one slice landed a page.

    Reads: Admin API ``GET /resources/<resource_type>/<delivery_type>``.
    Writes: landing.listing_run, landing.listing_page; one transaction a page, none waits for a request.
    """
    started = time.monotonic()
    stop = threading.Event()
    walker = _Walker(engine, client, settings, run_id, progress, on_page, sleep or stop.wait, stop)
    slice_locks = [_SliceLock(engine, one, holder(f"run {run_id}")) for one in settings.slices]
    try:
        # All are taken in one order before the first request: of two syncs that begin together one gets them all.
        for slice_lock in slice_locks:
            slice_lock.take()
        with Threads(max_workers=settings.listing_workers, thread_name_prefix="listing") as pool:
            futures = [pool.submit(walker.walk_slice, one) for one in slice_locks]
            try:
                outcomes = [future.exception() or future.result() for future in futures]
            except BaseException:
                # Somebody stops us: no slice begins another page.
                stop.set()
                raise
    finally:
        for slice_lock in slice_locks:
            slice_lock.give_back()
    results, soft_errors = [], []
    for outcome in outcomes:
        if isinstance(outcome, _SoftFailure):
            results.append(outcome.result)
            soft_errors.append(outcome.error)
        elif isinstance(outcome, BaseException):
            raise outcome
        elif outcome is not None:
            results.append(outcome)
    if soft_errors and not any(one.page_count for one in results):
        raise soft_errors[0]
    return ListingResult(tuple(results), time.monotonic() - started)


class _SoftFailure(Exception):
    """One slice failed in a way that leaves the others their worth."""

    def __init__(self, result: SliceResult, error: Exception) -> None:
        super().__init__(str(error))
        self.result = result
        self.error = error


class _SliceLock:
    """The activity of one slice, given back while its walk waits, and when it ends."""

    def __init__(self, engine: Engine, slice_: Slice, holder_: str) -> None:
        self.slice = slice_
        self._engine = engine
        self._holder = holder_
        self._stack = ExitStack()
        self._fence: Fence | None = None

    def take(self) -> Fence:
        """Hold the activity, if it is not held yet.

        Raises:
            ActivityBusy: another process lists the slice.
        """
        if self._fence is None:
            activity = locks.activity(self._engine, f"listing {self.slice}", holder=self._holder)
            self._fence = self._stack.enter_context(activity)
        return self._fence

    def give_back(self) -> None:
        """Hold it no longer."""
        self._fence = None
        self._stack.close()


@dataclass(frozen=True, slots=True)
class _Walker:
    engine: Engine
    client: CloudinaryClient
    settings: Settings
    run_id: RunId | None
    progress: Progress
    on_page: Callable[[ListingRunId, int], object] | None
    sleep: Callable[[float], object]
    stop: threading.Event

    def walk_slice(self, slice_lock: _SliceLock) -> SliceResult | None:
        """Walk one slice; waits for a new allowance without its lock and goes on at the checkpoint."""
        with bound_contextvars(slice=str(slice_lock.slice)):
            return self._walk_slice(slice_lock)

    def _walk_slice(self, slice_lock: _SliceLock) -> SliceResult | None:
        slice_ = slice_lock.slice
        while not self.stop.is_set():
            try:
                return self._walk_locked(slice_, slice_lock.take())
            except RateLimited as error:
                slice_lock.give_back()
                self._wait_for_allowance(error)
            except (ListingIncomplete, RemoteUnavailable) as error:
                log.warning("slice_not_complete", reason=str(error))
                raise _SoftFailure(SliceResult(slice_, None, 0, 0, 0, str(error)), error) from error
            except BaseException:
                self.stop.set()
                raise
            finally:
                slice_lock.give_back()
        return None

    def _wait_for_allowance(self, error: RateLimited) -> None:
        seconds = (error.reset_at - datetime.now(UTC)).total_seconds() + 1
        if seconds > self.settings.rate_limit_wait_seconds:
            self.stop.set()
            raise error
        self.progress.note(f"{error.reason}; going on at {error.reset_at:%H:%M:%S} UTC.")
        log.info("waiting_for_allowance", call=error.call, reset_at=error.reset_at.isoformat())
        self.sleep(max(0.0, seconds))

    def _walk_locked(self, slice_: Slice, fence: Fence) -> SliceResult:
        scope = scope_of(self.client.cloud_name, slice_)
        run = checkpoint.begin_or_resume(self.engine, fence, slice_, scope=scope, run_id=self.run_id)
        with Threads(max_workers=1, thread_name_prefix=f"fetching {slice_}") as pool:
            # A page is fetched while the one before it is landed.
            fetching = pool.submit(self._fetch, slice_, run.cursor, run.touch_low)
            empty_in_a_row = 0
            while not self.stop.is_set():
                try:
                    page = fetching.result()
                except CursorRejected:
                    if run.restart_count >= self.settings.cursor_restarts:
                        raise self._broken(fence, slice_, run, "its cursor was rejected again and again") from None
                    run = checkpoint.restart(self.engine, fence, slice_, run, scope=scope, run_id=self.run_id)
                    self.progress.note(f"The cursor of {slice_} expired; the slice is listed from its beginning.")
                    fetching = pool.submit(self._fetch, slice_, run.cursor, run.touch_low)
                    continue
                except RemoteMalformed as error:
                    raise self._broken(fence, slice_, run, error.reason) from error
                if page.next_cursor is not None:
                    if page.next_cursor == run.cursor:
                        raise self._broken(fence, slice_, run, _IN_A_CIRCLE)
                    empty_in_a_row = 0 if page.asset_count else empty_in_a_row + 1
                    if empty_in_a_row > _EMPTY_PAGES_IN_A_ROW:
                        raise self._broken(fence, slice_, run, f"{empty_in_a_row} empty pages came in a row")
                    fetching = pool.submit(self._fetch, slice_, page.next_cursor, run.touch_low)
                try:
                    run = checkpoint.land_page(self.engine, fence, run, page)
                except CursorRepeats:
                    raise self._broken(fence, slice_, run, _IN_A_CIRCLE) from None
                if self.on_page is not None:
                    self.on_page(run.id, run.page_count)
                self.progress.advance("listing", done=1, assets=page.asset_count)
                if page.next_cursor is None:
                    log.info("slice_listed", listing_run_id=run.id, asset_count=run.asset_count)
                    return SliceResult(slice_, run.id, run.page_count, run.asset_count, run.restart_count, None)
        return SliceResult(slice_, run.id, run.page_count, run.asset_count, run.restart_count, "another slice failed")

    def _fetch(self, slice_: Slice, cursor: str | None, touch_low: int) -> LandedPage:
        answer = self.client.list_page(slice_, cursor=cursor, page_size=self.settings.listing_page_size)
        page = payloads.head_of_page(answer.body, call="list", request_id=answer.request_id)
        return LandedPage(
            touch_low,
            answer.body,
            page.records_digest,
            page.record_count,
            page.next_cursor,
            answer.request_id,
            answer.received_at,
        )

    def _broken(self, fence: Fence, slice_: Slice, run: OpenRun, reason: str) -> ListingIncomplete:
        checkpoint.break_run(self.engine, fence, run.id, reason)
        return ListingIncomplete(run.id, str(slice_), reason)
