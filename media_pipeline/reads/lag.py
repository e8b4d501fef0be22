"""Whether changes still arrive, and how long they take: what the canary proved.

Belongs here: the reads over its touches.
Not here: touching it (``canary``), raising the alarm (``cli.alarm``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection

from media_pipeline.db import statements

SINCE_SECONDS = 24 * 3600.0
"""The figures are those of the last day."""

_OVERDUE_SECONDS = 20 * 60.0
"""Cloudinary gives up on a notification after retries at 3, 6 and 9 minutes: 18 minutes (cloudinary-api.md §9.5)."""

_SILENCE_SECONDS = 45 * 60.0
"""Touches are ten minutes apart; a stretch of several without any proves nothing of its notifications."""


@dataclass(frozen=True, slots=True)
class Lag:
    """How long changes of the canary took, over the last day; None where there is nothing to count.

    Attributes:
        applied_p50_seconds: from the change in Cloudinary to the committed row of media_assets.
        notified_p50_seconds: from the change to its notification.
        last_proved_at: the newest change that is known to have arrived in media_assets.
        read_at: time of the database.
    """

    touch_count: int
    applied_count: int
    notified_count: int
    applied_p50_seconds: float | None
    applied_p95_seconds: float | None
    notified_p50_seconds: float | None
    notified_p95_seconds: float | None
    last_touched_at: datetime | None
    last_proved_at: datetime | None
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch whose notifications are lost or not proved, and that nothing repaired yet.

    Attributes:
        to_at: None where it goes on.
        lost_count: touches of the canary in it whose notification never came.
    """

    from_at: datetime
    to_at: datetime | None
    lost_count: int

    def days(self, today: date) -> tuple[date, ...]:
        """The days in UTC to read again: partitions of the asset ``outage_window``."""
        first = self.from_at.astimezone(UTC).date()
        last = today if self.to_at is None else self.to_at.astimezone(UTC).date()
        return tuple(first + timedelta(days=number) for number in range((last - first).days + 1))


def read_lag(connection: Connection) -> Lag:
    """What the touches of the last day showed."""
    return Lag(**statements.run(connection, "reads/900_read_lag", since_seconds=SINCE_SECONDS).mappings().one())


def list_gaps(connection: Connection, *, is_wanted: bool = False) -> tuple[Gap, ...]:
    """Gaps in the notifications, oldest first; empty also where the canary was never touched.

    Args:
        is_wanted: notifications are wanted; else there is a gap only where any was ever heard.
    """
    rows = statements.run(
        connection,
        "reads/910_list_gaps",
        is_wanted=is_wanted,
        overdue_seconds=_OVERDUE_SECONDS,
        silence_seconds=_SILENCE_SECONDS,
    )
    return tuple(Gap(**row) for row in rows.mappings())


@dataclass(frozen=True, slots=True)
class Syncs:
    """Since when this deployment syncs, and when it last did to the end; None before the first time."""

    first_at: datetime | None
    last_at: datetime | None


def read_syncs(connection: Connection) -> Syncs:
    """The runs that bring changes in."""
    return Syncs(**statements.run(connection, "reads/930_read_last_sync").mappings().one())
