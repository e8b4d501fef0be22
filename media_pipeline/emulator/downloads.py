"""Signed download addresses of the Upload API: one original, or one backed-up version.

Belongs here: finding the bytes and naming the download. Not here: public delivery, see delivery.
"""

from __future__ import annotations

import io
from pathlib import PurePosixPath

from starlette.responses import FileResponse, Response

from media_pipeline.emulator import assets, backups, derivation
from media_pipeline.emulator.errors import ApiError, asset_not_found, bad_request
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.params import Params


def original(library: Library, params: Params, resource_type: str) -> Response:
    """The bytes of an asset of any delivery type; an image in another format if the call asks for one.

    Raises:
        ApiError: 404 for an asset without bytes, 400 for an address that has expired.
    """
    _check_expiry(library, params)
    public_id, format_ = params.required("public_id"), params.text("format")
    with library.store.read() as db:
        asset = assets.get(db, resource_type, params.text("type") or "upload", public_id)
    if asset.original is None:
        raise asset_not_found(public_id)
    path = library.originals.path(asset.original)
    if resource_type == "image" and format_ and format_ != asset.format:
        picture = derivation.derive(path, [], format_, asset.format)
        path = library.originals.receive(io.BytesIO(picture.data)).path
    extension = format_ or asset.format or ""
    name = PurePosixPath(public_id).name + (f".{extension}" if extension and resource_type != "raw" else "")
    return _file(path, name, params.flag("attachment"))


def backup(library: Library, params: Params) -> Response:
    """The bytes of one version that was backed up.

    Raises:
        ApiError: 404 for a version that is not there, or whose bytes are fictional.
    """
    asset_id, version_id = params.required("asset_id"), params.required("version_id")
    with library.store.read() as db:
        digest = backups.original_of(db, asset_id, version_id)
    if digest is None:
        raise ApiError(404, f"Backup not found - {asset_id} {version_id}")
    return _file(library.originals.path(digest), asset_id, as_attachment=True)


def _check_expiry(library: Library, params: Params) -> None:
    expires_at = params.text("expires_at")
    if expires_at and expires_at.isdigit() and library.now() > int(expires_at):
        raise bad_request(f"The address expired at {expires_at}")


def _file(path: object, name: str, as_attachment: bool) -> Response:
    disposition = "attachment" if as_attachment else "inline"
    return FileResponse(str(path), filename=name, content_disposition_type=disposition)
