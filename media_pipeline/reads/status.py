"""The state of a deployment: what is mirrored, how fresh it is, what waits, who is at work.

Belongs here: the reads behind ``media-pipeline status``.
Not here: what a run found (``reads.changes``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from media_pipeline.db import statements
from media_pipeline.db.engine import read_only
from media_pipeline.ops import binding
from media_pipeline.reads.lag import Gap, Lag, list_gaps, read_lag
from media_pipeline.reads.operations import Waiting, count_waiting
from media_pipeline.vocabulary import (
    CloudIdentity,
    ListingRunState,
    ListingWish,
    RunId,
    RunKind,
    RunState,
    Slice,
)

_RUNS = 5
_QUARANTINED = 5


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the pipeline."""

    id: RunId
    kind: RunKind
    state: RunState
    actor: str
    dagster_run_id: str | None
    started_at: datetime
    finished_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class SliceFreshness:
    """The last complete walk of a slice, all None if there was none, and how the last walk of all stands."""

    resource_type: str
    delivery_type: str
    complete_at: datetime | None
    page_count: int | None
    asset_count: int | None
    last_state: ListingRunState
    last_started_at: datetime
    broken_reason: str | None


@dataclass(frozen=True, slots=True)
class Activity:
    """Something that is being done at this moment; its lock is held, so its process lives."""

    activity: str
    holder: str
    acquired_at: datetime
    process_id: int


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits to be read again by its id."""

    asset_count: int
    due_count: int
    oldest_at: datetime | None
    most_attempts_count: int


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A record that could not be understood."""

    asset_id: str | None
    reason: str
    detail: str
    seen_count: int
    first_seen_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Quarantine:
    """All such records that nothing has replaced, and the newest few of them."""

    record_count: int
    newest: tuple[Quarantined, ...]


@dataclass(frozen=True, slots=True)
class Allowance:
    """Admin API calls of this clock hour; ``spent_by_purpose`` counts ours only."""

    limit_count: int
    remaining_count: int
    reset_at: datetime
    observed_at: datetime
    spent_by_purpose: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Wish:
    """A full listing is wanted; ``is_due`` is False within the hour after one was begun that did not fulfil it."""

    reason: ListingWish
    wished_at: datetime
    is_due: bool


@dataclass(frozen=True, slots=True)
class Status:
    """One look at everything, in one transaction."""

    cloud: CloudIdentity | None
    statistics: Mapping[str, Any]
    runs: tuple[Run, ...]
    slices: tuple[SliceFreshness, ...]
    activities: tuple[Activity, ...]
    queue: Queue
    edits: Waiting
    quarantine: Quarantine
    allowance: Allowance | None
    lag: Lag
    gaps: tuple[Gap, ...]


def read_status(engine: Engine) -> Status:
    """Read the state of a migrated database.

    Raises:
        DatabaseUnreachable: no connection.
    """
    with read_only(engine) as connection:
        runs = statements.run(connection, "reads/010_list_runs", row_limit=_RUNS).mappings()
        slices = statements.run(connection, "reads/020_list_slices").mappings()
        activities = statements.run(connection, "reads/030_list_activities").mappings()
        return Status(
            cloud=binding.read(connection),
            statistics=statements.run(connection, "reads/080_read_statistics").scalar_one(),
            runs=tuple(Run(**{**row, "kind": RunKind(row["kind"]), "state": RunState(row["state"])}) for row in runs),
            slices=tuple(SliceFreshness(**{**row, "last_state": ListingRunState(row["last_state"])}) for row in slices),
            activities=tuple(Activity(**row) for row in activities),
            queue=Queue(**statements.run(connection, "reads/040_read_queue").mappings().one()),
            edits=count_waiting(connection),
            quarantine=_read_quarantine(connection, _QUARANTINED),
            allowance=_read_allowance(connection),
            lag=read_lag(connection),
            gaps=list_gaps(connection),
        )


def read_quarantine(engine: Engine, *, limit: int) -> Quarantine:
    """The quarantine, with its newest *limit* records."""
    with read_only(engine) as connection:
        return _read_quarantine(connection, limit)


def read_allowance(engine: Engine) -> Allowance | None:
    """The allowance of Admin API calls; None before the first answer told it."""
    with read_only(engine) as connection:
        return _read_allowance(connection)


def find_listing_wish(engine: Engine, slices: Sequence[Slice]) -> Wish | None:
    """The newest wish for a full listing that no complete walk of all *slices* fulfilled."""
    with read_only(engine) as connection:
        row = statements.run(
            connection,
            "reads/780_find_listing_wish",
            resource_types=[one.resource_type.value for one in slices],
            delivery_types=[one.delivery_type for one in slices],
        ).first()
    return None if row is None else Wish(ListingWish(row.reason), row.wished_at, row.is_due)


def _read_quarantine(connection: Connection, limit: int) -> Quarantine:
    found = statements.run(connection, "reads/050_list_quarantine", row_limit=limit).mappings().all()
    newest = tuple(Quarantined(**{name: row[name] for name in row if name != "total_count"}) for row in found)
    return Quarantine(record_count=found[0]["total_count"] if found else 0, newest=newest)


def _read_allowance(connection: Connection) -> Allowance | None:
    row = statements.run(connection, "reads/085_read_allowance").mappings().first()
    return None if row is None else Allowance(**row)
