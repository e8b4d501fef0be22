"""One hold, by its number.

Belongs here: the read behind ``media-pipeline holds show``.
Not here: lists and decisions (``ops.holds``).
"""

from __future__ import annotations

from sqlalchemy import Engine

from media_pipeline.db import statements
from media_pipeline.db.engine import read_only
from media_pipeline.errors import HoldNotFound
from media_pipeline.ops.holds import Hold
from media_pipeline.vocabulary import HoldId, HoldKind, HoldState


def read_hold(engine: Engine, hold_id: HoldId) -> Hold:
    """The hold as people see it.

    Raises:
        HoldNotFound: no such hold.
    """
    with read_only(engine) as connection:
        row = statements.run(connection, "reads/060_read_hold", hold_id=hold_id).mappings().first()
    if row is None:
        raise HoldNotFound(hold_id)
    return Hold(**{**row, "kind": HoldKind(row["kind"]), "state": HoldState(row["state"])})
