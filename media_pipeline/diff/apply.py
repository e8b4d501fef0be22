"""Applying a change set to ``media_assets``, in batches, each with its entries in the log.

Belongs here: batches and their transactions.
Not here: finding changes (``diff.compute``).
Tables: writes public.media_assets, public.media_sync_log, diff.change, diff.change_set.

A batch is safe to repeat: each change is applied only while the mirror still says what was compared. Assets with open
operations or conflicts are merged field by field (``outbox``), all others are written set-based.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, Row
from sqlalchemy.exc import DBAPIError

from media_pipeline import audit, outbox
from media_pipeline.db import locks, statements
from media_pipeline.db.engine import read_only, retrying, sqlstate, transaction
from media_pipeline.db.locks import Fence
from media_pipeline.logs import Threads
from media_pipeline.ops.runs import holder
from media_pipeline.outbox import Settled
from media_pipeline.progress import Progress
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import ChangeKind, ChangeSetId, ChangeState, RunId

log = structlog.get_logger()

_REFUSALS = frozenset({"22", "23", "54"})
"""Classes of errors that are about a row's values: data exception, constraint, size limit."""

_ACTOR = "cloudinary"
"""What arrives by reading the cloud was done there; who did it is not told."""


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """Rows of ``media_assets`` that now are as the mirror says, by kind of change.

    ``superseded`` changes were overtaken by a newer observation, ``refused`` ones Postgres would not take; the next
    set finds both anew. Operations are confirmed when a read showed what they did.
    """

    change_set_id: ChangeSetId | None
    created: int
    updated: int
    renamed: int
    moved: int
    restored: int
    deleted: int
    superseded: int
    refused: int
    confirmed_operations: int
    conflicts: int
    sealed_entries: int
    duration_seconds: float

    @property
    def applied(self) -> int:
        """Rows written."""
        return self.created + self.updated + self.renamed + self.moved + self.restored + self.deleted


def apply(
    engine: Engine, settings: Settings, *, run_id: RunId | None, progress: Progress, wait_seconds: float = 0.0
) -> ApplyResult:
    """Apply the pending change set, if there is one, and seal the log.

    Args:
        wait_seconds: how long to wait for another process that computes or applies.

    Raises:
        ActivityBusy: another process computes or applies.
        Fenced: another process took over; the current batches were not committed.

    Transactions: one for at most ``settings.apply_batch_size`` assets, in order of asset_id.
    """
    started = time.monotonic()
    counts: Counter[str] = Counter()
    settled = Settled()
    change_set_id: ChangeSetId | None = None
    with locks.activity(engine, "apply", holder=holder(f"apply of run {run_id}"), wait_seconds=wait_seconds) as fence:
        with read_only(engine) as connection:
            pending = statements.run(connection, "diff/100_find_pending_change_set").first()
            batches: Sequence[Row[Any]] = []
            if pending is not None:
                change_set_id = ChangeSetId(pending.id)
                batches = statements.run(
                    connection,
                    "diff/110_split_pending",
                    change_set_id=change_set_id,
                    batch_size=settings.apply_batch_size,
                ).all()
        if change_set_id is not None:
            worker = _Worker(engine, fence, change_set_id, run_id, settings.conflict_policy)
            total = sum(batch.change_count for batch in batches)
            progress.advance("apply", total=total)
            with Threads(max_workers=settings.apply_workers, thread_name_prefix="apply") as pool:
                try:
                    bounds = [(one.first_id, one.last_id) for one in batches]
                    for done, merged in pool.map(worker.apply_batch, bounds):
                        counts.update(done)
                        settled += merged
                        progress.advance("apply", done=done.total())
                except BaseException:
                    # What is not begun stays pending; the next diff finds it anew.
                    pool.shutdown(cancel_futures=True)
                    raise
            with transaction(engine) as connection:
                fence.check(connection)
                statements.run(connection, "diff/160_finish_change_set", change_set_id=change_set_id)
    settled += outbox.settle_verified(engine, settings.conflict_policy, run_id=run_id)
    sealed = audit.seal(engine, holder=holder(f"run {run_id}"))
    result = ApplyResult(
        change_set_id,
        created=counts[ChangeKind.CREATED],
        updated=counts[ChangeKind.UPDATED],
        renamed=counts[ChangeKind.RENAMED],
        moved=counts[ChangeKind.MOVED],
        restored=counts[ChangeKind.RESTORED],
        deleted=counts[ChangeKind.DELETED],
        superseded=counts[ChangeState.SUPERSEDED],
        refused=counts[ChangeState.REFUSED],
        confirmed_operations=settled.done,
        conflicts=settled.conflict,
        sealed_entries=sealed,
        duration_seconds=time.monotonic() - started,
    )
    log.info("change_set_applied", change_set_id=change_set_id, applied_count=result.applied)
    return result


@dataclass(frozen=True, slots=True)
class _Worker:
    engine: Engine
    fence: Fence
    change_set_id: ChangeSetId
    run_id: RunId | None
    policy_of: outbox.PolicyOf

    def apply_batch(self, bounds: tuple[str, str]) -> tuple[Counter[str], Settled]:
        """Apply the changes from one asset_id to another; counts changes by kind, and operations."""
        batch = {"change_set_id": self.change_set_id, "first_id": bounds[0], "last_id": bounds[1]}
        entry = {"actor": _ACTOR, "cause": "sync", "run_id": self.run_id}

        def work(connection: Connection) -> tuple[Counter[str], Settled]:
            self.fence.check(connection)
            statements.run(connection, "diff/115_lock_batch", **batch)
            overlaid = [row.asset_id for row in statements.run(connection, "outbox/120_list_overlaid_changes", **batch)]
            merged = outbox.reconcile(connection, overlaid, self.policy_of, run_id=self.run_id)
            statements.run(connection, "diff/120_apply_created", **batch, **entry)
            statements.run(connection, "diff/130_apply_changed", **batch, **entry)
            statements.run(connection, "diff/135_apply_fingerprints", **batch)
            statements.run(connection, "diff/140_apply_deleted", **batch, **entry)
            marked = statements.run(connection, "diff/150_mark_applied", **batch)
            kinds = (row.kind if row.state == ChangeState.APPLIED else ChangeState.SUPERSEDED for row in marked)
            return Counter(kinds), merged

        try:
            return retrying(self.engine, work)
        except DBAPIError as error:
            if (sqlstate(error) or "")[:2] not in _REFUSALS:
                raise
            return self._apply_around(bounds, str(error.orig).partition("\n")[0])

    def _apply_around(self, bounds: tuple[str, str], refusal: str) -> tuple[Counter[str], Settled]:
        """Halve a batch that Postgres refuses until the one change is found that it is about."""
        with read_only(self.engine) as connection:
            listed = statements.run(
                connection,
                "diff/112_list_pending",
                change_set_id=self.change_set_id,
                first_id=bounds[0],
                last_id=bounds[1],
            )
            ids = [row.asset_id for row in listed]
        if len(ids) > 1:
            half = len(ids) // 2
            first, second = self.apply_batch((ids[0], ids[half - 1])), self.apply_batch((ids[half], ids[-1]))
            return first[0] + second[0], first[1] + second[1]
        log.error("change_refused", asset_id=ids[0], change_set_id=self.change_set_id, refusal=refusal)
        with transaction(self.engine) as connection:
            self.fence.check(connection)
            statements.run(
                connection,
                "diff/155_refuse_change",
                change_set_id=self.change_set_id,
                asset_id=ids[0],
                refusal=refusal,
            )
        return Counter({ChangeState.REFUSED.value: 1}), Settled()
