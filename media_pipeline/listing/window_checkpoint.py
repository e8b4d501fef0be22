"""The life of a change window in Postgres: begin or resume, land a page of ids, restart, break.

Belongs here: the statements of one walk through a time and their transactions.
Not here: requests and when to stop (``listing.window``).
Tables: writes landing.change_window, landing.listing_wish; mirror.verify_queue through ``mirror.hint``;
mirror.quarantine.

    open ── last page, or the queue is full ──▶ complete
      └──── it comes to no end, or was left for a day ──▶ broken
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, Row

from media_pipeline.db import statements
from media_pipeline.db.engine import retrying, transaction
from media_pipeline.db.locks import Fence
from media_pipeline.errors import Fenced
from media_pipeline.vocabulary import AssetId, ChangeWindowId, ListingWish, RunId, VerifyReason, WindowKind


@dataclass(frozen=True, slots=True)
class ChangeWindow:
    """A walk as far as it got; ``high_at`` of a recent one is None before its first answer."""

    id: ChangeWindowId
    kind: WindowKind
    low_at: datetime
    high_at: datetime | None
    cursor: str | None
    page_count: int
    found_count: int
    hinted_count: int
    quarantined_count: int
    missing_count: int
    restart_count: int


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record without a readable id, and the SHA-256 of its bytes."""

    body: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class FoundPage:
    """One answer of the search.

    Attributes:
        record_count: records on it, repeated and bad ones included.
        asset_ids: unique and sorted.
        total_count: records of the whole search as this answer counts them, if it does.
        answered_at: its moment by Cloudinary's clock, where the window has no end yet.
    """

    record_count: int
    asset_ids: Sequence[AssetId]
    bad: Sequence[BadRecord]
    next_cursor: str | None
    total_count: int | None
    answered_at: datetime | None


def resume(
    engine: Engine, fence: Fence, kind: WindowKind, low_at: datetime | None, high_at: datetime | None
) -> ChangeWindow | None:
    """The open walk of this kind through this time; one that is older than a day is broken off instead.

    Args:
        low_at: None, like *high_at*, for the recent one, which knows its own.
    """
    with transaction(engine) as connection:
        fence.check(connection)
        row = statements.run(
            connection, "listing/100_find_open_window", kind=kind.value, low_at=low_at, high_at=high_at
        ).first()
        if row is None:
            return None
        if row.is_fresh:
            return _window(kind, row)
        statements.run(
            connection, "listing/140_break_window", change_window_id=row.id, reason="it was left for over a day"
        )
        return None


def begin(
    engine: Engine, fence: Fence, kind: WindowKind, low_at: datetime, high_at: datetime | None, *, run_id: RunId | None
) -> ChangeWindow:
    """A new walk."""
    with transaction(engine) as connection:
        fence.check(connection)
        begun = statements.run(
            connection, "listing/110_begin_window", run_id=run_id, kind=kind.value, low_at=low_at, high_at=high_at
        )
        return _window(kind, begun.one())


def find_recent_low(
    engine: Engine, fence: Fence, *, overlap_seconds: float
) -> tuple[datetime | None, timedelta | None]:
    """Where the next recent window begins, by Cloudinary's clock; before the first one how long ago we listed.

    Both are None where nothing was ever listed; a full listing is wished for then.
    """
    with transaction(engine) as connection:
        fence.check(connection)
        row = statements.run(connection, "listing/150_find_recent_low", overlap_seconds=overlap_seconds).one()
        if row.low_at is None and row.listed_age_seconds is None:
            statements.run(connection, "listing/160_wish_listing", reason=ListingWish.FIRST.value)
        age = None if row.listed_age_seconds is None else timedelta(seconds=float(row.listed_age_seconds))
        return row.low_at, age


def land(engine: Engine, fence: Fence, window: ChangeWindow, page: FoundPage) -> tuple[ChangeWindow, bool]:
    """Hint at the assets of a page and move the cursor in one transaction; the last page completes the walk.

    Returns:
        The walk, and whether it is complete because so much waits to be read that the rest is left to a listing.

    Raises:
        Fenced: another process moved this walk; nothing was written.
    """

    def work(connection: Connection) -> tuple[ChangeWindow, bool]:
        fence.check(connection)
        hinted = statements.run(
            connection, "mirror/080_hint", asset_ids=list(page.asset_ids), reason=VerifyReason.SEARCH.value
        ).scalar_one()
        for record in page.bad:
            statements.run(
                connection,
                "mirror/090_quarantine_record",
                listing_run_id=None,
                page_number=None,
                asset_id=None,
                reason="no_asset_id",
                detail="a search result without a readable asset_id",
                body=record.body,
                body_digest=record.digest,
            )
        is_flood = hinted < len(page.asset_ids)
        is_last = is_flood or page.next_cursor is None
        found = window.found_count + page.record_count
        moved = statements.run(
            connection,
            "listing/120_move_window",
            change_window_id=window.id,
            page_number=window.page_count + 1,
            next_cursor=None if is_last else page.next_cursor,
            is_last=is_last,
            answered_at=page.answered_at,
            found_count=page.record_count,
            hinted_count=hinted,
            quarantined_count=len(page.bad),
            # What a full listing will do is not missing.
            missing_count=max(0, (page.total_count or 0) - found) if is_last and not is_flood else 0,
        ).first()
        if moved is None:
            raise Fenced(fence.activity, fence.number)
        if is_last and window.kind is WindowKind.OUTAGE:
            statements.run(connection, "listing/160_wish_listing", reason=ListingWish.OUTAGE.value)
        return _window(window.kind, moved), is_flood

    return retrying(engine, work)


def restart(engine: Engine, fence: Fence, window: ChangeWindow) -> ChangeWindow:
    """From the first page again, after the cursor was rejected; the hints that were given stay."""
    with transaction(engine) as connection:
        fence.check(connection)
        restarted = statements.run(connection, "listing/130_restart_window", change_window_id=window.id)
        return _window(window.kind, restarted.one())


def break_(engine: Engine, fence: Fence, window: ChangeWindow, reason: str) -> None:
    """End a walk that comes to no end; the hints that were given stay, and the next one begins anew."""
    with transaction(engine) as connection:
        fence.check(connection)
        statements.run(connection, "listing/140_break_window", change_window_id=window.id, reason=reason)


def _window(kind: WindowKind, row: Row[tuple[object, ...]]) -> ChangeWindow:
    return ChangeWindow(
        id=ChangeWindowId(row.id),
        kind=kind,
        low_at=row.low_at,
        high_at=row.high_at,
        cursor=row.cursor,
        page_count=row.page_count,
        found_count=row.found_count,
        hinted_count=row.hinted_count,
        quarantined_count=row.quarantined_count,
        missing_count=row.missing_count,
        restart_count=row.restart_count,
    )
