"""Holds: what a guard stopped, until a person approves exactly that set of assets.

Belongs here: opening, replacing, listing and deciding holds.
Not here: the guards (``guards``), what happens after an approval (``mirror``, ``diff``).
Tables: writes ops.hold, ops.hold_item.

    open ── approve ──▶ approved ──▶ settled by the next sync
      ├──── reject ───▶ rejected ──▶ settled by the next sync
      └──── a newer look found another set ──▶ replaced
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from media_pipeline import audit
from media_pipeline.db import statements
from media_pipeline.db.engine import read_only, transaction
from media_pipeline.errors import HoldNotFound, HoldNotOpen
from media_pipeline.vocabulary import AssetId, HoldId, HoldKind, HoldState, RunId


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold as people see it; ``ids_digest`` is the SHA-256, in hex, of the sorted asset ids joined by commas."""

    id: HoldId
    kind: HoldKind
    resource_type: str | None
    delivery_type: str | None
    state: HoldState
    reason: str
    asset_count: int
    total_count: int
    ids_digest: str
    opened_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class HoldItem:
    """One asset of a hold; names are None for an asset that the mirror never saw."""

    asset_id: AssetId
    resource_type: str | None
    delivery_type: str | None
    public_id: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a guard spoke: one hold may be open in a place at a time."""

    kind: HoldKind
    resource_type: str
    delivery_type: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """What a guard stopped: how many assets of how many, and the digest of their sorted ids (32 bytes)."""

    reason: str
    asset_count: int
    total_count: int
    ids_digest: bytes


def open_hold(
    connection: Connection, place: Place, stopped: Stopped, *, run_id: RunId | None, listing_run_id: int | None = None
) -> tuple[HoldId, bool]:
    """Make sure that a hold over exactly this set is open in its place; one over another set is replaced.

    The caller adds the items of a new hold in the same transaction.

    Returns:
        The hold, and whether it is new.
    """
    where = {"kind": place.kind.value, "resource_type": place.resource_type, "delivery_type": place.delivery_type}
    statements.run(connection, "ops/200_replace_open_hold", **where, ids_digest=stopped.ids_digest)
    existing = statements.run(connection, "ops/210_find_open_hold", **where).scalar()
    if existing is not None:
        return HoldId(int(existing)), False
    opened = statements.run(
        connection,
        "ops/220_open_hold",
        **where,
        reason=stopped.reason,
        asset_count=stopped.asset_count,
        total_count=stopped.total_count,
        ids_digest=stopped.ids_digest,
        run_id=run_id,
        listing_run_id=listing_run_id,
    )
    hold_id = HoldId(int(opened.scalar_one()))
    audit.append(
        connection,
        "hold_opened",
        cause="guard",
        actor="media_pipeline",
        run_id=run_id,
        after={"hold_id": hold_id, "asset_count": stopped.asset_count, "ids_digest": stopped.ids_digest.hex()},
    )
    return hold_id, True


def withdraw(connection: Connection, place: Place) -> None:
    """Close an open hold in this place whose reason is gone."""
    statements.run(
        connection,
        "ops/205_withdraw_open_hold",
        kind=place.kind.value,
        resource_type=place.resource_type,
        delivery_type=place.delivery_type,
    )


def list_holds(engine: Engine, *, only_open: bool = True) -> list[Hold]:
    """Holds, newest first, at most 500."""
    with read_only(engine) as connection:
        rows = statements.run(connection, "ops/230_list_holds", only_open=only_open).mappings()
        return [Hold(**{**row, "kind": HoldKind(row["kind"]), "state": HoldState(row["state"])}) for row in rows]


def list_items(engine: Engine, hold_id: HoldId, *, limit: int = 100) -> list[HoldItem]:
    """The first *limit* assets of a hold, by name."""
    with read_only(engine) as connection:
        rows = statements.run(connection, "ops/235_list_hold_items", hold_id=hold_id, row_limit=limit).mappings()
        return [HoldItem(**row) for row in rows]


def decide(engine: Engine, hold_id: HoldId, state: HoldState, *, actor: str) -> None:
    """Approve or reject an open hold; the next sync acts on it.

    Raises:
        HoldNotFound: no such hold.
        HoldNotOpen: decided or replaced already; an approval never passes on to another set.
    """
    with transaction(engine) as connection:
        row = statements.run(connection, "ops/240_lock_hold", hold_id=hold_id).first()
        if row is None:
            raise HoldNotFound(hold_id)
        if row.state != HoldState.OPEN:
            raise HoldNotOpen(hold_id, row.state)
        statements.run(connection, "ops/250_decide_hold", hold_id=hold_id, state=state.value, decided_by=actor)
        audit.append(
            connection,
            f"hold_{state.value}",
            cause="decision",
            actor=actor,
            run_id=None,
            after={"hold_id": hold_id, "asset_count": row.asset_count, "ids_digest": row.ids_digest},
        )


def decided(connection: Connection, kind: HoldKind) -> list[tuple[HoldId, HoldState]]:
    """Decided holds that nobody acted on yet, oldest first; their rows stay locked until the transaction ends."""
    rows = statements.run(connection, "ops/270_list_approved_holds", kind=kind.value)
    return [(HoldId(row.id), HoldState(row.state)) for row in rows]


def settle(connection: Connection, hold_id: HoldId) -> None:
    """Note that a decided hold was acted on."""
    statements.run(connection, "ops/260_settle_hold", hold_id=hold_id)
