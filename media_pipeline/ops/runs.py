"""Runs of the pipeline, one row each, linked to the Dagster run.

Belongs here: beginning and ending a run, counts, runs whose process is gone.
Not here: what a run does.
Tables: writes ops.run.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine

from media_pipeline import audit
from media_pipeline.db import locks, statements
from media_pipeline.db.engine import transaction
from media_pipeline.vocabulary import RunId, RunKind, RunState


def holder(what: str) -> str:
    """How this process names itself to others: what it does, host and process."""
    return f"{what} on {socket.gethostname()}, process {os.getpid()}"


@contextmanager
def running(engine: Engine, kind: RunKind, *, actor: str, dagster_run_id: str | None) -> Iterator[RunId]:
    """A run that is marked as alive for the length of the block; ending it is ``finish``'s work.

    Runs whose process died without a word are ended first, and the audit log's partitions are made.

    Raises:
        ActivityBusy: the same Dagster run is being done by another process.
    """
    with transaction(engine) as connection:
        audit.prepare(connection)
        statements.run(
            connection, "ops/025_fail_abandoned_runs", error="Its process ended without a word, e.g. it was killed."
        )
    with transaction(engine) as connection:
        started = statements.run(
            connection, "ops/010_start_run", kind=kind.value, actor=actor, dagster_run_id=dagster_run_id
        )
        run_id = RunId(int(started.scalar_one()))
    with locks.activity(engine, f"run {run_id}", holder=holder(f"{kind} {run_id}")):
        yield run_id


def add_counts(engine: Engine, run_id: RunId, counts: Mapping[str, Any]) -> None:
    """Keep what a step counted, under its name."""
    with transaction(engine) as connection:
        statements.run(connection, "ops/021_add_run_counts", run_id=run_id, counts=dict(counts))


def finish(
    engine: Engine, run_id: RunId, state: RunState, *, counts: Mapping[str, Any] | None = None, error: str | None = None
) -> None:
    """End a run; one that ended already stays as it is.

    Args:
        error: what failed, in words; exactly for ``RunState.FAILED``.
    """
    with transaction(engine) as connection:
        statements.run(
            connection, "ops/020_finish_run", run_id=run_id, state=state.value, counts=dict(counts or {}), error=error
        )
