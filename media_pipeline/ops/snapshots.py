"""Snapshots of the figures of a deployment, so that people see them over time.

Belongs here: having one taken.
Not here: what it counts (the database does, so nobody can pass figures), reading them (``reads.snapshots``).
Tables: ops.status_snapshot, written by its owner's function.
"""

from __future__ import annotations

from sqlalchemy import Engine

from media_pipeline.db import statements
from media_pipeline.db.engine import transaction
from media_pipeline.vocabulary import RunId, SnapshotId


def take(engine: Engine, *, run_id: RunId | None, keep_days: int) -> SnapshotId:
    """Have the figures of this moment counted and kept; those older than *keep_days* go, at most a thousand at once."""
    with transaction(engine) as connection:
        taken = statements.run(connection, "ops/400_take_status_snapshot", run_id=run_id, keep_days=keep_days)
        return SnapshotId(int(taken.scalar_one()))
