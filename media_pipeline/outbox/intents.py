"""What people decide or ask for by a command; it becomes edits that go the road of any other.

Belongs here: a decided conflict, the return to a time, the deletion of orphans.
Not here: edits by SQL (the trigger of ``media_assets`` records them), files (``push.uploads``).
Tables: writes outbox.conflict, public.media_sync_log, and as a person public.media_assets.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DBAPIError

from media_pipeline import audit
from media_pipeline.db import statements
from media_pipeline.db.engine import retrying, transaction
from media_pipeline.errors import ConflictNotOpen
from media_pipeline.outbox.settling import PolicyOf, reconcile
from media_pipeline.progress import Progress, Silent
from media_pipeline.vocabulary import AssetId, ConflictId, ConflictState

_BATCH: Final = 500


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
    engine: Engine, asset_ids: Sequence[AssetId], at: datetime, *, actor: str
) -> tuple[int, list[tuple[AssetId, str]]]:
    """Record edits that return assets to how they were at a time; they go the road of any edit.

    Returns:
        How many assets were edited, and those that the rules for edits refuse by now, each with the reason.

    Transactions: one for at most 500 assets, as a person and not as the engine.
    """
    reason = f"revert to {at.isoformat()}"
    return _edit(engine, "outbox/300_revert", asset_ids, actor=actor, reason=reason, progress=Silent(), at=at)


def delete_orphans(
    engine: Engine, asset_ids: Sequence[AssetId], unused_days: int, *, actor: str, progress: Progress
) -> tuple[int, list[tuple[AssetId, str]]]:
    """Record the deletion of assets that nothing here wants; it goes the road of any edit.

    Whatever is wanted by now stays: each asset is looked at once more by the statement that deletes it.

    Args:
        unused_days: days for which nothing may have wanted them.

    Returns, Transactions: as ``revert``.
    """
    reason = f"wanted by nothing for {unused_days} days"
    return _edit(
        engine,
        "outbox/310_delete_orphans",
        asset_ids,
        actor=actor,
        reason=reason,
        progress=progress,
        unused_days=unused_days,
    )


def _edit(
    engine: Engine,
    name: str,
    asset_ids: Sequence[AssetId],
    *,
    actor: str,
    reason: str,
    progress: Progress,
    **values: Any,
) -> tuple[int, list[tuple[AssetId, str]]]:
    edited = 0
    refused: list[tuple[AssetId, str]] = []

    def work(batch: Sequence[AssetId]) -> int:
        with transaction(engine, role=None) as connection:
            for setting, value in (("actor", actor), ("reason", reason)):
                connection.execute(select(func.set_config(f"media_pipeline.{setting}", value, True)))
            return len(statements.run(connection, name, asset_ids=list(batch), **values).all())

    progress.advance("record", total=len(asset_ids))
    for start in range(0, len(asset_ids), _BATCH):
        batch = asset_ids[start : start + _BATCH]
        try:
            edited += work(batch)
        except DBAPIError:
            # One that is refused must not keep the others of its batch.
            for asset_id in batch:
                try:
                    edited += work([asset_id])
                except DBAPIError as error:
                    refused.append((asset_id, str(error.orig).partition("\n")[0]))
        progress.advance("record", done=len(batch))
    return edited, refused
