"""Operations as rows: those that are open, how one ends, what the log is told of it.

Belongs here: reading and ending operations, hints after a call.
Not here: why one ends (``outbox.settling``, ``push``).
Tables: writes outbox.operation, public.media_sync_log, and mirror.verify_queue through ``mirror.hint``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from media_pipeline import audit
from media_pipeline.db import statements
from media_pipeline.vocabulary import AssetId, OperationId, OperationKind, OperationState, RunId, VerifyReason


@dataclass(slots=True)
class Operation:
    """An open operation; ``field`` is the column it edits, None for what concerns the asset as a whole."""

    id: OperationId
    kind: OperationKind
    field: str | None
    state: OperationState
    base: Mapping[str, Any]
    wanted: Mapping[str, Any]
    attempt_count: int

    @classmethod
    def of(cls, row: Row[Any]) -> Operation:
        """From a row of the table."""
        return cls(
            OperationId(row.id),
            OperationKind(row.kind),
            row.field,
            OperationState(row.state),
            row.base,
            row.wanted,
            row.attempt_count,
        )


def list_open(connection: Connection, asset_ids: Sequence[str]) -> Mapping[str, list[Operation]]:
    """Open operations by asset_id, each in order, locked; an asset without any has an empty list."""
    operations: defaultdict[str, list[Operation]] = defaultdict(list)
    for row in statements.run(connection, "outbox/140_list_open", asset_ids=asset_ids):
        operations[row.asset_id].append(Operation.of(row))
    return operations


def end_operation(
    connection: Connection,
    operation_id: OperationId,
    asset_id: AssetId | None,
    state: OperationState,
    outcome: str,
    *,
    run_id: RunId | None,
) -> None:
    """Give an operation its end, with its entry in the log."""
    statements.run(
        connection, "outbox/170_end_operation", operation_id=operation_id, state=state.value, outcome=outcome
    )
    action = f"operation_{state.value}"
    note(connection, action, operation_id, asset_id, outcome, run_id=run_id)


def hint(connection: Connection, asset_ids: Sequence[AssetId]) -> None:
    """Ask for assets to be read again, since something was sent to Cloudinary about them."""
    if asset_ids:
        statements.run(connection, "mirror/080_hint", asset_ids=sorted(asset_ids), reason=VerifyReason.PUSH.value)


def note(
    connection: Connection,
    action: str,
    operation_id: OperationId,
    asset_id: AssetId | None,
    outcome: str,
    *,
    run_id: RunId | None,
) -> None:
    """Tell the log what became of an operation."""
    note_all(connection, action, [(operation_id, asset_id)], outcome, run_id=run_id)


def note_all(
    connection: Connection,
    action: str,
    operations: Sequence[tuple[OperationId, AssetId | None]],
    outcome: str,
    *,
    run_id: RunId | None,
    request_id: str | None = None,
) -> None:
    """Tell the log what became of operations that ended alike, an entry for each."""
    said = {"outcome": outcome} if request_id is None else {"outcome": outcome, "request_id": request_id}
    afters = [{"operation_id": operation_id, "asset_id": asset_id, **said} for operation_id, asset_id in operations]
    audit.append_all(connection, action, cause="push", actor="media_pipeline", run_id=run_id, afters=afters)


def to_json(value: Any) -> str:
    """A value as a parameter of type jsonb."""
    return msgspec.json.encode(value).decode()
