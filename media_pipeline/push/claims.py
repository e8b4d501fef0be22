"""Claims of a push and their results, each committed on its own: the one before a call, the other after it.

Belongs here: taking, renewing and ending claims; entries in the log and hints that belong to a result.
Not here: what is done under a claim (``push.relay``), claims whose pusher died (``outbox``).
Tables: writes outbox.operation, outbox.attempt, outbox.push_plan_item, outbox.conflict, public.media_sync_log, and
public.media_assets where an operation ends without effect.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Connection, Engine, Row

from media_pipeline import outbox
from media_pipeline.db import statements
from media_pipeline.db.engine import retrying, transaction
from media_pipeline.push.compare import Dispute
from media_pipeline.push.handlers import Outcome, Task
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import AssetId, OperationId, OperationKind, OperationState, RunId

log = structlog.get_logger()

LEASE_SECONDS: Final = 300
_PAUSE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Leased:
    """Claimed operations under one lease."""

    lease: UUID
    rows: Sequence[Row[Any]]

    def __len__(self) -> int:
        return len(self.rows)

    def __bool__(self) -> bool:
        return bool(self.rows)


class Claims:
    """The claims of one push.

    Attributes:
        counts: results by the state that an operation came to.
    """

    def __init__(self, engine: Engine, settings: Settings, run_id: RunId | None) -> None:
        self._engine = engine
        self._settings = settings
        self._run_id = run_id
        self.counts: Counter[str] = Counter()
        self._renewed_at = 0.0

    def lease(self, kinds: Collection[OperationKind], limit: int) -> Leased:
        """Claim operations, with a trace of the attempt, before anything is asked of Cloudinary."""

        def work(connection: Connection) -> Leased:
            lease = uuid4()
            rows = statements.run(
                connection,
                "push/110_lease",
                kinds=sorted(kind.value for kind in kinds),
                lease=str(lease),
                lease_seconds=LEASE_SECONDS,
                row_limit=limit,
            ).all()
            if rows:
                statements.run(
                    connection,
                    "push/120_begin_attempts",
                    operation_ids=[row.id for row in rows],
                    push_plan_ids=[row.push_plan_id for row in rows],
                    lease=str(lease),
                    run_id=self._run_id,
                )
            return Leased(lease, rows)

        self._renewed_at = time.monotonic()
        return retrying(self._engine, work)

    def keep(self, lease: UUID, tasks: Sequence[Task]) -> None:
        """Renew the whole claim where a third of its time is over: the last calls of a batch may come late."""
        if time.monotonic() - self._renewed_at > LEASE_SECONDS / 3:
            self._renewed_at = time.monotonic()
            self.still_mine(lease, tasks)

    def still_mine(self, lease: UUID, tasks: Sequence[Task]) -> list[Task]:
        """Renew a claim; returns what of it is still ours. A paused pusher finds here that another one went on."""

        def work(connection: Connection) -> set[int]:
            rows = statements.run(
                connection,
                "push/130_extend_lease",
                operation_ids=[task.id for task in tasks],
                lease=str(lease),
                lease_seconds=LEASE_SECONDS,
            )
            return set(rows.scalars())

        mine = retrying(self._engine, work)
        return [task for task in tasks if task.id in mine]

    def open_conflicts(self, row: Row[Any], disputes: Sequence[Dispute]) -> None:
        """Keep what both sides changed until somebody decides."""
        if not disputes:
            return
        with transaction(self._engine) as connection:
            for one in disputes:
                outbox.open_conflict(
                    connection,
                    OperationId(row.id),
                    AssetId(row.asset_id),
                    one.field,
                    one.key,
                    base=one.base,
                    local=one.local,
                    remote=one.remote,
                )

    def record(
        self,
        lease: UUID,
        operations: Sequence[tuple[OperationId, AssetId | None]],
        outcome: Outcome,
    ) -> None:
        """Record one result of several operations and ask for the read that confirms it, in one transaction.

        Where nothing came of it, the rows are restored.
        """
        detail = outcome.detail[:1000]
        result = "postponed" if outcome.state is OperationState.PENDING else outcome.state.value

        def work(connection: Connection) -> list[OperationId]:
            if outcome.made_asset_id is not None:
                ((operation_id, _),) = operations
                statements.run(
                    connection,
                    "push/145_name_asset",
                    operation_id=operation_id,
                    lease=str(lease),
                    asset_id=outcome.made_asset_id,
                )
            # What is missing here another pusher took over, and a read shows it what we did.
            mine = statements.run(
                connection,
                "push/140_record_results",
                operation_ids=[operation_id for operation_id, _ in operations],
                lease=str(lease),
                state=outcome.state.value,
                outcome=detail,
                pause_seconds=_pause() if outcome.pause_seconds is None else outcome.pause_seconds,
                counts=outcome.state is not OperationState.PENDING,
            ).all()
            ids = [OperationId(row.id) for row in mine]
            if not ids:
                return ids
            statements.run(
                connection,
                "push/150_end_attempts",
                operation_ids=ids,
                lease=str(lease),
                result=result,
                request_id=outcome.request_id,
                detail=detail,
            )
            outbox.note_all(
                connection,
                f"operation_{result}",
                [one for one in operations if one[0] in set(ids)],
                detail,
                run_id=self._run_id,
                request_id=outcome.request_id,
            )
            named = {asset_id for operation_id, asset_id in operations if operation_id in set(ids)}
            touched = {one for one in (*named, outcome.made_asset_id) if one is not None}
            outbox.hint(connection, sorted(touched))
            if outcome.state in {OperationState.REFUSED, OperationState.CONFLICT}:
                outbox.reconcile(
                    connection, sorted(touched), self._settings.conflict_policy, run_id=self._run_id, cause="push"
                )
            return ids

        recorded = retrying(self._engine, work)
        self.counts[outcome.state.value] += len(recorded)
        if recorded:
            told = log.bind(
                operation_ids=recorded,
                asset_ids=[asset_id for operation_id, asset_id in operations if operation_id in set(recorded)],
                reason=outcome.detail,
                request_id=outcome.request_id,
            )
            if outcome.state is OperationState.REFUSED:
                told.warning("operations_refused")
            else:
                told.info("operations_recorded", state=outcome.state.value)


def _pause() -> float:
    """Seconds before the next try, with full jitter."""
    return random.uniform(0, _PAUSE_SECONDS)  # noqa: S311 -- not a secret
