"""Conflicts as rows: a field that changed on both sides, with all three values, until somebody decides.

Belongs here: opening one, following what Cloudinary's side does meanwhile.
Not here: finding them (``merge``), a person's decision (``outbox.intents``).
Tables: writes outbox.conflict.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Row

from media_pipeline.db import statements
from media_pipeline.merge import values_of
from media_pipeline.outbox.records import to_json
from media_pipeline.vocabulary import AssetId, ConflictState, OperationId

log = structlog.get_logger()

EXISTENCE: Final = "deleted_at"
"""Field of conflicts in which one side deleted what the other changed.

Where it was deleted here, base and remote hold the fields that changed there. Where it was deleted there, base and
local hold the edits by their kind, and remote is null.
"""

NOT_EDITED: Final = frozenset({EXISTENCE, "version"})
"""Fields of conflicts about an asset as a whole, or its bytes: nothing of them is shown over the remote state."""


def list_open_conflicts(connection: Connection, asset_ids: Sequence[str]) -> Mapping[str, list[Row[Any]]]:
    """Open conflicts by asset_id, each in order; an asset without any has an empty list."""
    conflicts: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in statements.run(connection, "outbox/150_list_open_conflicts", asset_ids=asset_ids):
        conflicts[row.asset_id].append(row)
    return conflicts


def open_conflict(
    connection: Connection,
    operation_id: OperationId,
    asset_id: AssetId,
    field: str,
    key: str,
    *,
    base: Any,
    local: Any,
    remote: Any,
) -> None:
    """Both sides changed one field: keep all three values until somebody decides."""
    log.warning("conflict_opened", asset_id=asset_id, field=field, key=key)
    statements.run(
        connection,
        "outbox/180_open_conflict",
        operation_id=operation_id,
        asset_id=asset_id,
        field=field,
        key=key,
        base=to_json(base),
        local=to_json(local),
        remote=to_json(remote),
    )


def follow(connection: Connection, conflicts: Sequence[Row[Any]], remote: Mapping[str, Any], *, is_gone: bool) -> None:
    """Cloudinary's side of an open conflict may have moved on, even to what we want.

    Args:
        remote: column to value, as the mirror has the asset.
        is_gone: whether its deletion is proved.
    """
    for conflict in conflicts:
        if conflict.field == EXISTENCE:
            is_our_edit = conflict.local is not None
            if is_our_edit is not is_gone:
                _close(connection, conflict)
                if is_our_edit:
                    statements.run(connection, "outbox/195_record_again", conflict_id=conflict.id, actor=conflict.actor)
            continue
        there = values_of(conflict.field, remote).get(conflict.key)
        if there == conflict.local:
            _close(connection, conflict)
        elif there != conflict.remote:
            statements.run(connection, "outbox/185_update_conflict", conflict_id=conflict.id, remote=to_json(there))


def _close(connection: Connection, conflict: Row[Any]) -> None:
    """Both sides agree: it is back, or deleted on both sides, or has our value."""
    statements.run(
        connection,
        "outbox/190_resolve_conflict",
        conflict_id=conflict.id,
        state=ConflictState.LOCAL_WINS.value,
        resolved_by="cloudinary",
    )
