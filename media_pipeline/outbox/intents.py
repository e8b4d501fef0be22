"""What people decide or ask for by a command; it becomes edits that go the road of any other.

Belongs here: a decided conflict, the return to a time.
Not here: edits by SQL (the trigger of ``media_assets`` records them), files (``push.uploads``).
Tables: writes outbox.conflict, public.media_sync_log, and as a person public.media_assets.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DBAPIError

from media_pipeline import audit
from media_pipeline.db import statements
from media_pipeline.db.engine import retrying, transaction
from media_pipeline.errors import ConflictNotOpen
from media_pipeline.outbox.settling import PolicyOf, reconcile
from media_pipeline.vocabulary import AssetId, ConflictId, ConflictState


def resolve(
    engine: Engine, conflict_id: ConflictId, winner: ConflictState, *, actor: str, policy_of: PolicyOf
) -> AssetId:
    """Decide a conflict: with ``local_wins`` our value is pushed over the remote one, else the remote one stays.

    The losing value is kept in the log and in the conflict.

    Raises:
        ConflictNotOpen: there is none, or it was decided before.
    """

    def work(connection: Connection) -> AssetId:
        found = statements.run(
            connection, "outbox/190_resolve_conflict", conflict_id=conflict_id, state=winner.value, resolved_by=actor
        ).first()
        if found is None:
            raise ConflictNotOpen(conflict_id)
        audit.append(
            connection,
            "conflict_resolved",
            cause="decision",
            actor=actor,
            run_id=None,
            after={
                "conflict_id": conflict_id,
                "asset_id": found.asset_id,
                "field": found.field,
                "key": found.key,
                "winner": winner.value,
                "base": found.base,
                "local": found.local,
                "remote": found.remote,
            },
        )
        if winner is ConflictState.LOCAL_WINS:
            statements.run(connection, "outbox/195_record_again", conflict_id=conflict_id, actor=actor)
        reconcile(connection, [AssetId(found.asset_id)], policy_of, run_id=None, cause="decision", actor=actor)
        return AssetId(found.asset_id)

    return retrying(engine, work)


def revert(
    engine: Engine, asset_ids: Sequence[AssetId], at: datetime, *, actor: str, batch_size: int = 500
) -> tuple[int, list[tuple[AssetId, str]]]:
    """Record edits that return assets to how they were at a time; they go the road of any edit.

    Returns:
        How many assets were edited, and those that the rules for edits refuse by now, each with the reason.

    Transactions: one for at most *batch_size* assets, as a person and not as the engine.
    """
    edited = 0
    refused: list[tuple[AssetId, str]] = []
    for start in range(0, len(asset_ids), batch_size):
        batch = asset_ids[start : start + batch_size]
        try:
            edited += _revert(engine, batch, at, actor)
        except DBAPIError:
            for asset_id in batch:
                try:
                    edited += _revert(engine, [asset_id], at, actor)
                except DBAPIError as error:
                    refused.append((asset_id, str(error.orig).partition("\n")[0]))
    return edited, refused


def _revert(engine: Engine, asset_ids: Sequence[AssetId], at: datetime, actor: str) -> int:
    with transaction(engine, role=None) as connection:
        for name, value in (("actor", actor), ("reason", f"revert to {at.isoformat()}")):
            connection.execute(select(func.set_config(f"media_pipeline.{name}", value, True)))
        return len(statements.run(connection, "outbox/300_revert", at=at, asset_ids=list(asset_ids)).all())
