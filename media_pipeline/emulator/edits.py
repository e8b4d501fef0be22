"""Changes that keep the bytes: tags, context, metadata, names, folders, access, moderation, rename.

Belongs here: explicit, update, rename and the tags, context and metadata actions. Not here: new bytes, see uploads.
"""

# ruff: noqa: S608 -- statements are put together from names this package writes itself; values are bound.

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from media_pipeline.emulator import (
    analysis,
    assets,
    backups,
    cause,
    coordinates,
    derived,
    details,
    folders,
    metadata_fields,
    notices,
)
from media_pipeline.emulator.assets import Asset
from media_pipeline.emulator.clock import zulu
from media_pipeline.emulator.derived import Prepared
from media_pipeline.emulator.documents import Document
from media_pipeline.emulator.encoding import parse_access_control, parse_context, parse_pairs, parse_tags
from media_pipeline.emulator.errors import ApiError, asset_not_found, bad_request, invalid_value, missing
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.naming import check_display_name, check_folder, check_public_id, random_suffix
from media_pipeline.emulator.params import Params

_OPERATIONS_LIMIT = 1000
_MODERATION_RESULTS = ("approved", "rejected")


def apply(library: Library, db: sqlite3.Connection, asset: Asset, params: Params) -> None:
    """Put what a call says of tags, context, metadata, access and moderation on an asset; the caller saves it.

    What is named replaces what was there (metadata: per field); an empty value empties it. Times move only
    for aspects that really changed.
    """
    if "tags" in params:
        set_aspect(library, asset, "tags", parse_tags(params["tags"]))
    if "context" in params:
        set_aspect(library, asset, "context", parse_context(params["context"]))
    if params.values.get("metadata"):
        given = parse_pairs(params["metadata"], "metadata")
        known = metadata_fields.definitions(db)
        values = metadata_fields.merged(known, asset.metadata, given, params.flag("clear_invalid"))
        set_aspect(library, asset, "metadata", values)
    if params.values.get("access_control") not in (None, ""):
        set_aspect(library, asset, "access_control", parse_access_control(params["access_control"]))
    if params.text("moderation"):
        _ask_for_moderation(library, asset, params.required("moderation"))


def set_aspect(library: Library, asset: Asset, aspect: str, value: object) -> None:
    """Set an aspect of an asset; its time moves only if the value is another one."""
    if getattr(asset, aspect) != value:
        setattr(asset, aspect, value)
        asset.touch(library.now(), aspect)


def explicit(library: Library, params: Params, resource_type: str) -> Document:
    """Change an asset named by public id; with nothing but the name it changes nothing.

    Raises:
        ApiError: 404 for an unknown asset, 400 without ``type``.
    """
    public_id, type_ = params.required("public_id"), params.required("type")
    analysis.check_upload(params)
    with library.store.read() as db:
        original = assets.get(db, resource_type, type_, public_id)
    prepared = derived.prepare(library, params.text("eager"), resource_type, original.original, original.format)
    with library.store.write() as db:
        asset = assets.get(db, resource_type, type_, public_id)
        _edit(library, db, asset, params)
        if asset.original == original.original:
            derived.keep(library, db, asset, prepared)
        extra = details.asked_for(library, db, asset, params)
        if prepared:
            extra["eager"] = eager(library, db, asset, prepared, params)
    return library.documents.uploaded(asset, **extra)


def eager(
    library: Library, db: sqlite3.Connection, asset: Asset, prepared: Sequence[Prepared], params: Params
) -> list[Document]:
    """The ``eager`` member of an answer; items of an asynchronous call are told by a notification of their own."""
    origin = cause.current()
    items = derived.eager_items(library, asset, prepared, None)
    is_async = params.flag("eager_async")
    if is_async or origin.eager_notification_url:
        url = origin.eager_notification_url
        library.notifications.post(db, notices.eager(asset, items, origin.batch_id), url=url)
    return derived.eager_items(library, asset, prepared, origin.batch_id) if is_async else items


def update(library: Library, params: Params, find: Callable[[sqlite3.Connection], Asset]) -> Document:
    """The Admin API's update; answers the detail.

    Raises:
        ApiError: 404 for an unknown asset, 400 for a value that breaks the rules.
    """
    analysis.check_update(params)
    with library.store.write() as db:
        asset = find(db)
        status = params.text("moderation_status")
        if status:
            _decide_moderation(library, db, asset, status)
            url = library.documents.base_url + library.documents.delivery_path(asset)
            library.notifications.post(db, notices.moderated(asset, url))
        _edit(library, db, asset, params)
        return details.detail(library, db, asset, params)


def _edit(library: Library, db: sqlite3.Connection, asset: Asset, params: Params) -> None:
    before = replace(asset)
    apply(library, db, asset, params)
    place(library, db, asset, params, params.text("asset_folder") or "" if "asset_folder" in params else None)
    library.save(db, asset)
    coordinates.save(db, asset, coordinates.given(params))
    _tell(library, db, [(before, asset)])


def _tell(library: Library, db: sqlite3.Connection, changes: Sequence[notices.Change]) -> None:
    library.notifications.post(db, *notices.changed(changes))


def place(library: Library, db: sqlite3.Connection, asset: Asset, params: Params, folder: str | None) -> None:
    """Move an asset to a folder (None leaves it) and give it the display name of the call; dynamic mode only."""
    if library.config.folder_mode == "fixed":
        return
    if folder is not None:
        path = folders.ensure(db, check_folder(folder), library.now())
        if path != asset.asset_folder:
            asset.asset_folder = path
            asset.touch(library.now())
    name = params.text("display_name")
    if name and name != asset.display_name:
        asset.display_name = display_name(db, asset, name, params.flag("unique_display_name"))
        asset.touch(library.now())


def display_name(db: sqlite3.Connection, asset: Asset, name: str, unique: bool) -> str:
    """A valid display name, with a suffix if it must be unique in its folder and is not."""
    check_display_name(name)
    others = "folder_key = ? AND display_name = ? AND asset_id <> ? LIMIT 1"
    taken = unique and any(assets.select(db, others, (asset.asset_folder.casefold(), name, asset.asset_id)))
    return f"{name}_{random_suffix()}" if taken else name


def rename(library: Library, params: Params, resource_type: str) -> Document:
    """Give an asset another public id or delivery type.

    Raises:
        ApiError: 404 for an unknown asset, 400 if the name is taken and may not be overwritten.
    """
    type_ = params.text("type") or "upload"
    source, target = params.required("from_public_id"), check_public_id(params.required("to_public_id"))
    to_type = params.text("to_type") or type_
    with library.store.write() as db:
        asset = assets.get(db, resource_type, type_, source)
        if asset.placeholder:
            raise asset_not_found(source)
        other = assets.find(db, resource_type, to_type, target)
        if other and other.asset_id != asset.asset_id:
            if other.status == "active" and not params.flag("overwrite"):
                raise bad_request(f"to_public_id {target} already exists")
            assets.remove(db, other)
        if (asset.public_id, asset.type) != (target, to_type):
            asset.public_id, asset.type = target, to_type
            if library.config.folder_mode == "fixed":
                asset.asset_folder = folders.ensure(db, target.rpartition("/")[0], library.now())
            asset.touch(library.now(), "public_id")
            library.save(db, asset)
            library.notifications.post(db, notices.renamed(asset, source))
    return library.documents.renamed(asset, params.flag("context"), params.flag("metadata"))


def change_tags(library: Library, params: Params, resource_type: str) -> Document:
    """Commands ``add``, ``remove``, ``replace``, ``remove_all``, ``set_exclusive`` on up to 1000 ids times tags."""
    command = params.required("command")
    tags = parse_tags(params.values.get("tag") or "")
    if not tags and command != "remove_all":
        raise missing("tag")
    ids = params.required_strings("public_ids", _OPERATIONS_LIMIT)
    if len(ids) * max(1, len(tags)) > _OPERATIONS_LIMIT:
        raise bad_request(f"Too many operations: at most {_OPERATIONS_LIMIT} ids times tags in one call")

    def changed(current: list[str]) -> list[str]:
        match command:
            case "add" | "set_exclusive":
                return parse_tags(current + tags)
            case "remove":
                return [tag for tag in current if tag not in tags]
            case "replace":
                return tags
            case "remove_all":
                return []
            case _:
                raise invalid_value(command, "command")

    with library.store.write() as db:
        found = _named(db, params, resource_type, ids)
        changes = [(replace(asset), asset) for asset in found]
        for asset in found:
            set_aspect(library, asset, "tags", changed(asset.tags))
            library.save(db, asset)
        if command == "set_exclusive":
            changes += _take_tags_from_others(library, db, resource_type, tags, {asset.asset_id for asset in found})
        _tell(library, db, changes)
    return {"public_ids": [asset.public_id for asset in found]}


def change_context(library: Library, params: Params, resource_type: str) -> Document:
    """Commands ``add`` (merges per key) and ``remove_all``."""
    command = params.required("command")
    if command not in ("add", "remove_all"):
        raise invalid_value(command, "command")
    if command == "add" and "context" not in params:
        raise missing("context")
    given = parse_context(params["context"]) if command == "add" else {}
    ids = params.required_strings("public_ids", _OPERATIONS_LIMIT)
    with library.store.write() as db:
        found = _named(db, params, resource_type, ids)
        changes = [(replace(asset), asset) for asset in found]
        for asset in found:
            set_aspect(library, asset, "context", asset.context | given if command == "add" else {})
            library.save(db, asset)
        _tell(library, db, changes)
    return {"public_ids": [asset.public_id for asset in found]}


def change_metadata(library: Library, params: Params, resource_type: str) -> Document:
    """Set the same values of structured metadata on several assets, per field."""
    given = parse_pairs(params.required("metadata"), "metadata")
    ids = params.required_strings("public_ids", _OPERATIONS_LIMIT)
    with library.store.write() as db:
        known = metadata_fields.definitions(db)
        found = _named(db, params, resource_type, ids)
        changes = [(replace(asset), asset) for asset in found]
        for asset in found:
            values = metadata_fields.merged(known, asset.metadata, given, params.flag("clear_invalid"))
            set_aspect(library, asset, "metadata", values)
            library.save(db, asset)
        _tell(library, db, changes)
    return {"public_ids": [asset.public_id for asset in found]}


def _named(db: sqlite3.Connection, params: Params, resource_type: str, ids: Iterable[str]) -> list[Asset]:
    """The assets of given ids that are there; unknown ids are silently missing."""
    type_ = params.text("type") or "upload"
    found = (assets.find(db, resource_type, type_, public_id) for public_id in dict.fromkeys(ids))
    return [asset for asset in found if asset and asset.status == "active"]


def _take_tags_from_others(
    library: Library, db: sqlite3.Connection, resource_type: str, tags: list[str], keep: set[str]
) -> list[notices.Change]:
    marks = ", ".join("?" * len(tags))
    condition = f"seq IN (SELECT seq FROM asset_tag WHERE resource_type = ? AND tag IN ({marks}))"
    others = [a for a in assets.select(db, condition, (resource_type, *tags)) if a.asset_id not in keep]
    changes = [(replace(asset), asset) for asset in others]
    for asset in others:
        set_aspect(library, asset, "tags", [tag for tag in asset.tags if tag not in tags])
        library.save(db, asset)
    return changes


def _ask_for_moderation(library: Library, asset: Asset, kinds: str) -> None:
    now = library.now()
    states = ["pending"] + ["queued"] * kinds.count("|")
    asset.moderation = [{"status": s, "kind": kind} for s, kind in zip(states, kinds.split("|"), strict=True)]
    asset.touch(now)


def _decide_moderation(library: Library, db: sqlite3.Connection, asset: Asset, status: str) -> None:
    """A person's verdict: a rejected asset becomes a placeholder, an approved one comes back from its backup."""
    if status not in _MODERATION_RESULTS:
        raise invalid_value(status, "moderation_status")
    now = library.now()
    decided: Document = {"kind": "manual", "status": status, "updated_at": zulu(now)}
    asset.moderation = [*(m for m in asset.moderation if m.get("kind") != "manual"), decided]
    if status == "rejected" and not asset.placeholder:
        backups.save_version(db, asset)
        asset.placeholder, asset.bytes, asset.original = True, 0, None
    elif status == "approved" and asset.placeholder:
        answer = backups.restore(library, db, asset, asset.version_id)
        if "error" in answer:
            raise ApiError(400, f"Resource {asset.public_id} has no backup to approve")
    asset.touch(now)
