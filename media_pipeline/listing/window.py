"""What was created or changed within a time, asked of the search: ids only, to be read again.

Belongs here: the question, the walk through its pages, when it goes on, waits or breaks.
Not here: its statements (``listing.window_checkpoint``), reading what it hints at (``mirror``).

The search index lags and its answer is never content: each id it shows becomes a hint, and what it does not show is
never absent. No id is left out because we know it already: of what the mirror holds nothing tells by Cloudinary's clock
when it was read, and a read too many costs a hundredth of a call.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
import structlog
from sqlalchemy import Engine

from media_pipeline.db import locks
from media_pipeline.db.locks import Fence
from media_pipeline.errors import CursorRejected, RateLimited, RemoteMalformed
from media_pipeline.listing import window_checkpoint
from media_pipeline.listing.window_checkpoint import BadRecord, ChangeWindow, FoundPage
from media_pipeline.ops.runs import holder
from media_pipeline.progress import Progress
from media_pipeline.remote import payloads
from media_pipeline.remote.calls import RawPage
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import CallPurpose, RunId, WindowKind

_TIMES = ("last_updated.updated_at", "uploaded_at", "created_at")
"""An upload moves the last two and perhaps not the first, an edit only the first (cloudinary-api §4.1)."""

_PURPOSES = {WindowKind.RECENT: CallPurpose.OTHER, WindowKind.OUTAGE: CallPurpose.LISTING}
"""A listing that used up its share must not keep recent changes waiting, which are few."""

_EMPTY_PAGES_IN_A_ROW = 3

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WindowResult:
    """What one walk through a time led to; counts of earlier, interrupted processes included.

    Attributes:
        low_at: first moment of the time, by Cloudinary's clock; None where nothing was asked.
        high_at: its end.
        found_count: records that the search showed.
        hinted_count: assets that are to be read by id because of it.
        quarantined_count: records without a readable id among the found ones.
        missing_count: records that the search counted and did not show: its index was in flux.
        is_complete: False where it goes on next time, for ``paused_reason``.
        is_left_to_listing: a full listing is wanted, for what was found and not hinted at or since nothing was ever
            listed.
    """

    low_at: datetime | None = None
    high_at: datetime | None = None
    page_count: int = 0
    found_count: int = 0
    hinted_count: int = 0
    quarantined_count: int = 0
    missing_count: int = 0
    restart_count: int = 0
    is_complete: bool = False
    is_left_to_listing: bool = False
    paused_reason: str | None = None
    duration_seconds: float = 0.0


def walk_recent(
    engine: Engine, client: CloudinaryClient, settings: Settings, *, run_id: RunId | None, progress: Progress
) -> WindowResult:
    """Hint at all that was created or changed since the last complete look, or since the first full listing began.

    The time begins ``settings.search_overlap_seconds`` before the end of the last one, and where the index was in flux
    then, at its beginning. One call where nothing changed, one more the first time. Where nothing was ever listed, a
    full listing is wished for and no call is made. A spent allowance is a pause: the next look goes on at the cursor.

    Raises:
        ActivityBusy: another process is at it.
        RemoteError: the search could not be asked; the next look goes on at the cursor.

    Reads: Admin API ``POST /resources/search``. Writes: landing.change_window, listing_wish; mirror.verify_queue
    through ``mirror.hint``; one transaction a page.
    """
    started = time.monotonic()
    with locks.activity(engine, "recent changes", holder=holder(f"run {run_id}")) as fence:
        walker = _Walker(engine, client, settings, run_id, progress, fence)
        try:
            window = walker.resume(WindowKind.RECENT, None, None) or walker.begin_recent()
            if window is None:
                log.info("nothing_was_ever_listed")
                return WindowResult(is_left_to_listing=True, duration_seconds=time.monotonic() - started)
            window, is_left_to_listing = walker.walk(window, until=None)
        except RateLimited as error:
            progress.note(f"{error.reason}; the next look at recent changes goes on.")
            return _result(walker.window, started, paused_reason=str(error))
    return _result(window, started, is_left_to_listing=is_left_to_listing)


def walk_outage(
    engine: Engine,
    client: CloudinaryClient,
    settings: Settings,
    low_at: datetime,
    high_at: datetime,
    *,
    run_id: RunId | None,
    progress: Progress,
    sleep: Callable[[float], object] = time.sleep,
) -> WindowResult:
    """Hint at all that was created or last changed from *low_at* up to *high_at*, and wish for a full listing.

    The deletions of that time left no trace that a search could show; only a complete listing finds them.

    Args:
        low_at: by Cloudinary's clock, aware; whole seconds count.
        high_at: the first moment after the time.
        sleep: waits some seconds for a new allowance; no lock is held meanwhile.

    Raises:
        ActivityBusy: another process walks through the same time.
        RateLimited: a new allowance would come later than ``settings.rate_limit_wait_seconds``.
        RemoteError: the search could not be asked. The same call again goes on at the cursor.

    Reads and writes: as ``walk_recent``.
    """
    started = time.monotonic()
    name = f"outage {_text(low_at)} to {_text(high_at)}"
    while True:
        try:
            with locks.activity(engine, name, holder=holder(f"run {run_id}")) as fence:
                walker = _Walker(engine, client, settings, run_id, progress, fence)
                window = walker.resume(WindowKind.OUTAGE, low_at, high_at) or walker.begin(
                    WindowKind.OUTAGE, low_at, high_at
                )
                window, is_left_to_listing = walker.walk(window, until=high_at)
                return _result(window, started, is_left_to_listing=is_left_to_listing)
        except RateLimited as error:
            seconds = (error.reset_at - datetime.now(UTC)).total_seconds() + 1
            if seconds > settings.rate_limit_wait_seconds:
                raise
            progress.note(f"{error.reason}; going on at {error.reset_at:%H:%M:%S} UTC.")
            sleep(max(0.0, seconds))


def _result(
    window: ChangeWindow | None, started: float, *, is_left_to_listing: bool = False, paused_reason: str | None = None
) -> WindowResult:
    seconds = time.monotonic() - started
    if window is None:
        return WindowResult(paused_reason=paused_reason, duration_seconds=seconds)
    return WindowResult(
        low_at=window.low_at,
        high_at=window.high_at,
        page_count=window.page_count,
        found_count=window.found_count,
        hinted_count=window.hinted_count,
        quarantined_count=window.quarantined_count,
        missing_count=window.missing_count,
        restart_count=window.restart_count,
        is_complete=paused_reason is None,
        is_left_to_listing=is_left_to_listing,
        paused_reason=paused_reason,
        duration_seconds=seconds,
    )


class _Counted(msgspec.Struct):
    total_count: int | None = None


_count_decoder = msgspec.json.Decoder(_Counted)


class _Walker:
    """One walk under one fence; ``window`` is as far as it got."""

    def __init__(
        self,
        engine: Engine,
        client: CloudinaryClient,
        settings: Settings,
        run_id: RunId | None,
        progress: Progress,
        fence: Fence,
    ) -> None:
        self.window: ChangeWindow | None = None
        self._engine = engine
        self._client = client
        self._settings = settings
        self._run_id = run_id
        self._progress = progress
        self._fence = fence

    def resume(self, kind: WindowKind, low_at: datetime | None, high_at: datetime | None) -> ChangeWindow | None:
        """The open walk through this time, if there is one that is not older than a day."""
        self.window = window_checkpoint.resume(self._engine, self._fence, kind, low_at, high_at)
        return self.window

    def begin(self, kind: WindowKind, low_at: datetime, high_at: datetime | None) -> ChangeWindow:
        """A new walk."""
        self.window = window_checkpoint.begin(self._engine, self._fence, kind, low_at, high_at, run_id=self._run_id)
        return self.window

    def begin_recent(self) -> ChangeWindow | None:
        """A new walk from where the last one ended; None where there is nothing to go on from."""
        low_at, listed_age = window_checkpoint.find_recent_low(
            self._engine, self._fence, overlap_seconds=self._settings.search_overlap_seconds
        )
        if low_at is None:
            if listed_age is None:
                return None
            # An age is taken from Cloudinary's clock, whatever ours says; asking for the time costs one call, once.
            overlap = timedelta(seconds=self._settings.search_overlap_seconds)
            low_at = self._answered_at(self._client.ping()) - listed_age - overlap
        return self.begin(WindowKind.RECENT, low_at, None)

    def walk(self, window: ChangeWindow, *, until: datetime | None) -> tuple[ChangeWindow, bool]:
        """Read every page from the window's cursor on; whether the rest is left to a full listing."""
        expression = _expression(self._settings, window.low_at, until)
        used: set[str] = set()
        empty_in_a_row = 0
        while True:
            try:
                answer = self._client.search(
                    expression,
                    fields=["asset_id"],
                    # Nothing that happens meanwhile changes the place of an asset in this order.
                    sort_by=[("created_at", "asc")],
                    cursor=window.cursor,
                    max_results=self._settings.listing_page_size,
                    purpose=_PURPOSES[window.kind],
                )
            except CursorRejected as error:
                if window.restart_count >= self._settings.cursor_restarts:
                    self._break("its cursor was rejected again and again")
                    raise
                log.info("window_restarted", change_window_id=window.id, reason=str(error))
                window = self.window = window_checkpoint.restart(self._engine, self._fence, window)
                used.clear()
                continue
            page = self._take_apart(answer, window)
            if page.next_cursor is not None:
                empty_in_a_row = 0 if page.record_count else empty_in_a_row + 1
                if page.next_cursor in used or page.next_cursor == window.cursor:
                    raise self._malformed(answer, "a cursor came a second time")
                if empty_in_a_row > _EMPTY_PAGES_IN_A_ROW:
                    raise self._malformed(answer, f"{empty_in_a_row} empty pages came in a row")
                used.add(page.next_cursor)
            window, is_flood = window_checkpoint.land(self._engine, self._fence, window, page)
            self.window = window
            self._progress.advance("window", done=1, assets=page.record_count)
            if is_flood or page.next_cursor is None:
                log.info(
                    "window_walked", change_window_id=window.id, hinted_count=window.hinted_count, is_flood=is_flood
                )
                return window, is_flood

    def _take_apart(self, answer: RawPage, window: ChangeWindow) -> FoundPage:
        page = payloads.split_page(answer.body, call="search", request_id=answer.request_id)
        bad = [BadRecord(item.raw, hashlib.sha256(item.raw).digest()) for item in page.items if item.asset_id is None]
        return FoundPage(
            record_count=len(page.items),
            asset_ids=sorted({item.asset_id for item in page.items if item.asset_id is not None}),
            bad=bad,
            next_cursor=page.next_cursor,
            total_count=_total(answer.body),
            answered_at=self._answered_at(answer) if window.high_at is None else None,
        )

    def _answered_at(self, answer: RawPage) -> datetime:
        """The moment of the answer by Cloudinary's clock; at most a second before it."""
        skew = self._client.clock_skew_seconds
        if skew is None:
            raise RemoteMalformed("The answer does not tell its time", call="search", request_id=answer.request_id)
        return answer.received_at - timedelta(seconds=skew)

    def _malformed(self, answer: RawPage, reason: str) -> RemoteMalformed:
        self._break(reason)
        return RemoteMalformed(f"The search comes to no end: {reason}", call="search", request_id=answer.request_id)

    def _break(self, reason: str) -> None:
        if self.window is not None:
            window_checkpoint.break_(self._engine, self._fence, self.window, reason)


def _total(body: bytes) -> int | None:
    """How many records the search counts; None where the answer does not say."""
    try:
        return _count_decoder.decode(body).total_count
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _expression(settings: Settings, low_at: datetime, high_at: datetime | None) -> str:
    """What is asked: assets of the mirrored slices that one of the times puts into the window."""
    within = [f'{name}>="{_text(low_at)}"' for name in _TIMES]
    if high_at is not None:
        within = [f'({after} AND {name}<"{_text(high_at)}")' for after, name in zip(within, _TIMES, strict=True)]
    resource_types = " OR ".join(f"resource_type={name}" for name in settings.resource_types)
    delivery_types = " OR ".join(f"type={name}" for name in settings.delivery_types)
    return f"({' OR '.join(within)}) AND ({resource_types}) AND ({delivery_types})"


def _text(moment: datetime) -> str:
    """Cloudinary's times are whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
