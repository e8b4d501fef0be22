"""The upload action: which name new bytes get, and what they do to an asset that has it already.

Belongs here: upload. Not here: changes without bytes, see edits; reading files, see probes.
"""

from __future__ import annotations

import io
import sqlite3
from dataclasses import dataclass

from media_pipeline.emulator import (
    analysis,
    assets,
    backups,
    coordinates,
    delete_tokens,
    derivation,
    derived,
    details,
    edits,
    folders,
    metadata_fields,
    named_transformations,
    notices,
)
from media_pipeline.emulator.assets import Asset
from media_pipeline.emulator.documents import Document
from media_pipeline.emulator.errors import bad_request, invalid_value
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.naming import (
    check_folder,
    check_public_id,
    public_id_of_filename,
    random_hex,
    random_public_id,
    random_suffix,
    split_filename,
)
from media_pipeline.emulator.originals import StoredFile
from media_pipeline.emulator.params import Params
from media_pipeline.emulator.parts import Span
from media_pipeline.emulator.probes import Facts, probe
from media_pipeline.emulator.transformations import ordered

DELIVERY_TYPES = ("upload", "private", "authenticated")


@dataclass(frozen=True, slots=True)
class Arrival:
    """Bytes on disk, the name they came with and what they are."""

    file: StoredFile
    filename: str
    facts: Facts


def delivery_type(params: Params, name: str = "type") -> str:
    """The delivery type a call names, ``upload`` if none.

    Raises:
        ApiError: 400 for one that cannot be uploaded to.
    """
    value = params.text(name) or "upload"
    if value not in DELIVERY_TYPES:
        raise invalid_value(value, name)
    return value


def upload(library: Library, params: Params, arrival: Arrival) -> Document:
    """Store bytes under a new name, or over the asset that has the name.

    Raises:
        ApiError: 400 for parameters that break the rules.
    """
    analysis.check_upload(params)
    _check_format(params, arrival.facts)
    arrival = _transformed(library, params, arrival)
    facts, type_ = arrival.facts, delivery_type(params)
    prepared = derived.prepare(library, params.text("eager"), facts.resource_type, arrival.file.digest, facts.format)
    regions = coordinates.given(params)
    filename = params.text("filename_override") or arrival.filename
    public_id, folder = _name_and_folder(library, params, filename, facts.resource_type)
    with library.store.write() as db:
        existing = assets.find(db, facts.resource_type, type_, public_id)
        extra: dict[str, object] = {}
        if existing and not existing.placeholder and not params.flag("overwrite", default=True):
            return _told(library, db, library.documents.uploaded(existing, existing=True))
        asset = take(library, db, arrival, type_, public_id)
        if existing is None:
            asset.asset_folder = folders.ensure(db, folder or "", library.now())
            asset.display_name = _display_name(db, params, asset, filename)
        else:
            extra["overwritten"] = True
            edits.place(library, db, asset, params, folder)
        if not params.flag("discard_original_filename") and filename:
            stem, extension = split_filename(filename)
            asset.original_filename = extra["original_filename"] = stem
            if extension:
                extra["original_extension"] = extension
        edits.apply(library, db, asset, params)
        metadata_fields.check_mandatory(metadata_fields.definitions(db), asset.metadata)
        if params.flag("backup", default=library.settings.backup):
            backups.save_version(db, asset)
        library.save(db, asset)
        derived.keep(library, db, asset, prepared)
        coordinates.save(db, asset, coordinates.clipped(regions, asset))
        if params.flag("return_delete_token"):
            extra["delete_token"] = delete_tokens.issue(db, asset, library.now())
        extra |= details.asked_for(library, db, asset, params)
        if prepared:
            extra["eager"] = edits.eager(library, db, asset, prepared, params)
        return _told(library, db, library.documents.uploaded(asset, **extra))


def _told(library: Library, db: sqlite3.Connection, answer: Document) -> Document:
    library.notifications.post(db, notices.answered("upload", answer))
    return answer


def _transformed(library: Library, params: Params, arrival: Arrival) -> Arrival:
    """The bytes after the incoming transformation and conversion; they take the place of those that came.

    Raises:
        ApiError: 400 if they are no raster picture.
    """
    text, format_ = params.text("transformation"), params.text("format")
    if arrival.facts.resource_type != "image" or not (text or format_):
        return arrival
    with library.store.read() as db:
        steps = named_transformations.resolved(db, ordered(text or ""))
    picture = derivation.derive(arrival.file.path, steps, format_, arrival.facts.format)
    file = library.originals.receive(io.BytesIO(picture.data))
    return Arrival(file, arrival.filename, probe(file.path, f"x.{picture.format}", "image"))


def take(library: Library, db: sqlite3.Connection, arrival: Arrival, type_: str, public_id: str) -> Asset:
    """The asset of a name with the bytes that came: a new one, or the one there with a new version.

    Identical bytes change nothing. The caller saves the asset.
    """
    asset = assets.find(db, arrival.facts.resource_type, type_, public_id)
    if asset is None:
        return _new(library, db, arrival, type_, public_id)
    if asset.placeholder or asset.etag != arrival.file.etag:
        _replace(library, db, asset, arrival)
    return asset


def _new(library: Library, db: sqlite3.Connection, arrival: Arrival, type_: str, public_id: str) -> Asset:
    now, facts = library.now(), arrival.facts
    asset = Asset(
        resource_type=facts.resource_type,
        type=type_,
        public_id=public_id,
        created_at=now,
        uploaded_at=now,
        version=now,
        etag=arrival.file.etag,
        bytes=arrival.file.size_bytes,
        display_name=public_id.rpartition("/")[2],
    )
    _take_facts(asset, arrival)
    asset.metadata = metadata_fields.defaults(metadata_fields.definitions(db))
    asset.touch(now, "public_id", *(("metadata",) if asset.metadata else ()))
    return asset


def _replace(library: Library, db: sqlite3.Connection, asset: Asset, arrival: Arrival) -> None:
    """Other bytes: a new version under the old asset id and time of creation."""
    now = library.now()
    asset.version = asset.uploaded_at = library.next_version(asset)
    asset.version_id = random_hex()
    asset.status, asset.placeholder = "active", False
    _take_facts(asset, arrival)
    derived.delete_of(db, asset)
    if not library.settings.keep_metadata_on_overwrite:
        cleared = [aspect for aspect in ("tags", "context", "metadata") if getattr(asset, aspect)]
        asset.tags, asset.context = [], {}
        asset.metadata = metadata_fields.defaults(metadata_fields.definitions(db))
        asset.touch(now, *cleared)
    asset.touch(now)


def _take_facts(asset: Asset, arrival: Arrival) -> None:
    facts = arrival.facts
    asset.etag, asset.bytes, asset.original = arrival.file.etag, arrival.file.size_bytes, arrival.file.digest
    asset.format, asset.width, asset.height = facts.format, facts.width, facts.height
    asset.duration, asset.pages, asset.media = facts.duration, facts.pages, dict(facts.media)


def _check_format(params: Params, facts: Facts) -> None:
    allowed = params.strings("allowed_formats", split=True)
    if allowed and facts.format not in allowed and not params.text("format"):
        raise bad_request(f"{facts.resource_type.capitalize()} file format {facts.format} not allowed")


def partial(params: Params, filename: str, resource_type: str, part: Span) -> Document:
    """The answer to a part that is not the last; later parts repeat its public id."""
    return {
        "done": False,
        "bytes": part.last + 1,
        "kind": "upload",
        "resource_type": resource_type,
        "public_id": _name(params, params.text("filename_override") or filename, resource_type),
    }


def _name(params: Params, filename: str, resource_type: str) -> str:
    """The name a call gives or asks for, without a prefix."""
    name = params.text("public_id") or ""
    if name.strip():
        return name
    if params.flag("use_filename") and filename:
        name = public_id_of_filename(filename)
        if params.flag("unique_filename", default=True):
            name += f"_{random_suffix()}"
    else:
        name = random_public_id()
    # The extension is part of a raw id, and of a raw id only.
    extension = split_filename(filename)[1]
    return f"{name}.{extension}" if resource_type == "raw" and extension else name


def _name_and_folder(library: Library, params: Params, filename: str, resource_type: str) -> tuple[str, str | None]:
    """The public id, and the folder if one was given; in fixed mode the folder is the id's path."""
    name, folder, asset_folder = (
        _name(params, filename, resource_type),
        params.text("folder"),
        params.text("asset_folder"),
    )
    prefix = params.text("public_id_prefix") or folder
    if prefix is None and params.flag("use_asset_folder_as_public_id_prefix"):
        prefix = asset_folder
    if prefix and prefix.strip("/"):
        name = f"{prefix.strip('/')}/{name}"
    public_id = check_public_id(name)
    if library.config.folder_mode == "fixed":
        return public_id, public_id.rpartition("/")[0]
    given = asset_folder if asset_folder is not None else folder
    return public_id, None if given is None else check_folder(given)


def _display_name(db: sqlite3.Connection, params: Params, asset: Asset, filename: str) -> str:
    default = asset.filename
    if params.flag("use_filename_as_display_name") and filename:
        default = split_filename(filename)[0]
    return edits.display_name(db, asset, params.text("display_name") or default, params.flag("unique_display_name"))
