"""The life of a listing run in Postgres: begin or resume, land a page with its checkpoint, break.

Belongs here: the statements of one walk and their transactions.
Not here: requests and when to stop (``listing.walk``).
Tables: writes landing.listing_run, landing.listing_page.

    open ── last page ──▶ complete ──▶ (mirror) held or closed
      └──── a page that proves nothing ──▶ broken
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from media_pipeline.db import statements
from media_pipeline.db.engine import transaction
from media_pipeline.db.locks import Fence
from media_pipeline.errors import Fenced
from media_pipeline.vocabulary import ListingRunId, RunId, Slice


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A walk that may go on: ``page_count`` pages are landed, ``cursor`` leads to the next one.

    ``touch_low`` is the low end of the window of every read that begins from now on.
    """

    id: ListingRunId
    touch_low: int
    cursor: str | None
    page_count: int
    asset_count: int
    restart_count: int


@dataclass(frozen=True, slots=True)
class LandedPage:
    """One answer and what it was asked with. ``touch_low`` was taken before the request."""

    touch_low: int
    body: bytes
    records_digest: bytes
    asset_count: int
    next_cursor: str | None
    request_id: str | None
    received_at: datetime


class CursorRepeats(Exception):
    """A page leads to where the walk was already: it would run in a circle."""


def begin_or_resume(engine: Engine, fence: Fence, slice_: Slice, *, scope: str, run_id: RunId | None) -> OpenRun:
    """The open walk of the slice, or a new one where it is older than a day or asked for something else."""
    with transaction(engine) as connection:
        fence.check(connection)
        row = statements.run(
            connection,
            "listing/010_find_open_run",
            resource_type=slice_.resource_type.value,
            delivery_type=slice_.delivery_type,
        ).first()
        if row is not None and row.is_fresh and row.scope == scope:
            return OpenRun(
                ListingRunId(row.id),
                row.next_touch_low,
                row.cursor,
                row.page_count,
                row.asset_count,
                row.restart_count,
            )
        if row is not None:
            reason = "the settings of what is listed changed" if row.scope != scope else "it was left for over a day"
            statements.run(connection, "listing/030_break_run", listing_run_id=row.id, reason=reason)
        begun = statements.run(
            connection,
            "listing/020_begin_run",
            run_id=run_id,
            resource_type=slice_.resource_type.value,
            delivery_type=slice_.delivery_type,
            scope=scope,
            restart_count=0,
        ).one()
        return OpenRun(ListingRunId(begun.id), begun.touch_low, None, 0, 0, 0)


def restart(
    engine: Engine, fence: Fence, slice_: Slice, broken: OpenRun, *, scope: str, run_id: RunId | None
) -> OpenRun:
    """Begin the slice anew after its cursor was rejected; the pages of the broken walk stay."""
    with transaction(engine) as connection:
        fence.check(connection)
        statements.run(
            connection,
            "listing/030_break_run",
            listing_run_id=broken.id,
            reason="Cloudinary no longer accepts its cursor",
        )
        begun = statements.run(
            connection,
            "listing/020_begin_run",
            run_id=run_id,
            resource_type=slice_.resource_type.value,
            delivery_type=slice_.delivery_type,
            scope=scope,
            restart_count=broken.restart_count + 1,
        ).one()
        return OpenRun(ListingRunId(begun.id), begun.touch_low, None, 0, 0, broken.restart_count + 1)


def break_run(engine: Engine, fence: Fence, listing_run_id: ListingRunId, reason: str) -> None:
    """End a walk that proves nothing. What it landed stays."""
    with transaction(engine) as connection:
        fence.check(connection)
        statements.run(connection, "listing/030_break_run", listing_run_id=listing_run_id, reason=reason)


def land_page(engine: Engine, fence: Fence, run: OpenRun, page: LandedPage) -> OpenRun:
    """Keep a page and move the cursor in one transaction.

    Raises:
        Fenced: another process moved this walk; nothing was written.
        CursorRepeats: the walk was asked for the next cursor before; nothing was written.
    """
    page_number = run.page_count + 1
    compressed = zlib.compress(page.body, level=1)
    digest = hashlib.sha256(page.body).digest()
    with transaction(engine) as connection:
        fence.check(connection)
        moved = statements.run(
            connection,
            "listing/060_move_cursor",
            listing_run_id=run.id,
            page_number=page_number,
            cursor=run.cursor,
            next_cursor=page.next_cursor,
            asset_count=page.asset_count,
        ).first()
        if moved is None:
            again = statements.run(
                connection, "listing/070_cursor_was_used", listing_run_id=run.id, next_cursor=page.next_cursor
            )
            raise CursorRepeats if again.scalar_one() else Fenced(fence.activity, fence.number)
        statements.run(
            connection,
            "listing/050_land_page",
            listing_run_id=run.id,
            page_number=page_number,
            touch_low=page.touch_low,
            cursor=run.cursor,
            body=compressed,
            body_size_bytes=len(page.body),
            body_digest=digest,
            records_digest=page.records_digest,
            asset_count=page.asset_count,
            request_id=page.request_id,
            received_at=page.received_at,
        )
    asset_count = run.asset_count + page.asset_count
    return OpenRun(run.id, moved.next_touch_low, page.next_cursor, page_number, asset_count, run.restart_count)
