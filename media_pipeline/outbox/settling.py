"""What a read proves of operations: done, to be done again, in conflict.

Belongs here: merging open operations with a newer remote state, claims whose pusher died.
Not here: the merge itself (``merge``), what people see of it (``outbox.overlay``), calls (``push``).
Tables: writes outbox.operation, outbox.conflict, public.media_assets, public.media_sync_log.

``media_assets`` shows the last applied remote state with open operations over it. Whatever changes one of the two goes
through ``reconcile``, which brings operations, conflicts and rows back to that in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row

from media_pipeline.db import statements
from media_pipeline.db.engine import read_only, retrying
from media_pipeline.merge import ConflictPolicy, Merge, merge, settle, values_of
from media_pipeline.outbox.conflicts import EXISTENCE, follow, list_open_conflicts, open_conflict
from media_pipeline.outbox.overlay import write_rows
from media_pipeline.outbox.records import Operation, end_operation, hint, list_open, note
from media_pipeline.vocabulary import AssetId, OperationKind, OperationState, RunId

PolicyOf = Callable[[str], ConflictPolicy]
"""Field to who wins it."""

_ATTEMPTS: Final = 5
_CONFIRMED: Final = "confirmed by a read"
_ON_ITS_WAY: Final = frozenset({OperationState.LEASED, OperationState.UNKNOWN, OperationState.SENT})


@dataclass(frozen=True, slots=True)
class Settled:
    """What reconciling led to: operations by how they ended, and rows that look different now."""

    done: int = 0
    conflict: int = 0
    refused: int = 0
    again: int = 0
    rows_changed: int = 0

    def __add__(self, other: Settled) -> Settled:
        return Settled(
            self.done + other.done,
            self.conflict + other.conflict,
            self.refused + other.refused,
            self.again + other.again,
            self.rows_changed + other.rows_changed,
        )


def expire_leases(engine: Engine) -> int:
    """Call operations unknown whose pusher died or was paused; a read is asked for. Returns how many."""

    def work(connection: Connection) -> int:
        expired = statements.run(connection, "outbox/100_expire_leases").all()
        hint(connection, [AssetId(row.asset_id) for row in expired if row.asset_id is not None])
        for row in statements.run(connection, "outbox/105_repeat_uploads", attempts=_ATTEMPTS).all():
            if row.state == OperationState.REFUSED:
                note(connection, "operation_refused", row.operation_id, row.asset_id, row.outcome, run_id=None)
        for row in expired:
            note(connection, "operation_unknown", row.operation_id, row.asset_id, "lease ended", run_id=None)
        return len(expired)

    return retrying(engine, work)


def settle_verified(engine: Engine, policy_of: PolicyOf, *, run_id: RunId | None, batch_size: int = 500) -> Settled:
    """End, or give back, the sent and unknown operations whose effect a read has shown.

    Transactions: one for at most *batch_size* assets.
    """
    with read_only(engine) as connection:
        ids = [AssetId(row.asset_id) for row in statements.run(connection, "outbox/110_list_verified")]
    total = Settled()
    for start in range(0, len(ids), batch_size):

        def work(connection: Connection, batch: Sequence[AssetId] = ids[start : start + batch_size]) -> Settled:
            return reconcile(connection, batch, policy_of, run_id=run_id)

        total += retrying(engine, work)
    return total


def reconcile(
    connection: Connection,
    asset_ids: Sequence[AssetId],
    policy_of: PolicyOf,
    *,
    run_id: RunId | None,
    cause: str = "sync",
    actor: str = "cloudinary",
) -> Settled:
    """Bring operations, conflicts and rows of these assets in line with the mirror's state of them.

    The caller holds no operation of them leased in this transaction.
    """
    total = Settled()
    if not asset_ids:
        return total
    ids = sorted(asset_ids)
    assets = statements.run(connection, "outbox/130_lock_assets", asset_ids=ids).all()
    operations, conflicts = list_open(connection, ids), list_open_conflicts(connection, ids)
    moved = []
    for asset in assets:
        key = asset.asset_id
        settling = _Asset(connection, asset, operations[key], conflicts[key], policy_of, run_id)
        total += settling.settle()
        if settling.moved_to is not None:
            moved.append(settling.moved_to)
    total += reconcile(connection, moved, policy_of, run_id=run_id, cause=cause, actor=actor)
    return total + Settled(rows_changed=write_rows(connection, assets, run_id=run_id, cause=cause, actor=actor))


class _Asset:
    """One asset's operations against what the mirror knows of it."""

    def __init__(
        self,
        connection: Connection,
        row: Row[Any],
        operations: Sequence[Operation],
        conflicts: Sequence[Row[Any]],
        policy_of: PolicyOf,
        run_id: RunId | None,
    ) -> None:
        self._connection = connection
        self._row = row
        self._operations = operations
        self._conflicts = conflicts
        self._policy_of = policy_of
        self._run_id = run_id
        self._is_gone = row.sighting_state == "tombstone"
        self._is_unwanted = self._is_gone and any(one.kind is OperationKind.DELETE for one in operations)
        self._counts = Settled()
        self._lost: list[Operation] = []
        self.moved_to: AssetId | None = None
        """The asset as which the row goes on, uploaded anew."""

    def settle(self) -> Settled:
        """Go through the operations in order."""
        blocked: set[OperationKind] = set()
        is_returning = self._is_gone and any(one.kind is OperationKind.RESTORE for one in self._operations)
        for operation in self._operations:
            if operation.state in {OperationState.SENT, OperationState.UNKNOWN} and not self._row.is_queued:
                self._settle_sent(operation)
                if self.moved_to is not None:
                    # What else is open of it is settled under the new id.
                    return self._counts
            elif operation.state in _ON_ITS_WAY:
                # Until its effect is read, a later edit of the same field has no base to be compared with.
                blocked.add(operation.kind)
            elif operation.kind not in blocked and not (is_returning and operation.field is not None):
                self._merge_pending(operation)
        follow(self._connection, self._conflicts, self._row.remote, is_gone=self._is_gone)
        self._dispute_deletion()
        return self._counts

    def _settle_sent(self, operation: Operation) -> None:
        """A read from after the call shows what it did."""
        if operation.kind is OperationKind.RESTORE and "asset_id" in operation.wanted:
            self._settle_reupload(operation, AssetId(operation.wanted["asset_id"]))
            return
        if operation.kind in {OperationKind.DELETE, OperationKind.RESTORE}:
            is_done = self._is_gone is (operation.kind is OperationKind.DELETE)
            is_restored = operation.kind is OperationKind.RESTORE
            told = "restored from Cloudinary's backup (all fields)" if is_restored else _CONFIRMED
            self._end_or_repeat(operation, is_done=is_done, left=Merge({}, {}), told=told)
            return
        if operation.kind is OperationKind.UPLOAD:
            statements.run(self._connection, "outbox/220_name_row", operation_id=operation.id)
            self._end(operation, OperationState.DONE, _CONFIRMED)
            return
        if self._is_gone and operation.state is OperationState.SENT:
            # Whoever deleted it deleted it with our edit.
            self._end(operation, OperationState.DONE, "accepted; the asset was deleted in Cloudinary afterwards")
            return
        if self._is_gone:
            self._lose(operation)
            return
        if operation.kind is OperationKind.REPLACE:
            is_done = self._row.remote["size_bytes"] == operation.wanted["size_bytes"] and (
                operation.state is OperationState.SENT or self._row.remote["version"] != operation.base["version"]
            )
            self._end_or_repeat(operation, is_done=is_done, left=Merge(operation.base, operation.wanted))
            return
        left = self._merged(operation)
        if operation.state is OperationState.SENT:
            # Accepted: only where everything is as before it had no effect; else others went on from there.
            is_lost = bool(left.wanted) and left.wanted.keys() == operation.wanted.keys() and not left.clashes
            is_lost = is_lost and _all_at_base(operation, values_of(operation.field or "", self._row.remote))
            self._end_or_repeat(operation, is_done=not is_lost, left=left)
        elif left.clashes:
            self._open_conflicts(operation, left)
            self._end_or_repeat(operation, is_done=not left.wanted, left=left)
        else:
            self._end_or_repeat(operation, is_done=not left.wanted, left=left)

    def _settle_reupload(self, operation: Operation, new_id: AssetId) -> None:
        """The row of an asset that is gone goes on as the one uploaded anew for it, once a read has shown that one."""
        found = statements.run(self._connection, "outbox/205_find_reupload", asset_id=new_id).one()
        if found.is_queued:
            return
        if not found.is_live:
            self._end_or_repeat(operation, is_done=False, left=Merge({}, {}))
            return
        moved = statements.run(
            self._connection,
            "outbox/210_move_identity",
            operation_id=operation.id,
            old_asset_id=self._row.asset_id,
            new_asset_id=new_id,
            run_id=self._run_id,
        ).first()
        if moved is None:
            detail = f"refused: uploaded anew as {new_id}, which has a row of its own here"
            self._end(operation, OperationState.REFUSED, detail)
            return
        self._end(operation, OperationState.DONE, f"uploaded anew from the vault (new asset_id {new_id})")
        self.moved_to = new_id

    def _end_or_repeat(self, operation: Operation, *, is_done: bool, left: Merge, told: str = _CONFIRMED) -> None:
        if is_done:
            self._end(operation, OperationState.DONE, told)
        elif operation.attempt_count >= _ATTEMPTS:
            self._end(operation, OperationState.REFUSED, f"without effect after {operation.attempt_count} attempts")
        else:
            self._counts += Settled(again=1)
            rest = {"operation_id": operation.id, "base": dict(left.base), "wanted": dict(left.wanted)}
            if statements.run(self._connection, "outbox/175_merge_into_pending", **rest).first() is not None:
                self._end(operation, OperationState.CANCELLED, "without effect; a later edit takes it over")
                return
            statements.run(
                self._connection,
                "outbox/170_end_operation",
                operation_id=operation.id,
                state=OperationState.PENDING.value,
                outcome="a read showed no effect",
            )
            if operation.field is not None:
                statements.run(self._connection, "outbox/160_rewrite_operation", **rest)

    def _merge_pending(self, operation: Operation) -> None:
        if operation.kind is OperationKind.RESTORE:
            if not self._is_gone:
                self._end(operation, OperationState.DONE, "it is there already")
            return
        if operation.kind is OperationKind.DELETE:
            if self._is_gone:
                self._end(operation, OperationState.DONE, "it is deleted in Cloudinary already")
            return
        if self._is_gone:
            self._lose(operation)
            return
        if operation.kind is OperationKind.REPLACE:
            # Whether somebody else replaced the bytes is compared right before the call.
            return
        left = self._merged(operation)
        self._open_conflicts(operation, left)
        if left.wanted:
            if (left.base, left.wanted) != (operation.base, operation.wanted):
                statements.run(
                    self._connection,
                    "outbox/160_rewrite_operation",
                    operation_id=operation.id,
                    base=dict(left.base),
                    wanted=dict(left.wanted),
                )
        elif left.clashes:
            self._end(operation, OperationState.CONFLICT, "changed on both sides")
        else:
            self._end(operation, OperationState.DONE, "Cloudinary has it already")

    def _lose(self, operation: Operation) -> None:
        """What an edit was about is gone: somebody has to decide, unless people here deleted it as well."""
        if self._is_unwanted:
            self._end(operation, OperationState.CANCELLED, "the asset was deleted on both sides")
            return
        self._lost.append(operation)
        self._end(
            operation, OperationState.CONFLICT, "the asset was deleted in Cloudinary; the edit is kept in a conflict"
        )

    def _dispute_deletion(self) -> None:
        """One conflict holds all edits of an asset that was deleted in Cloudinary."""
        if not self._lost:
            return
        kept = [one for one in self._conflicts if one.field == EXISTENCE and one.local is not None]
        base = {kind: value for one in kept for kind, value in one.base.items()}
        local = {kind: value for one in kept for kind, value in one.local.items()}
        open_conflict(
            self._connection,
            self._lost[0].id,
            AssetId(self._row.asset_id),
            EXISTENCE,
            EXISTENCE,
            base=base | {one.kind.value: dict(one.base) for one in self._lost},
            local=local | {one.kind.value: dict(one.wanted) for one in self._lost},
            remote=None,
        )

    def _merged(self, operation: Operation) -> Merge:
        field = operation.field or ""
        found = merge(operation.base, operation.wanted, values_of(field, self._row.remote))
        return settle(found, self._policy_of(field))

    def _open_conflicts(self, operation: Operation, left: Merge) -> None:
        for clash in left.clashes:
            open_conflict(
                self._connection,
                operation.id,
                AssetId(self._row.asset_id),
                operation.field or "",
                clash.key,
                base=clash.base,
                local=clash.local,
                remote=clash.remote,
            )

    def _end(self, operation: Operation, state: OperationState, outcome: str) -> None:
        end_operation(self._connection, operation.id, self._row.asset_id, state, outcome, run_id=self._run_id)
        match state:
            case OperationState.DONE:
                self._counts += Settled(done=1)
            case OperationState.CONFLICT:
                self._counts += Settled(conflict=1)
            case OperationState.REFUSED:
                self._counts += Settled(refused=1)


def _all_at_base(operation: Operation, remote: Mapping[str, Any]) -> bool:
    return all(remote.get(key) == operation.base.get(key) for key in operation.wanted)
