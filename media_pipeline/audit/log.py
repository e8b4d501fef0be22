"""Writing the log of state changes.

Belongs here: entries that concern no single asset, partitions, seals.
Not here: entries of assets, which are written set-based by the statement that changes the assets; proofs
(``verification``).
Tables: writes public.media_sync_log, public.media_sync_log_seal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection, Engine

from media_pipeline.db import locks, statements
from media_pipeline.db.engine import transaction
from media_pipeline.errors import ActivityBusy
from media_pipeline.vocabulary import RunId

log = structlog.get_logger()


def prepare(connection: Connection) -> int:
    """Make the log's partitions for this month and the next two; returns how many there were to be made."""
    return int(statements.run(connection, "audit/010_ensure_partitions").scalar_one())


def append(
    connection: Connection, action: str, *, cause: str, actor: str, run_id: RunId | None, after: dict[str, Any]
) -> None:
    """Append one entry that concerns no single row, in the transaction of what it tells."""
    append_all(connection, action, cause=cause, actor=actor, run_id=run_id, afters=[after])


def append_all(
    connection: Connection,
    action: str,
    *,
    cause: str,
    actor: str,
    run_id: RunId | None,
    afters: Sequence[Mapping[str, Any]],
) -> None:
    """Append an entry for each of *afters*, in their order, in the transaction of what they tell."""
    statements.run(
        connection,
        "audit/020_append_entries",
        action=action,
        cause=cause,
        actor=actor,
        run_id=run_id,
        afters=[msgspec.json.encode(after).decode() for after in afters],
    )


def seal(engine: Engine, *, holder: str) -> int:
    """Seal every entry that no running transaction can precede any more.

    Returns:
        Entries under the new seal; 0 when there was nothing to seal, another process is sealing, or the database
        was restored into another server (then the log says so).
    """
    try:
        with locks.activity(engine, "audit seal", holder=holder) as fence, transaction(engine) as connection:
            fence.check(connection)
            if statements.run(connection, "audit/025_seal_is_ahead").scalar_one():
                # Numbers of transactions began anew, so nothing would ever lie behind the last seal again.
                log.error("audit_log_was_restored_elsewhere")
                return 0
            row = statements.run(connection, "audit/030_seal").first()
            return 0 if row is None else int(row.entry_count)
    except ActivityBusy:
        return 0
