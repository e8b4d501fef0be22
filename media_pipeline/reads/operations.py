"""What people edited and Cloudinary does not have yet: counts, what became of it, conflicts, all of it in words.

Belongs here: the reads behind ``media-pipeline push``, ``conflicts`` and the part of ``status`` that speaks of edits.
Not here: plans (``push.plan``), decisions (``outbox``), the history of one asset (``reads.explain``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine

from media_pipeline.db import statements
from media_pipeline.db.engine import read_only
from media_pipeline.errors import ConflictNotOpen
from media_pipeline.vocabulary import (
    AssetId,
    ConflictId,
    ConflictState,
    OperationId,
    OperationKind,
    OperationState,
    RunId,
)

STUCK_ATTEMPTS: Final = 5
"""An operation that was tried so often and is neither done nor refused is stuck."""

_VALUE_AT_MOST: Final = 120
_CONFLICTS: Final = 100


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many edits are where on their way; held and leased ones are among the pending ones.

    Attributes:
        leased_count: claimed by a push until ``leased_until``; whether that push still lives is not known.
        unconfirmed_count: sent, or with an unknown outcome; a read shows what became of them.
        conflict_count: open conflicts, one a field or key.
        oldest_at: first edit of the oldest operation that is open; None where there is none.
    """

    pending_count: int
    held_count: int
    leased_count: int
    leased_until: datetime | None
    unconfirmed_count: int
    conflict_count: int
    oldest_at: datetime | None

    @property
    def claims(self) -> str | None:
        """What a push has claimed, in words; None where nothing is."""
        if self.leased_until is None:
            return None
        count = f"{self.leased_count:,} operation{'' if self.leased_count == 1 else 's'}"
        return (
            f"Claimed by a push until {self.leased_until:%H:%M:%S} UTC: {count}. Where that push died, the first one "
            "after this time reads what became of it."
        )


@dataclass(frozen=True, slots=True)
class Pushed:
    """An operation that was tried: how the try ended (``result``), and how it stands now (``state``)."""

    operation_id: OperationId
    kind: OperationKind
    state: OperationState
    asset_id: AssetId | None
    public_id: str
    base: Mapping[str, Any]
    wanted: Mapping[str, Any]
    actor: str
    outcome: str | None
    result: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field, or a key of a map, that changed on both sides; None stands for no value.

    ``field`` is ``deleted_at`` where one side deleted the asset. If it was deleted here, ``base`` and ``remote`` hold
    the fields that changed in Cloudinary; if there, ``base`` and ``local`` hold our edits by their kind.
    """

    id: ConflictId
    asset_id: AssetId
    public_id: str
    resource_type: str
    delivery_type: str
    field: str
    key: str
    base: Any
    local: Any
    remote: Any
    state: ConflictState
    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    operation_id: OperationId
    operation_kind: OperationKind
    actor: str
    reason: str | None

    @property
    def place(self) -> str:
        """Such as ``context.alt``."""
        return self.field if self.key == self.field else f"{self.field}.{self.key}"


def count_waiting(connection: Connection) -> Waiting:
    """Count operations and conflicts that are open."""
    return Waiting(**statements.run(connection, "reads/750_count_operations").mappings().one())


def count_pushable(engine: Engine, undo_seconds: float) -> int:
    """Operations that a push could work on now; 0 means that a push would find nothing to do."""
    with read_only(engine) as connection:
        return int(statements.run(connection, "reads/755_count_pushable", undo_seconds=undo_seconds).scalar_one())


def list_pushed(
    engine: Engine,
    run_ids: Sequence[RunId],
    kinds: Collection[OperationKind] = frozenset(OperationKind),
    *,
    limit: int = 100,
) -> tuple[int, list[Pushed]]:
    """Operations that some runs tried.

    Returns:
        Their number, and the first *limit* of them in the order in which they were recorded.
    """
    with read_only(engine) as connection:
        rows = statements.run(
            connection,
            "reads/760_list_pushed",
            run_ids=list(run_ids),
            kinds=sorted(kind.value for kind in kinds),
            row_limit=limit,
        ).mappings()
        found = rows.all()
    total = int(found[0]["total_count"]) if found else 0
    return total, [
        Pushed(
            **{
                **{name: row[name] for name in row if name != "total_count"},
                "kind": OperationKind(row["kind"]),
                "state": OperationState(row["state"]),
            }
        )
        for row in found
    ]


def list_conflicts(engine: Engine, *, limit: int = _CONFLICTS) -> tuple[int, list[Conflict]]:
    """The open conflicts: their number, and the oldest *limit* of them."""
    return _list_conflicts(engine, None, limit)


def read_conflict(engine: Engine, conflict_id: ConflictId) -> Conflict:
    """One conflict, decided or not.

    Raises:
        ConflictNotOpen: there is none of this number.
    """
    _, found = _list_conflicts(engine, conflict_id, 1)
    if not found:
        raise ConflictNotOpen(conflict_id)
    return found[0]


def stream_conflicts(connection: Connection) -> Iterator[Conflict]:
    """All open conflicts, the oldest first."""
    rows = statements.stream(connection, "reads/720_list_conflicts", conflict_id=None, row_limit=None)
    return (_conflict(row._mapping) for row in rows)


def stream_settled_conflicts(connection: Connection, days: int) -> Iterator[Conflict]:
    """Conflicts that a policy or a person settled within so many days, the newest first."""
    rows = statements.stream(connection, "reads/725_list_settled_conflicts", days=days)
    return (_conflict(row._mapping) for row in rows)


def _list_conflicts(engine: Engine, conflict_id: ConflictId | None, limit: int) -> tuple[int, list[Conflict]]:
    with read_only(engine) as connection:
        rows = statements.run(
            connection, "reads/720_list_conflicts", conflict_id=conflict_id, row_limit=limit
        ).mappings()
        found = rows.all()
    total = int(found[0]["total_count"]) if found else 0
    return total, [_conflict(row) for row in found]


def _conflict(row: Mapping[Any, Any]) -> Conflict:
    return Conflict(
        **{
            **{name: row[name] for name in row if name != "total_count"},
            "operation_kind": OperationKind(row["operation_kind"]),
            "state": ConflictState(row["state"]),
        }
    )


def in_words(kind: OperationKind, base: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """What an operation is to do: ``field: base -> wanted``, one text a field or key."""
    if kind is OperationKind.DELETE:
        return ["asset: there -> deleted"]
    if kind is OperationKind.RESTORE:
        return ["asset: deleted -> there"]
    if kind is OperationKind.UPLOAD:
        return [f"asset: none -> {wanted['file_name']} ({wanted['size_bytes']:,} bytes)"]
    if kind is OperationKind.REPLACE:
        return [f"bytes: version {base['version']} -> {wanted['file_name']} ({wanted['size_bytes']:,} bytes)"]
    prefix = {OperationKind.UPDATE_CONTEXT: "context.", OperationKind.UPDATE_METADATA: "metadata."}.get(kind, "")
    return [f"{prefix}{key}: {shown(base.get(key))} -> {shown(wanted[key])}" for key in sorted(wanted)]


def shown(value: Any) -> str:
    """A value as JSON, cut where it is long; ``none`` where there is none."""
    if value is None:
        return "none"
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _VALUE_AT_MOST else text[:_VALUE_AT_MOST] + "…"
