"""Removing rows that are done with.

Belongs here: which tables, in which order, in batches.
Not here: what is done with. The policies of the role ``media_upkeep`` say that (``sql/migrations/0016_upkeep.sql``), so
that no statement under this role, whatever it asks for, removes what somebody still needs.
Tables: deletes from those in ``TABLES``.

A new table is a line in ``TABLES``, a file in ``sql/upkeep/``, and a policy.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row

from media_pipeline.db import locks, statements
from media_pipeline.db.engine import retrying, transaction
from media_pipeline.progress import Progress

UPKEEP_ROLE: Final = "media_upkeep"
"""Role that may delete, and only what its policies call done with."""

TABLES: Final[Mapping[str, str]] = {
    "landing.listing_page": "upkeep/010_remove_listing_pages",
    "mirror.quarantine": "upkeep/020_remove_quarantine",
    "landing.listing_run": "upkeep/030_remove_listing_runs",
    "landing.notification": "upkeep/040_remove_notifications",
    "landing.change_window": "upkeep/050_remove_change_windows",
    "diff.change": "upkeep/060_remove_changes",
    "diff.change_set": "upkeep/070_remove_change_sets",
    "outbox.attempt": "upkeep/080_remove_attempts",
    "outbox.push_plan_item": "upkeep/090_remove_push_plan_items",
    "outbox.push_plan": "upkeep/100_remove_push_plans",
    "ops.canary_touch": "upkeep/110_remove_canary_touches",
    "ops.api_call": "upkeep/120_remove_api_calls",
    "quality.report": "upkeep/125_remove_quality_reports",
    "ops.run": "upkeep/130_remove_runs",
}
"""Each table with its statement, those that refer to others before them."""

_BATCH_ROWS: Final = 5000
_TIME_LIMIT_SECONDS: Final = 1800.0

_Run = Callable[[Callable[[Connection], Row[Any]]], Row[Any]]


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed, or would be.

    Attributes:
        rows: by table, in the order of ``TABLES``.
        size_bytes: of the bodies of pages, notifications and bad records among them, as they were stored.
        is_complete: false where the time was over; the next run goes on.
    """

    rows: Mapping[str, int]
    size_bytes: int
    is_dry_run: bool
    is_complete: bool


def remove_done_work(
    engine: Engine,
    *,
    retention_days: int,
    holder: str,
    progress: Progress,
    wait_seconds: float = 0.0,
    is_dry_run: bool = False,
) -> Removed:
    """Remove what was done with so many days ago; stopped at any time, it goes on where it was.

    Each batch is a transaction of its own. A dry run does the same in one transaction that it takes back, so that it
    counts exactly.

    Raises:
        ActivityBusy: another process does it.
    """
    cutoff = datetime.now(UTC) - timedelta(days=retention_days)
    give_up_at = time.monotonic() + _TIME_LIMIT_SECONDS
    rows = dict.fromkeys(TABLES, 0)
    size_bytes = 0
    is_complete = True
    with (
        locks.activity(engine, "upkeep of done work", holder=holder, wait_seconds=wait_seconds),
        _batches(engine, is_dry_run=is_dry_run) as run,
    ):
        for table, statement in TABLES.items():
            after: list[str] | None = []
            while after is not None and is_complete:
                batch = run(_batch_of(statement, cutoff, after))
                rows[table] += batch.removed_count
                size_bytes += int(getattr(batch, "removed_bytes", 0))
                progress.advance("upkeep", done=batch.removed_count)
                after = batch.next_after
                is_complete = time.monotonic() < give_up_at
    return Removed(rows, size_bytes, is_dry_run, is_complete)


def _batch_of(statement: str, cutoff: datetime, after: list[str]) -> Callable[[Connection], Row[Any]]:
    def work(connection: Connection) -> Row[Any]:
        return statements.run(connection, statement, cutoff=cutoff, after=after, row_limit=_BATCH_ROWS).one()

    return work


@contextmanager
def _batches(engine: Engine, *, is_dry_run: bool) -> Iterator[_Run]:
    """How a batch is run: committed at once, or in a transaction that is taken back in the end."""
    if not is_dry_run:
        yield lambda work: retrying(engine, work, role=UPKEEP_ROLE)
        return
    with transaction(engine, role=UPKEEP_ROLE) as connection:
        savepoint = connection.begin_nested()
        yield lambda work: work(connection)
        savepoint.rollback()
