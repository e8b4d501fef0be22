"""Archives: many originals, or what is derived from them, in one zip or tar file.

Belongs here: which files go in, under which names. Not here: single downloads, see downloads.
"""

# ruff: noqa: S608 -- statements are put together from names this package writes itself; values are bound.

from __future__ import annotations

import io
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from starlette.responses import FileResponse, Response

from media_pipeline.emulator import assets, derived, folders, notices, probes, uploads
from media_pipeline.emulator.assets import RESOURCE_TYPES, Asset
from media_pipeline.emulator.documents import Document
from media_pipeline.emulator.encoding import parse_tags
from media_pipeline.emulator.errors import asset_not_found, bad_request, invalid_value, missing
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.naming import check_folder, check_public_id, random_public_id
from media_pipeline.emulator.params import Params
from media_pipeline.emulator.transformations import Wanted, wanted

_FILES_LIMIT = 1000
_FORMATS = ("zip", "tgz")
_QUALIFIED_PARTS = 3
# An archive says the same whenever it is made.
_MOMENT = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class _Member:
    """One file of an archive: its name there, and where its bytes are."""

    name: str
    path: Path


def generate(library: Library, params: Params, resource_type: str) -> Document | Response:
    """Make an archive, and store it as a raw asset or send it at once (``mode=download``).

    Raises:
        ApiError: 400 for no or too many files, 404 for a named asset that is missing (unless ``allow_missing``).
    """
    format_ = params.text("target_format") or "zip"
    if format_ not in _FORMATS:
        raise invalid_value(format_, "target_format")
    chosen = _chosen(library, params, resource_type)
    members = _members(library, params, chosen)
    if not members:
        raise bad_request("No resources found to archive")
    if len(members) > _FILES_LIMIT:
        raise bad_request(f"Too many files for one archive: {len(members)}, at most {_FILES_LIMIT}")
    with tempfile.TemporaryFile() as target:
        _write(target, members, format_)
        target.seek(0)
        file = library.originals.receive(target)
    public_id = params.text("target_public_id") or random_public_id()
    name = public_id if public_id.endswith(f".{format_}") else f"{public_id}.{format_}"
    if params.text("mode") == "download":
        kind = "application/zip" if format_ == "zip" else "application/gzip"
        return FileResponse(file.path, media_type=kind, filename=PurePosixPath(name).name)
    with library.store.write() as db:
        arrival = uploads.Arrival(file, name, probes.Facts("raw"))
        asset = uploads.take(library, db, arrival, params.text("target_type") or "upload", check_public_id(name))
        asset.tags = parse_tags(params.values.get("target_tags") or [])
        asset.asset_folder = folders.ensure(db, check_folder(params.text("target_asset_folder") or ""), library.now())
        if asset.tags:
            asset.touch(library.now(), "tags")
        library.save(db, asset)
        answer = library.documents.uploaded(asset)
        answer |= {"resource_count": len(chosen), "file_count": len(members)}
        library.notifications.post(db, notices.answered("generate_archive", answer))
    return answer


def _chosen(library: Library, params: Params, resource_type: str) -> list[Asset]:
    """The assets a call names by id, prefix or tag, each once, in the order of their names."""
    kinds = RESOURCE_TYPES if resource_type in ("all", "auto") else (resource_type,)
    type_ = params.text("type") or "upload"
    keys = [(kind, type_, public_id) for public_id in params.strings("public_ids", split=True) for kind in kinds]
    for text in params.strings("fully_qualified_public_ids", split=True):
        parts = text.split("/", _QUALIFIED_PARTS - 1)
        if len(parts) != _QUALIFIED_PARTS:
            raise invalid_value(text, "fully_qualified_public_ids")
        keys.append((parts[0], parts[1], parts[2]))
    tags, prefixes = params.strings("tags", split=True), params.strings("prefixes", split=True)
    if not (keys or tags or prefixes):
        raise missing("tags, public_ids, prefixes or fully_qualified_public_ids")
    marks = ", ".join("?" * len(kinds))
    found: dict[str, Asset] = {}
    with library.store.read() as db:
        for kind, key_type, public_id in keys:
            asset = assets.find(db, kind, key_type, public_id)
            if asset is not None:
                found[asset.asset_id] = asset
            elif not params.flag("allow_missing") and len(kinds) == 1:
                raise asset_not_found(public_id)
        for tag in tags:
            condition = f"seq IN (SELECT seq FROM asset_tag WHERE tag = ? AND resource_type IN ({marks}))"
            found |= {a.asset_id: a for a in assets.select(db, condition, (tag, *kinds))}
        for prefix in prefixes:
            condition = f"resource_type IN ({marks}) AND type = ? AND substr(public_id, 1, ?) = ?"
            found |= {a.asset_id: a for a in assets.select(db, condition, (*kinds, type_, len(prefix), prefix))}
    return sorted((a for a in found.values() if a.original), key=lambda a: (a.public_id, a.resource_type, a.type))


def _members(library: Library, params: Params, chosen: Iterable[Asset]) -> list[_Member]:
    texts: list[Wanted | None] = [wanted(item) for item in (params.text("transformations") or "").split("|") if item]
    taken: set[str] = set()
    members = []
    for asset in chosen:
        for want in texts or [None]:
            path, extension = _file(library, asset, want)
            name = _unique(_name(params, asset, want, extension), taken)
            members.append(_Member(name, path))
    return members


def _file(library: Library, asset: Asset, want: Wanted | None) -> tuple[Path, str]:
    """The bytes of a member, and the extension its name ends in."""
    original = asset.original or ""
    if want is None or asset.resource_type != "image":
        return library.originals.path(original), "" if asset.resource_type == "raw" else asset.format or ""
    made = derived.make(library, want, original, asset.format)
    return library.originals.path(made.original), made.format


def _name(params: Params, asset: Asset, want: Wanted | None, extension: str) -> str:
    stem = asset.public_id
    if params.flag("use_original_filename") and asset.original_filename:
        stem = str(PurePosixPath(stem).with_name(asset.original_filename))
    if params.flag("flatten_folders"):
        stem = PurePosixPath(stem).name
    if want is not None and not params.flag("skip_transformation_name"):
        between = "_" if params.flag("flatten_transformations") else "/"
        stem = f"{want.text.replace('/', between)}{between}{stem}"
    return f"{stem}.{extension}" if extension else stem


def _unique(name: str, taken: set[str]) -> str:
    path, number, candidate = PurePosixPath(name), 1, name
    while candidate in taken:
        candidate = str(path.with_name(f"{path.stem}_{number}{path.suffix}"))
        number += 1
    taken.add(candidate)
    return candidate


def _write(target: io.BufferedIOBase, members: Iterable[_Member], format_: str) -> None:
    if format_ == "zip":
        with zipfile.ZipFile(target, "w") as archive:
            for member in members:
                with archive.open(zipfile.ZipInfo(member.name, _MOMENT), "w") as stream:
                    stream.write(member.path.read_bytes())
        return
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for member in members:
            info = tarfile.TarInfo(member.name)
            info.size = member.path.stat().st_size
            with member.path.open("rb") as stream:
                archive.addfile(info, stream)
