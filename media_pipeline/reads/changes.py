"""What a run found different.

Belongs here: counts by kind, with a few names.
Not here: finding it (``diff``), the history of one asset.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from media_pipeline.db import statements
from media_pipeline.db.engine import read_only
from media_pipeline.vocabulary import ChangeKind, ChangeState, RunId


@dataclass(frozen=True, slots=True)
class Example:
    """One changed asset; *fields* are the columns that differ, none for created and deleted ones."""

    public_id: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChangesOfKind:
    """Changes of one kind in one state, with the first few assets by asset_id."""

    kind: ChangeKind
    state: ChangeState
    change_count: int
    examples: tuple[Example, ...]


def count_changes(engine: Engine, run_id: RunId, *, examples: int = 3) -> tuple[ChangesOfKind, ...]:
    """What the run found, in a fixed order of kinds; empty if nothing differed."""
    with read_only(engine) as connection:
        rows = statements.run(connection, "reads/070_count_changes", run_id=run_id, example_limit=examples)
        return tuple(
            ChangesOfKind(
                kind=ChangeKind(row.kind),
                state=ChangeState(row.state),
                change_count=row.change_count,
                examples=tuple(Example(one["public_id"], tuple(one["fields"])) for one in row.examples or ()),
            )
            for row in rows
        )
