"""Computing a change set: set-based SQL in one transaction.

Belongs here: the order of its statements, the repeated mass guard over deletions, holds.
Not here: applying (``diff.apply``), the guard's rule (``guards``).
Tables: writes diff.change_set, diff.change, ops.hold, mirror.asset_sighting.approved_hold_id.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, Engine

from media_pipeline import guards
from media_pipeline.db import locks, statements
from media_pipeline.db.engine import transaction
from media_pipeline.ops import holds
from media_pipeline.ops.holds import Place, Stopped
from media_pipeline.ops.runs import holder
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import ChangeSetId, HoldId, HoldKind, HoldState, RunId

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DiffResult:
    """Changes found, by kind; ``held`` deletions are part of ``deleted`` and wait for a person."""

    change_set_id: ChangeSetId
    created: int
    updated: int
    renamed: int
    moved: int
    restored: int
    deleted: int
    conflict: int
    held: int
    hold_ids: tuple[HoldId, ...]
    duration_seconds: float

    @property
    def total(self) -> int:
        """All changes, held ones included."""
        return self.created + self.updated + self.renamed + self.moved + self.restored + self.deleted + self.conflict


def compute(engine: Engine, settings: Settings, *, run_id: RunId | None, wait_seconds: float = 0.0) -> DiffResult:
    """Find every difference; an earlier set that was not applied is superseded.

    Args:
        wait_seconds: how long to wait for another process that computes or applies.

    Raises:
        ActivityBusy: another process computes or applies.

    Reads: mirror.remote_asset, mirror.asset_sighting, public.media_assets. Transactions: one.
    """
    started = time.monotonic()
    limit = guards.DeletionLimit(settings.deletion_limit_count, settings.deletion_limit_share)
    with (
        locks.activity(engine, "apply", holder=holder(f"diff of run {run_id}"), wait_seconds=wait_seconds) as fence,
        transaction(engine) as connection,
    ):
        fence.check(connection)
        _settle_decided_holds(connection)
        superseded = [row.id for row in statements.run(connection, "diff/010_supersede_change_sets")]
        statements.run(connection, "diff/011_supersede_changes", change_set_ids=superseded)
        begun = statements.run(connection, "diff/020_begin_change_set", run_id=run_id)
        change_set_id = ChangeSetId(int(begun.scalar_one()))
        for finder in ("diff/030_find_created", "diff/040_find_changed", "diff/050_find_deleted"):
            statements.run(connection, finder, change_set_id=change_set_id)
        hold_ids = _guard_deletions(connection, change_set_id, limit, run_id)
        counts = statements.run(connection, "diff/090_count_changes", change_set_id=change_set_id).one()
    result = DiffResult(
        change_set_id,
        counts.created_count,
        counts.updated_count,
        counts.renamed_count,
        counts.moved_count,
        counts.restored_count,
        counts.deleted_count,
        counts.conflict_count,
        counts.held_count,
        hold_ids,
        time.monotonic() - started,
    )
    log.info("change_set_computed", change_set_id=change_set_id, change_count=result.total, held_count=result.held)
    return result


def _settle_decided_holds(connection: Connection) -> None:
    for hold_id, state in holds.decided(connection, HoldKind.DELETIONS):
        if state is HoldState.APPROVED:
            statements.run(connection, "diff/080_approve_deleted", hold_id=hold_id)
        holds.settle(connection, hold_id)


def _guard_deletions(
    connection: Connection, change_set_id: ChangeSetId, limit: guards.DeletionLimit, run_id: RunId | None
) -> tuple[HoldId, ...]:
    """Hold the deletions of every slice that loses too many at once; the rest of the set goes on."""
    hold_ids = []
    open_places = {
        Place(HoldKind.DELETIONS, row.resource_type, row.delivery_type)
        for row in statements.run(connection, "diff/078_list_open_deletion_holds")
    }
    for found in statements.run(connection, "diff/060_count_deleted", change_set_id=change_set_id).all():
        verdict = guards.judge_deletions(found.deleted_count, found.live_count, limit)
        if verdict.passes:
            continue
        place = Place(HoldKind.DELETIONS, found.resource_type, found.delivery_type)
        open_places.discard(place)
        held = statements.run(
            connection,
            "diff/070_hold_deleted",
            change_set_id=change_set_id,
            resource_type=found.resource_type,
            delivery_type=found.delivery_type,
        )
        ids = [row.asset_id for row in held]
        stopped = Stopped(verdict.reason, found.deleted_count, found.live_count, found.ids_digest)
        hold_id, is_new = holds.open_hold(connection, place, stopped, run_id=run_id)
        if is_new:
            statements.run(connection, "diff/075_add_hold_items", hold_id=hold_id, asset_ids=ids)
            log.warning(
                "deletions_held",
                hold_id=hold_id,
                asset_count=len(ids),
                slice=f"{found.resource_type}/{found.delivery_type}",
            )
        hold_ids.append(hold_id)
    for place in open_places:
        holds.withdraw(connection, place)
    return tuple(hold_ids)
