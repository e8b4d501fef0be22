"""Figures of the deployment over time.

Belongs here: the reads over snapshots.
Not here: taking them (``ops.snapshots``), the state of this moment (``reads.status``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from media_pipeline.db import statements
from media_pipeline.vocabulary import SnapshotId


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was counted at one moment, by name; a number, a time as text, an object of counts, or None."""

    id: SnapshotId
    taken_at: datetime
    figures: Mapping[str, Any]

    @property
    def numbers(self) -> dict[str, int | float]:
        """The figures that are numbers; those of an object under ``name.key``, and those not known left out."""
        found: dict[str, int | float] = {}
        for name, value in self.figures.items():
            parts = {f"{name}.{key}": one for key, one in value.items()} if isinstance(value, dict) else {name: value}
            found.update({key: one for key, one in parts.items() if isinstance(one, int | float)})
        return found


def read_snapshot(connection: Connection, snapshot_id: SnapshotId) -> Snapshot:
    """One snapshot."""
    row = statements.run(connection, "reads/640_read_snapshot", snapshot_id=snapshot_id).mappings().one()
    return Snapshot(**row)


def list_snapshots(connection: Connection, days: int) -> list[Snapshot]:
    """The first snapshot of each hour of the last *days* days, and the newest one; the oldest first."""
    return [Snapshot(**row) for row in statements.run(connection, "reads/645_list_snapshots", days=days).mappings()]


def over_time(snapshots: Sequence[Snapshot], name: str) -> list[tuple[datetime, float]]:
    """One figure at each moment at which it was known."""
    return [(one.taken_at, float(one.numbers[name])) for one in snapshots if name in one.numbers]
