"""What people see of an asset with open operations: the remote state with what they want over it.

Belongs here: putting both together, writing the rows.
Not here: which operations are open (``outbox.settling``), merging (``merge``).
Tables: writes public.media_assets, public.media_sync_log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row

from media_pipeline.db import statements
from media_pipeline.merge import MAPS, merge, overlay
from media_pipeline.outbox.conflicts import NOT_EDITED, list_open_conflicts
from media_pipeline.outbox.records import Operation, list_open, to_json
from media_pipeline.vocabulary import OperationKind, RunId


def write_rows(
    connection: Connection, assets: Sequence[Row[Any]], *, run_id: RunId | None, cause: str, actor: str
) -> int:
    """Write rows anew from what is open now; returns how many look different.

    Args:
        assets: locked, as ``outbox/130_lock_assets`` tells them.
    """
    ids = [asset.asset_id for asset in assets]
    operations, conflicts = list_open(connection, ids), list_open_conflicts(connection, ids)
    documents = [
        {
            "asset_id": asset.asset_id,
            "is_deleted": _is_deleted(asset, operations[asset.asset_id]),
            "overlay": _overlay(asset.remote, operations[asset.asset_id], conflicts[asset.asset_id]),
        }
        for asset in assets
    ]
    written = statements.run(
        connection,
        "outbox/200_write_overlaid",
        documents=to_json(documents),
        actor=actor,
        cause=cause,
        run_id=run_id,
    )
    return len(written.all())


def _is_deleted(asset: Row[Any], operations: Sequence[Operation]) -> bool:
    """What people asked for last; else what the cloud says, except that a deletion is for the diff to believe."""
    for operation in reversed(operations):
        if operation.kind in {OperationKind.DELETE, OperationKind.RESTORE}:
            return operation.kind is OperationKind.DELETE
    return bool(asset.is_deleted and asset.sighting_state == "tombstone")


def _overlay(
    remote: Mapping[str, Any], operations: Sequence[Operation], conflicts: Sequence[Row[Any]]
) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for conflict in conflicts:
        if conflict.field not in NOT_EDITED:
            current = shown.get(conflict.field, remote.get(conflict.field))
            key = conflict.key if conflict.field in MAPS else conflict.field
            shown[conflict.field] = overlay(current, conflict.field, {key: conflict.local})
    for operation in operations:
        if operation.field is not None:
            current = shown.get(operation.field, remote.get(operation.field))
            wanted = operation.wanted
            if operation.field == "tags":
                wanted = merge(operation.base, operation.wanted, {"tags": current}).wanted
            shown[operation.field] = overlay(current, operation.field, wanted)
    return shown
