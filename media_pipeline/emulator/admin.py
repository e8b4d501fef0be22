"""Admin calls on single assets and sets of them: detail, update, delete, restore, usage, config.

Belongs here: which assets a call names, limits and the shape of the answer. Not here: lists, see listing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from media_pipeline.emulator import assets, backups, cause, delete_tokens, derived, notices
from media_pipeline.emulator.assets import Asset
from media_pipeline.emulator.clock import zulu
from media_pipeline.emulator.cursors import Cursors
from media_pipeline.emulator.documents import Document
from media_pipeline.emulator.errors import bad_request, invalid_value, missing
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.listing import check_resource_type
from media_pipeline.emulator.params import Params
from media_pipeline.emulator.store import fact

Finder = Callable[[sqlite3.Connection], Asset]

_DELETE_LIMIT = 100
_VERSIONS_LIMIT = 1000
_RESTORE_LIMIT = 100
_NO_LIMIT = 10**9


def resource_types(library: Library) -> Document:
    """The resource types in use."""
    with library.store.read() as db:
        used = [
            kind
            for kind in assets.RESOURCE_TYPES
            if db.execute("SELECT 1 FROM asset WHERE resource_type = ? LIMIT 1", (kind,)).fetchone()
        ]
    return {"resource_types": used}


def destroy(library: Library, find: Callable[[sqlite3.Connection], Asset | None]) -> Document:
    """The Upload API's deletion of one asset; an unknown one is no error."""
    with library.store.write() as db:
        asset = find(db)
        if asset is None or not backups.delete(library, db, asset):
            return {"result": "not found"}
        library.notifications.post(db, notices.removed("delete", [asset]))
    if library.config.folder_mode == "dynamic":
        return {"result": "ok", "asset_folder": asset.asset_folder}
    return {"result": "ok"}


def delete_slice(library: Library, params: Params, resource_type: str, type_: str) -> Document:
    """Delete by ``public_ids`` (at most 100), by ``prefix``, or ``all``."""
    check_resource_type(resource_type)
    slice_ = "resource_type = ? AND type = ?"
    if params.strings("public_ids"):
        ids = params.required_strings("public_ids", _DELETE_LIMIT)
        with library.store.write() as db:
            named = {name: assets.find(db, resource_type, type_, name) for name in ids[: _fault_limit()]}
            return _deleted(library, db, params, named) | _rest(library, ids)
    prefix = params.text("prefix")
    if prefix:
        values = (resource_type, type_, prefix, prefix + "\U0010ffff")
        return _sweep(library, params, f"{slice_} AND public_id >= ? AND public_id < ?", values)
    if params.flag("all"):
        return _sweep(library, params, slice_, (resource_type, type_))
    raise missing("public_ids")


def delete_tagged(library: Library, params: Params, resource_type: str, tag: str) -> Document:
    """Delete every asset of a resource type that has a tag, up to the limit of a call."""
    check_resource_type(resource_type)
    condition = "seq IN (SELECT seq FROM asset_tag WHERE resource_type = ? AND tag = ?)"
    return _sweep(library, params, condition, (resource_type, tag))


def delete_by_asset_ids(library: Library, params: Params) -> Document:
    """Delete by asset id; the answer is keyed by public id, unknown ids stand for themselves."""
    ids = params.required_strings("asset_ids", _DELETE_LIMIT)
    with library.store.write() as db:
        found = {asset_id: assets.find_by_asset_id(db, asset_id) for asset_id in ids[: _fault_limit()]}
        named = {a.public_id if a else key: a for key, a in found.items()}
        return _deleted(library, db, params, named, found.values()) | _rest(library, ids)


def delete_derived(library: Library, params: Params) -> Document:
    """Delete derived assets by their own ids; unknown ids are no error."""
    ids = params.required_strings("derived_resource_ids", _DELETE_LIMIT)
    with library.store.write() as db:
        gone = {id_: db.execute("DELETE FROM derived WHERE id = ?", (id_,)).rowcount > 0 for id_ in dict.fromkeys(ids)}
    return {"deleted": {id_: "deleted" if was_there else "not_found" for id_, was_there in gone.items()}}


def delete_by_token(library: Library, params: Params) -> Document:
    """Delete the asset a delete token is for.

    Raises:
        ApiError: 400 for a token that is unknown, used or expired.
    """
    with library.store.write() as db:
        asset_id = delete_tokens.redeem(db, params.required("token"), library.now())
        asset = asset_id and assets.find_by_asset_id(db, asset_id)
        if not asset:
            raise bad_request("Invalid token")
        backups.delete(library, db, asset)
        library.notifications.post(db, notices.removed("delete_by_token", [asset]))
    return {"result": "ok"}


def delete_backups(library: Library, params: Params, asset_id: str) -> Document:
    """Delete backed-up versions for good; versions that were not there are ``failures``."""
    version_ids = params.required_strings("version_ids", _VERSIONS_LIMIT)
    with library.store.write() as db:
        asset = assets.get_by_asset_id(db, asset_id)
        gone = backups.delete_versions(library, db, asset, version_ids)
    answer: Document = {"asset_id": asset_id, "deleted_version_ids": gone}
    failures = [{"version_id": v, "error": "not_found"} for v in version_ids if v not in gone]
    return answer | {"failures": failures} if failures else answer


def restore_by_public_ids(library: Library, params: Params, resource_type: str, type_: str) -> Document:
    """Restore up to 100 assets; the answer is keyed by public id."""
    ids, version_ids = _restore_arguments(params, "public_ids")
    with library.store.write() as db:
        found = {name: assets.find(db, resource_type, type_, name) for name in ids}
        return _restored(library, db, found, version_ids)


def restore_by_asset_ids(library: Library, params: Params) -> Document:
    """Restore up to 100 assets; the answer is keyed by asset id."""
    ids, version_ids = _restore_arguments(params, "asset_ids")
    with library.store.write() as db:
        found = {name: assets.find_by_asset_id(db, name) for name in ids}
        return _restored(library, db, found, version_ids)


def config(library: Library, params: Params) -> Document:
    """The cloud's name and age; its settings only on request."""
    with library.store.read() as db:
        created_at = zulu(int(fact(db, "created_at") or 0))
    answer: Document = {"cloud_name": library.config.cloud_name, "created_at": created_at}
    if params.flag("settings"):
        answer["settings"] = {"folder_mode": library.config.folder_mode}
    return answer


def usage(library: Library, day: str | None, requests: int) -> Document:
    """Usage figures; those of a past day lack limits."""
    now = library.now()
    if day is not None:
        try:
            asked = datetime.strptime(day, "%d-%m-%Y").replace(tzinfo=UTC)
        except ValueError:
            raise invalid_value(day, "date") from None
        if asked.timestamp() > now:
            raise invalid_value(day, "date")
    today = datetime.fromtimestamp(now, UTC).date().isoformat()
    with library.store.read() as db:
        objects, stored = db.execute("SELECT count(*), coalesce(sum(bytes), 0) FROM asset").fetchone()
        (derived_count,) = db.execute("SELECT count(*) FROM derived").fetchone()

    def figure(used: int, spent: float) -> Document:
        return {"usage": used, "credits_usage": spent}

    answer: Document = {
        "plan": "Emulator",
        "last_updated": today,
        "date_requested": zulu(now) if day is None else asked.strftime("%Y-%m-%dT00:00:00Z"),
        "transformations": figure(0, 0.0),
        "objects": {"usage": objects},
        "bandwidth": figure(0, 0.0),
        "storage": figure(stored, round(stored / 2**30, 2)),
        "impressions": figure(0, 0.0),
        "seconds_delivered": figure(0, 0.0),
        "credits": {"usage": round(stored / 2**30, 2)},
        "requests": requests,
        "resources": objects,
        "derived_resources": derived_count,
        "media_limits": {
            "image_max_size_bytes": 10_485_760,
            "video_max_size_bytes": 104_857_600,
            "raw_max_size_bytes": 10_485_760,
            "image_max_px": 25_000_000,
            "asset_max_total_px": 50_000_000,
        },
    }
    if day is None:
        answer["credits"] = {"usage": round(stored / 2**30, 2), "limit": 25.0, "used_percent": 0.0}
    return answer


def by_public_id(resource_type: str, type_: str, public_id: str) -> Finder:
    """A finder by natural key; a missing asset is a 404."""
    check_resource_type(resource_type)
    return lambda db: assets.get(db, resource_type, type_, public_id)


def by_asset_id(asset_id: str) -> Finder:
    """A finder by asset id; a missing asset is a 404."""
    return lambda db: assets.get_by_asset_id(db, asset_id)


def _restored(
    library: Library, db: sqlite3.Connection, found: dict[str, Asset | None], version_ids: dict[str, str]
) -> Document:
    answer: Document = {}
    back = []
    for name, asset in found.items():
        told = answer[name] = backups.restore(library, db, asset, version_ids.get(name))
        if asset is not None and "error" not in told:
            back.append(asset)
    if back:
        library.notifications.post(db, notices.removed("restore_asset_version", back))
    return answer


def _restore_arguments(params: Params, name: str) -> tuple[list[str], dict[str, str]]:
    ids = params.required_strings(name, _RESTORE_LIMIT)
    version_ids = params.strings("versions")
    if version_ids and len(version_ids) != len(ids):
        raise bad_request(f"versions must have as many members as {name}")
    return ids, dict(zip(ids, version_ids, strict=False))


def _deleted(
    library: Library,
    db: sqlite3.Connection,
    params: Params,
    named: dict[str, Asset | None],
    every: Iterable[Asset | None] | None = None,
) -> Document:
    """Delete and answer; `every` holds assets whose names collide in `named`."""
    transformations = derived.names_of(params.text("transformations"))
    keep = params.flag("keep_original") or bool(transformations)
    results = dict.fromkeys(named, "not_found")
    gone: list[Asset] = []
    counts: dict[str, Document] = {name: {"original": 0, "derived": 0} for name in named}
    for asset in every if every is not None else named.values():
        if asset is None or asset.status == "deleted":
            continue
        count = derived.delete_of(db, asset, transformations)
        if keep or backups.delete(library, db, asset):
            results[asset.public_id] = "deleted"
            counts[asset.public_id] = {"original": 0 if keep else 1, "derived": count}
            gone.append(asset)
    if gone and not keep:
        library.notifications.post(db, notices.removed("delete", gone))
    return {"deleted": results, "deleted_counts": counts, "partial": False}


def _fault_limit() -> int:
    limit = cause.current().delete_limit
    return _NO_LIMIT if limit is None else limit


def _rest(library: Library, ids: list[str]) -> Document:
    """What an answer says when a fault left ids undone."""
    if len(ids) <= _fault_limit():
        return {}
    cursors = Cursors(library.config.api_secret, "delete", {"ids": ids})
    return {"partial": True, "next_cursor": cursors.seal(_fault_limit())}


def _sweep(library: Library, params: Params, condition: str, values: tuple[object, ...]) -> Document:
    """Delete originals where a condition holds; more than the limit leave ``partial`` and a cursor."""
    limit = min(library.settings.delete_limit, _fault_limit())
    cursors = Cursors(library.config.api_secret, condition, {"values": values})
    (after,) = cursors.open(params.text("next_cursor")) or (0,)
    with library.store.write() as db:
        ordered = f"{condition} AND status = 'active' AND seq > ? ORDER BY seq LIMIT ?"
        found = list(assets.select(db, ordered, (*values, after, limit + 1)))
        chosen = found[:limit]
        answer = _deleted(library, db, params, {a.public_id: a for a in chosen}, chosen)
    if len(found) > limit:
        answer |= {"partial": True, "next_cursor": cursors.seal(chosen[-1].seq if chosen else after)}
    return answer
