"""Bringing the mirror up to what was read: pages, suspects, reads by id.

Belongs here: the order of the three steps.
Not here: the steps themselves (``mirror.page_apply``, ``mirror.suspects``, ``mirror.verify``).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import Engine

from media_pipeline.db import statements
from media_pipeline.db.engine import read_only, transaction
from media_pipeline.mirror import suspects, verify
from media_pipeline.mirror.landed import PagesTaken, PageTaker
from media_pipeline.mirror.page_apply import PageCounts
from media_pipeline.mirror.suspects import SuspectCounts
from media_pipeline.mirror.verify import VerifyCounts
from media_pipeline.progress import Progress
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import ListingRunId, RunId

log = structlog.get_logger()

_NONE_TAKEN: Final = PagesTaken()


@dataclass(frozen=True, slots=True)
class RefreshResult:
    """What one refresh did; ``still_queued`` assets wait to be read again.

    ``pages`` counts what was on all pages of the run, those included that were taken over while they were listed.
    ``paused_reason`` says why the reads by id stopped early; they go on with the next refresh.
    """

    page_count: int
    pages: PageCounts
    suspects: SuspectCounts
    verified: VerifyCounts
    still_queued: int
    paused_reason: str | None
    duration_seconds: float


def refresh(
    engine: Engine,
    client: CloudinaryClient,
    settings: Settings,
    *,
    run_id: RunId | None,
    progress: Progress,
    taken: PagesTaken = _NONE_TAKEN,
) -> RefreshResult:
    """Apply landed pages, conclude from complete runs, and read by id whatever is due.

    Decided holds are acted on and read first, so that the guard never counts what a person already approved.

    Reads by id that Cloudinary does not answer pause with their reason: what the pages showed goes on to be applied,
    and the queue keeps the rest.

    Args:
        taken: what ``taking_over`` did while this run listed the cloud; it counts as done here.

    Reads: landing.listing_page; Admin API ``GET /resources/by_asset_ids``.
    Writes: mirror.*; transactions: one a page, one a listing run, one a read batch.
    """
    started = time.monotonic()
    taken += _apply_pages(engine, settings, progress, taken.page_count)
    verified, paused_reason = VerifyCounts(), None
    if suspects.settle_decided_holds(engine):
        verified, paused_reason = _drain(engine, client, settings, progress)
    suspected = suspects.settle_runs(engine, settings, run_id=run_id)
    if paused_reason is None:
        more, paused_reason = _drain(engine, client, settings, progress)
        verified += more
    with read_only(engine) as connection:
        still_queued = int(statements.run(connection, "mirror/350_count_queue").one().queue_count)
    seconds = time.monotonic() - started
    return RefreshResult(taken.page_count, taken.counts, suspected, verified, still_queued, paused_reason, seconds)


def _drain(
    engine: Engine, client: CloudinaryClient, settings: Settings, progress: Progress
) -> tuple[VerifyCounts, str | None]:
    verified, error = verify.drain(engine, client, batch_size=settings.read_batch_size, progress=progress)
    if error is None:
        return verified, None
    log.warning("reads_by_id_paused", reason=str(error))
    progress.note(f"Reads by id pause: {error.reason}.")
    return verified, str(error)


def _apply_pages(engine: Engine, settings: Settings, progress: Progress, done_count: int) -> PagesTaken:
    with transaction(engine) as connection:
        statements.run(connection, "mirror/105_skip_overtaken_pages")
        waiting = statements.run(connection, "mirror/100_list_unapplied_pages").all()
    progress.advance("mirror", total=done_count + len(waiting))
    taker = PageTaker(engine, settings, progress)
    try:
        for row in waiting:
            taker.take(ListingRunId(row.listing_run_id), row.page_number)
        taker.finish()
    except BaseException:
        # What is not begun can wait for the next refresh.
        taker.stop()
        raise
    return taker.taken
