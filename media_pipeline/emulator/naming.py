"""Names: public ids, file names, folders, generated identifiers, and how they look in a URL.

Belongs here: rules on the text of a name. Not here: whether a name is taken.
"""

from __future__ import annotations

import re
import secrets
import string
from urllib.parse import quote

from media_pipeline.emulator.errors import bad_request

_ALPHABET = string.ascii_lowercase + string.digits
_FORBIDDEN = re.compile(r"[?&#\\%<>+\x00-\x1f]")
_VERSION_PART = re.compile(r"v\d+")
_NAME_LIMIT = 255


def random_hex() -> str:
    """32 lower-case hex digits: the form of asset, version and request ids."""
    return secrets.token_hex(16)


def random_public_id() -> str:
    """20 lower-case letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(20))


def random_suffix() -> str:
    """Six lower-case letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(6))


def check_public_id(public_id: str) -> str:
    """Return a public id that keeps the rules.

    Raises:
        ApiError: 400, naming the id.
    """
    if (
        not public_id
        or len(public_id) > _NAME_LIMIT
        or public_id != public_id.strip(" /")
        or _FORBIDDEN.search(public_id)
        or "//" in public_id
        or any(_VERSION_PART.fullmatch(part) for part in public_id.split("/")[:-1])
    ):
        raise bad_request(f"public_id ({public_id}) is invalid")
    return public_id


def check_folder(path: str) -> str:
    """Return a folder path without slashes at its ends; the root is the empty text.

    Raises:
        ApiError: 400, naming the folder.
    """
    path = path.strip("/")
    if len(path) > _NAME_LIMIT or path != path.rstrip() or _FORBIDDEN.search(path) or "//" in path:
        raise bad_request(f"asset_folder ({path}) is invalid")
    return path


def check_display_name(name: str) -> str:
    """Return a display name that keeps the rules.

    Raises:
        ApiError: 400, naming it.
    """
    if not name.strip() or len(name) > _NAME_LIMIT or "/" in name:
        raise bad_request(f"display_name ({name}) is invalid")
    return name


def public_id_of_filename(filename: str) -> str:
    """A file name's stem with illegal characters as ``_``; a random id if nothing is left."""
    stem = _FORBIDDEN.sub("_", split_filename(filename)[0]).strip(" /").replace("/", "_")
    return stem or random_public_id()


def split_filename(filename: str) -> tuple[str, str]:
    """Stem and lower-case extension of the last path part of a file name."""
    name = re.split(r"[/\\]", filename)[-1]
    stem, dot, extension = name.rpartition(".")
    return (stem, extension.lower()) if dot and stem else (name, "")


def quote_public_id(public_id: str) -> str:
    """As the SDK escapes: every byte outside ``[A-Za-z0-9_.-/:]`` in upper-case hex."""
    return quote(public_id, safe="/:_.-").replace("~", "%7E")
