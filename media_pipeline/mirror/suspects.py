"""What a complete listing run did not show.

Belongs here: concluding from a complete run: suspects, the mass guard, holds and what a decision leads to.
Not here: the proof by id (``mirror.verify``), the guard's rule (``guards``).
Tables: writes landing.listing_run.state, mirror.asset_sighting.state, mirror.verify_queue, ops.hold.

Absence is suspicion, never proof: from here an asset only gets to be read by its id.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, Engine

from media_pipeline import guards
from media_pipeline.db import statements
from media_pipeline.db.engine import read_only, retrying, transaction
from media_pipeline.ops import holds
from media_pipeline.ops.holds import Place, Stopped
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import HoldId, HoldKind, HoldState, ListingRunId, ListingRunState, RunId

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SuspectCounts:
    """What complete runs led to; ``held`` assets wait for a person, ``queued`` ones are to be read."""

    runs: int = 0
    queued: int = 0
    held: int = 0
    hold_ids: tuple[HoldId, ...] = ()

    def __add__(self, other: SuspectCounts) -> SuspectCounts:
        return SuspectCounts(
            self.runs + other.runs,
            self.queued + other.queued,
            self.held + other.held,
            self.hold_ids + other.hold_ids,
        )


def settle_decided_holds(engine: Engine) -> int:
    """Act on decisions over suspects: approved ones are queued to be read, rejected ones are live again.

    Returns:
        Assets queued.
    """
    with transaction(engine) as connection:
        queued = 0
        for hold_id, state in holds.decided(connection, HoldKind.SUSPECTS):
            if state is HoldState.APPROVED:
                queued += statements.run(connection, "mirror/270_queue_approved_suspects", hold_id=hold_id).rowcount
            else:
                statements.run(connection, "mirror/280_clear_rejected_suspects", hold_id=hold_id)
            statements.run(connection, "mirror/256_close_run_of_hold", hold_id=hold_id)
            holds.settle(connection, hold_id)
        return queued


def settle_runs(engine: Engine, settings: Settings, *, run_id: RunId | None) -> SuspectCounts:
    """Conclude from every complete run whose pages are all applied; one transaction each."""
    with read_only(engine) as connection:
        rows = statements.run(connection, "mirror/200_list_unsettled_runs")
        unsettled = [ListingRunId(row.id) for row in rows]
    limit = guards.DeletionLimit(settings.deletion_limit_count, settings.deletion_limit_share)
    total = SuspectCounts()
    for listing_run_id in unsettled:

        def work(connection: Connection, listing_run_id: ListingRunId = listing_run_id) -> SuspectCounts:
            return _settle(connection, listing_run_id, limit, run_id)

        total += retrying(engine, work)
    return total


def _settle(
    connection: Connection, listing_run_id: ListingRunId, limit: guards.DeletionLimit, run_id: RunId | None
) -> SuspectCounts:
    walk = statements.run(connection, "mirror/210_lock_run", listing_run_id=listing_run_id).first()
    if walk is None:
        return SuspectCounts()
    slice_ = {"resource_type": walk.resource_type, "delivery_type": walk.delivery_type}
    statements.run(connection, "mirror/255_close_held_runs", **slice_, listing_run_id=listing_run_id)
    statements.run(connection, "mirror/212_forget_pages", **slice_, touch_low=walk.touch_low)
    if walk.quarantined_count or not walk.has_same_scope or walk.has_newer:
        # A record we could not read may be any asset; the first run of a scope has nothing to compare with.
        _end(connection, listing_run_id, ListingRunState.CLOSED, None)
        return SuspectCounts(runs=1)
    statements.run(connection, "mirror/215_make_suspect")
    statements.run(
        connection, "mirror/218_find_suspects", **slice_, listing_run_id=listing_run_id, touch_low=walk.touch_low
    )
    found = statements.run(connection, "mirror/220_count_suspects", **slice_).one()
    statements.run(connection, "mirror/230_mark_suspects")
    place = Place(HoldKind.SUSPECTS, walk.resource_type, walk.delivery_type)
    verdict = guards.judge_absence(found.suspect_count, found.live_count, walk.asset_count, limit)
    if verdict.passes:
        holds.withdraw(connection, place)
        statements.run(connection, "mirror/260_queue_suspects")
        _end(connection, listing_run_id, ListingRunState.CLOSED, found.suspect_count)
        return SuspectCounts(runs=1, queued=found.suspect_count)
    stopped = Stopped(verdict.reason, found.suspect_count, found.live_count, found.ids_digest)
    hold_id, is_new = holds.open_hold(connection, place, stopped, run_id=run_id, listing_run_id=listing_run_id)
    if is_new:
        statements.run(connection, "mirror/240_hold_suspects", hold_id=hold_id)
        slice_name = f"{walk.resource_type}/{walk.delivery_type}"
        log.warning("suspects_held", hold_id=hold_id, asset_count=found.suspect_count, slice=slice_name)
    _end(connection, listing_run_id, ListingRunState.HELD, found.suspect_count)
    return SuspectCounts(runs=1, held=found.suspect_count, hold_ids=(hold_id,))


def _end(
    connection: Connection, listing_run_id: ListingRunId, state: ListingRunState, suspect_count: int | None
) -> None:
    statements.run(
        connection,
        "mirror/250_end_run",
        listing_run_id=listing_run_id,
        state=state.value,
        suspect_count=suspect_count,
    )
