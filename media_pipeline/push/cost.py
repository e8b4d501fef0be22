"""What pushing operations takes: calls and time.

Belongs here: the estimate that a plan shows before anything is done.
Not here: the calls themselves (``push.handlers``).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row

from media_pipeline.db import statements
from media_pipeline.push.handlers import ADMIN_KINDS, DESTRUCTIVE, group_key
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import OperationKind

_SECONDS_A_CALL: Final = 0.3
_HOUR: Final = 3600.0


def cost(operations: Sequence[Row[Any]], settings: Settings) -> tuple[int, int]:
    """Admin API calls and Upload API calls that pushing *operations* and reading them again takes.

    With the vault, as if it had none of the originals: their MD5 is asked for, and what was fetched is read once more.
    """
    assets = {row.asset_id or row.id for row in operations}
    batch_size = settings.read_batch_size - 1
    reads = 2 * math.ceil(len(assets) / batch_size)
    counts = Counter(OperationKind(row.kind) for row in operations)
    if settings.vault:
        reads += 2 * math.ceil(sum(counts[kind] for kind in DESTRUCTIVE) / batch_size)
    deletes = math.ceil(counts[OperationKind.DELETE] / 100) + math.ceil(counts[OperationKind.RESTORE] / 100)
    singly = sum(counts[kind] for kind in ADMIN_KINDS)
    groups = Counter(
        key
        for row in operations
        if OperationKind(row.kind) not in {OperationKind.DELETE, OperationKind.RESTORE, *ADMIN_KINDS}
        for key in group_key(row)
    )
    uploads = sum(math.ceil(count / 100) for count in groups.values())
    return reads + deletes + singly, uploads


def duration(connection: Connection, admin_calls: int, upload_calls: int) -> float:
    """Seconds that so many calls take, waiting for a new allowance included."""
    allowance = statements.run(connection, "reads/085_read_allowance").first()
    waits = 0.0
    if allowance is not None and admin_calls > allowance.remaining_count:
        waits = _HOUR * math.ceil((admin_calls - allowance.remaining_count) / max(allowance.limit_count, 1))
    return (admin_calls + upload_calls) * _SECONDS_A_CALL + waits
