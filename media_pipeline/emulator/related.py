"""Relations between assets, always in both directions.

Belongs here: relating, unrelating, showing. Not here: the rest of a detail, see details.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from media_pipeline.emulator import assets, notices
from media_pipeline.emulator.assets import RESOURCE_TYPES, Asset
from media_pipeline.emulator.cursors import Cursors
from media_pipeline.emulator.documents import Document
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.params import Params

_CALL_LIMIT = 10
_PAGE_LIMIT = 100
_PARTS = 3

Finder = Callable[[sqlite3.Connection], Asset]


def relate(library: Library, params: Params, find: Finder, by_asset_id: bool) -> Document:
    """Relate an asset to up to ten others; each outcome is told by itself.

    Raises:
        ApiError: 404 for an unknown asset of the address, 400 for no or too many others.
    """
    names = params.required_strings("assets_to_relate", _CALL_LIMIT)
    with library.store.write() as db:
        asset = find(db)
        outcomes = [_relate(db, asset, name, by_asset_id) for name in names]
        _notify(library, db, "add", asset, outcomes)
    return _told(outcomes, "success", by_asset_id)


def unrelate(library: Library, params: Params, find: Finder, by_asset_id: bool) -> Document:
    """End relations of an asset to up to ten others.

    Raises:
        ApiError: As `relate`.
    """
    names = params.required_strings("assets_to_unrelate", _CALL_LIMIT)
    with library.store.write() as db:
        asset = find(db)
        outcomes = [_unrelate(db, asset, name, by_asset_id) for name in names]
        _notify(library, db, "delete", asset, outcomes)
    return _told(outcomes, "deleted", by_asset_id)


def shown(library: Library, db: sqlite3.Connection, asset: Asset, params: Params) -> Document:
    """The ``related_assets`` member of a detail, a hundred at a time."""
    cursors = Cursors(library.config.api_secret, f"related/{asset.asset_id}", {})
    (after,) = cursors.open(params.text("related_next_cursor")) or ("",)
    rows = db.execute(
        "SELECT other_id, public_id, resource_type, type FROM related JOIN asset ON asset.asset_id = other_id"
        " WHERE related.asset_id = ? AND other_id > ? ORDER BY other_id LIMIT ?",
        (asset.asset_id, after, _PAGE_LIMIT + 1),
    ).fetchall()
    names = ("asset_id", "public_id", "resource_type", "type")
    found: Document = {"related_assets": [dict(zip(names, row, strict=True)) for row in rows[:_PAGE_LIMIT]]}
    if len(rows) > _PAGE_LIMIT:
        found["related_next_cursor"] = cursors.seal(rows[_PAGE_LIMIT - 1][0])
    return found


_Outcome = tuple[str, str, str, int]


def _relate(db: sqlite3.Connection, asset: Asset, name: str, by_asset_id: bool) -> _Outcome:
    other, refusal = _other(db, asset, name, by_asset_id)
    if other is None:
        return refusal
    added = db.execute("INSERT INTO related VALUES (?, ?) ON CONFLICT DO NOTHING", (asset.asset_id, other.asset_id))
    db.execute("INSERT INTO related VALUES (?, ?) ON CONFLICT DO NOTHING", (other.asset_id, asset.asset_id))
    if not added.rowcount:
        return name, "already exists", "already_exists_ids", 409
    return name, "success", "success_ids", 200


def _unrelate(db: sqlite3.Connection, asset: Asset, name: str, by_asset_id: bool) -> _Outcome:
    other, refusal = _other(db, asset, name, by_asset_id)
    if other is None:
        return refusal
    both = (asset.asset_id, other.asset_id)
    ended = db.execute("DELETE FROM related WHERE (asset_id, other_id) IN ((?1, ?2), (?2, ?1))", both)
    if not ended.rowcount:
        return name, "relation does not exist", "relation_does_not_exist_ids", 404
    return name, "success", "success_ids", 200


def _other(db: sqlite3.Connection, asset: Asset, name: str, by_asset_id: bool) -> tuple[Asset | None, _Outcome]:
    """The asset a name means, or why there is none to relate to."""
    if by_asset_id:
        other = assets.find_by_asset_id(db, name)
    else:
        parts = name.split("/", _PARTS - 1)
        if len(parts) != _PARTS or parts[0] not in RESOURCE_TYPES:
            return None, (name, "invalid", "invalid_ids", 400)
        other = assets.find(db, parts[0], parts[1], parts[2])
    if other is None:
        return None, (name, "does not exist", "non_existing_ids", 404)
    if other.asset_id == asset.asset_id:
        return None, (name, "an asset cannot be related to itself", "invalid_relate_to_self_id", 400)
    return other, (name, "", "", 0)


def _notify(library: Library, db: sqlite3.Connection, action: str, asset: Asset, outcomes: list[_Outcome]) -> None:
    succeeded = sum(code == "success_ids" for _, _, code, _ in outcomes)
    notice = notices.related(action, asset, succeeded, len(outcomes) - succeeded)
    library.notifications.post(db, notice)


def _told(outcomes: list[_Outcome], success: str, by_asset_id: bool) -> Document:
    key = "asset_id" if by_asset_id else "asset"
    answer: dict[str, list[Document]] = {"failed": [], success: []}
    for name, message, code, status in outcomes:
        told: Document = {"message": message, "code": code, key: name, "status": status}
        answer[success if code == "success_ids" else "failed"].append(told)
    return dict(answer)
