"""Landed pages, several at a time, also while a walk lands more of them.

Belongs here: the workers, and what becomes of the rest when a page fails or somebody stops us.
Not here: one page (``mirror.page_apply``), which pages wait (``mirror.refresh``).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Engine
from structlog.contextvars import bound_contextvars

from media_pipeline.logs import Threads
from media_pipeline.mirror.page_apply import PageCounts, apply_landed_page
from media_pipeline.progress import Progress
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import ListingRunId

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class PagesTaken:
    """Landed pages that were taken over, and what was on them."""

    page_count: int = 0
    counts: PageCounts = field(default_factory=PageCounts)

    def __add__(self, other: PagesTaken) -> PagesTaken:
        return PagesTaken(self.page_count + other.page_count, self.counts + other.counts)


class PageTaker:
    """Takes pages over in the order of ``take``, ``settings.apply_workers`` at a time; ``take`` never waits.

    After the first failure no other page is begun; all of them stay landed and wait for the next refresh.
    """

    def __init__(self, engine: Engine, settings: Settings, progress: Progress) -> None:
        self._engine = engine
        self._progress = progress
        self._pool = Threads(max_workers=settings.apply_workers, thread_name_prefix="mirror")
        self._lock = threading.Lock()
        self.taken = PagesTaken()
        self.error: Exception | None = None

    def take(self, listing_run_id: ListingRunId, page_number: int) -> None:
        """Put a landed page last in the row."""
        self._pool.submit(self._apply, listing_run_id, page_number)

    def finish(self) -> None:
        """Wait for every page that was put in the row.

        Raises:
            Exception: what the first page that failed raised.
        """
        self._pool.shutdown()
        if self.error is not None:
            raise self.error

    def stop(self) -> None:
        """Leave the pages that are not begun yet, and wait for those that are."""
        self._pool.shutdown(cancel_futures=True)

    def _apply(self, listing_run_id: ListingRunId, page_number: int) -> None:
        if self.error is not None:
            return
        with bound_contextvars(listing_run_id=listing_run_id, page_number=page_number):
            try:
                counts = apply_landed_page(self._engine, listing_run_id, page_number)
            except Exception as error:
                log.warning("page_not_taken_over", reason=str(error))
                self.error = error
                return
        with self._lock:
            self.taken += PagesTaken(1, counts)
        self._progress.advance("mirror", done=1, assets=counts.seen, quarantined=counts.quarantined)


@contextmanager
def taking_over(engine: Engine, settings: Settings, *, progress: Progress) -> Iterator[PageTaker]:
    """Take pages over while the block lands them; hand ``PageTaker.take`` to ``listing.walk``.

    Pages that are not begun at the end of the block, also because one before them failed, are left to ``refresh``,
    which meets the same failure or is past it. So neither side waits for the other, and no thread stays behind.

    Writes: as ``mirror.page_apply``; transactions: one a page.
    """
    taker = PageTaker(engine, settings, progress)
    try:
        yield taker
    finally:
        taker.stop()
