"""Where the bytes of an upload come from: a file part, one of several parts, a data URI, a remote address.

Belongs here: getting the bytes onto the disk. Not here: what they are, see probes.
"""

from __future__ import annotations

import base64
import binascii
import io
import mimetypes
import re
from dataclasses import dataclass
from urllib.parse import unquote, unquote_to_bytes, urlsplit

import httpx
from starlette.datastructures import UploadFile
from starlette.requests import Request

from media_pipeline.emulator.config import is_loopback
from media_pipeline.emulator.errors import bad_request
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.originals import StoredFile
from media_pipeline.emulator.parts import Span

_DATA_URI = re.compile(
    r"data:(?P<kind>[\w.+-]+/[\w.+-]+)?(?:;[\w-]+=[^;,]*)*(?P<base64>;base64)?,(?P<data>.*)", re.DOTALL
)
_REMOTE = re.compile(r"(?:https?|ftp|s3|gs)://", re.IGNORECASE)
_WHITE = re.compile(rb"\s+")
_FETCH_TIMEOUT_SECONDS = 60
_REDIRECTS_LIMIT = 5


@dataclass(frozen=True, slots=True)
class Source:
    """What a call brought: bytes on disk and their file name, or the place of a part while others are missing."""

    file: StoredFile | None = None
    filename: str = ""
    part: Span | None = None


def of_upload(library: Library, request: Request, upload: UploadFile) -> Source:
    """The bytes of a file part; with the headers of a chunked upload the whole once its last part is there."""
    filename = upload.filename or ""
    header, upload_id = (request.headers.get(name) for name in ("content-range", "x-unique-upload-id"))
    if not header or not upload_id:
        return Source(library.originals.receive(upload.file), filename)
    span = Span.parse(header)
    whole = library.parts.add(upload_id, span, upload.file)
    if whole is None:
        return Source(None, filename, span)
    with whole.open("rb") as stream:
        file = library.originals.receive(stream)
    whole.unlink()
    return Source(file, filename)


def of_text(library: Library, text: str) -> Source:
    """The bytes of a ``file`` parameter that is a text: a data URI or an address.

    Raises:
        ApiError: 400 for any other text, an address that is not of this machine, or one that cannot be read.
    """
    if _REMOTE.match(text):
        return _fetched(library, text)
    data, filename = _data_uri(text)
    return Source(library.originals.receive(io.BytesIO(data)), filename)


def _fetched(library: Library, url: str) -> Source:
    """Read a remote address; every hop must be of this machine."""
    hooks = {"request": [_refuse_far_away]}
    try:
        with (
            httpx.Client(
                follow_redirects=True,
                max_redirects=_REDIRECTS_LIMIT,
                timeout=_FETCH_TIMEOUT_SECONDS,
                trust_env=False,
                event_hooks=hooks,
            ) as client,
            client.stream("GET", url) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise bad_request(f"Error in loading {url} - {answer.status_code} {answer.reason_phrase}")
            return Source(library.originals.store(answer.iter_bytes()), unquote(urlsplit(url).path))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise bad_request(f"Error in loading {url} - {error}") from None


def _refuse_far_away(request: httpx.Request) -> None:
    if request.url.scheme not in ("http", "https") or not is_loopback(request.url.host):
        raise bad_request(
            f"Error in loading {request.url} - the emulator reads http and https addresses of this machine only"
        )


def _data_uri(text: str) -> tuple[bytes, str]:
    """The bytes of a data URI, and a file name that only carries the extension of its type."""
    found = _DATA_URI.fullmatch(text.strip())
    if not found:
        raise bad_request("Unsupported source: send the bytes as a file part, as a data URI or as an address")
    raw = unquote_to_bytes(found["data"])
    try:
        # Lines may be broken anywhere, as in a mail.
        data = base64.b64decode(_WHITE.sub(b"", raw), validate=True) if found["base64"] else raw
    except binascii.Error:
        raise bad_request("Invalid data URI: the text is no base64") from None
    extension = mimetypes.guess_extension(found["kind"] or "") or ""
    return data, f"file{extension}" if extension else ""
