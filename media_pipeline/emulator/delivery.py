"""Delivery of originals and derived pictures, as a CDN would: no API credentials.

Belongs here: finding the bytes behind a delivery URL. Not here: how such a URL is made, see documents; pictures, see
derivation.
"""

from __future__ import annotations

import hmac
import mimetypes
import re
from collections.abc import Iterator
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from media_pipeline.emulator import assets, derivation, derived
from media_pipeline.emulator.assets import Asset
from media_pipeline.emulator.auth import delivery_signature
from media_pipeline.emulator.documents import RESTRICTED
from media_pipeline.emulator.emulator import Emulator
from media_pipeline.emulator.errors import ApiError, asset_not_found, bad_request
from media_pipeline.emulator.naming import quote_public_id
from media_pipeline.emulator.transformations import Wanted, looks_like_steps, ordered

# The system's own table is not asked: types are the same everywhere.
_TYPES = mimetypes.MimeTypes()
for _extension, _type in {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "flac": "audio/flac",
    "flv": "video/x-flv",
    "ics": "text/calendar",
    "jp2": "image/jp2",
    "m4a": "audio/mp4",
    "mkv": "video/x-matroska",
    "ogg": "audio/ogg",
    "psd": "image/vnd.adobe.photoshop",
    "ts": "video/mp2t",
    "wav": "audio/wav",
    "wmv": "video/x-ms-wmv",
}.items():
    _TYPES.add_type(_type, f".{_extension}")
_PATH = re.compile(r"(?:s--(?P<signature>[\w-]{8})--/)?(?P<rest>.+)", re.DOTALL)
_VERSION = re.compile(r"v\d+")


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to read the end of an address: a transformation (maybe none), and an id with its extension."""

    steps: str
    source: str


async def deliver(request: Request, emulator: Emulator) -> Response:
    """The file behind ``[s--sig--/][transformation/][v123/]{public_id}[.{format}]``.

    What is derived for the first time is made and kept, as Cloudinary does. Refusals carry ``X-Cld-Error``.
    """
    path = request.path_params
    found = _PATH.fullmatch(path["rest"])
    if found is None or path["cloud"].lower() != emulator.config.cloud_name:
        return _refused(404, f"Resource not found - {path['rest']}")
    try:
        return await run_in_threadpool(
            _delivered, emulator, path["resource_type"], path["type"], found["signature"] or "", found["rest"]
        )
    except ApiError as error:
        return _refused(error.status, error.message)


def _delivered(emulator: Emulator, resource_type: str, type_: str, signature: str, rest: str) -> Response:
    asset, reading, format_ = _find(emulator, resource_type, type_, rest)
    source = reading.source
    if asset.type in RESTRICTED:
        steps = f"{reading.steps}/" if reading.steps else ""
        expected = delivery_signature(steps + quote_public_id(source), emulator.config.api_secret)
        if not hmac.compare_digest(signature.encode(), expected.encode()):
            raise ApiError(401, f"Invalid signature for {asset.type} asset - {source}")
    if asset.original is None:
        raise ApiError(404, f"Resource not found - {source} has no stored bytes")
    digest, etag, name = asset.original, asset.etag, source if resource_type == "raw" else f"x.{asset.format}"
    if reading.steps or format_ not in (None, asset.format):
        digest = etag = _derived(emulator, asset, reading.steps, format_)
        name = f"x.{format_ or asset.format}"
    kind = _TYPES.guess_type(name, strict=False)[0] or "application/octet-stream"
    headers = {"ETag": f'"{etag}"', "Access-Control-Allow-Origin": "*"}
    return FileResponse(emulator.library.originals.path(digest), headers=headers, media_type=kind)


def _find(emulator: Emulator, resource_type: str, type_: str, rest: str) -> tuple[Asset, _Reading, str | None]:
    """The asset an address means, how the address is read, and the format it asks for (None: the asset's own)."""
    with emulator.library.store.read() as db:
        for reading in _readings(rest):
            asset = assets.find(db, resource_type, type_, reading.source)
            if asset is not None:
                return asset, reading, None
            stem, dot, extension = reading.source.rpartition(".")
            asset = assets.find(db, resource_type, type_, stem) if dot and resource_type != "raw" else None
            if asset is not None and (extension == asset.format or derivation.writes(extension)):
                return asset, reading, extension
    raise asset_not_found(rest)


def _readings(rest: str) -> Iterator[_Reading]:
    """Ways to read an address: a version tells where the id begins; else ids are tried longest first."""
    parts = rest.split("/")
    for place, part in enumerate(parts[:-1]):
        if _VERSION.fullmatch(part):
            yield _Reading("/".join(parts[:place]), "/".join(parts[place + 1 :]))
            return
    for place in range(len(parts)):
        yield _Reading("/".join(parts[:place]), "/".join(parts[place:]))
        if not looks_like_steps(parts[place]):
            return


def _derived(emulator: Emulator, asset: Asset, steps: str, format_: str | None) -> str:
    """The digest of a derived asset's bytes; it is made if it is not there."""
    library = emulator.library
    want = Wanted(ordered(steps), None if format_ == asset.format else format_)
    with library.store.read() as db:
        known = derived.find(db, asset, want.text, format_ or asset.format or "")
    if known is not None:
        return known.original
    if asset.resource_type != "image" or asset.original is None:
        raise bad_request("The emulator derives from stored images only")
    made = derived.make(library, want, asset.original, asset.format)
    with library.store.write() as db:
        current = assets.find_by_asset_id(db, asset.asset_id)
        if current is not None and current.original == asset.original:
            derived.insert(library, db, current, made)
    return made.original


def _refused(status: int, reason: str) -> Response:
    return Response(status_code=status, headers={"X-Cld-Error": reason.encode("ascii", "backslashreplace").decode()})
