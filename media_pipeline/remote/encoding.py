"""Texts that go into a call: context, metadata, tags, public_ids, folder paths.

Belongs here: our own encoders and the refusal of what cannot be said safely.
Not here: reading such texts back (``remote.payloads``), limits that Cloudinary checks itself.

The SDK's encoders let a key or a trailing backslash add pairs of its own, turn one tag with a comma into two,
and un-quote every address, so that ``..`` or ``%2F`` in a public_id reaches another address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

import msgspec

from media_pipeline.errors import RemoteRefused
from media_pipeline.remote.calls import Call

MetadataValue = str | int | float | Sequence[str] | None
"""A value of structured metadata: text, a number, a date as text, ids of choices; None clears the field."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_IN_CONTEXT = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_NOT_IN_PUBLIC_ID = re.compile(r"[?&#\\%<>\x00-\x1f\x7f]")
_AMBIGUOUS_BACKSLASH = re.compile(r"\\(?=[=|]|\Z)")
_DOT_SEGMENTS = frozenset({"", ".", ".."})


def encode_context(context: Mapping[str, str], *, call: Call) -> str:
    """Join pairs as ``key=value|…``; ``=`` and ``|`` in keys and values take a backslash.

    A backslash is no escape of itself in this format, so it cannot stand before ``=``, ``|`` or the end.

    Raises:
        RemoteRefused: an empty key or value, a control character, or such a backslash.
    """
    for key, value in context.items():
        if not key.strip() or not value:
            raise _refused(call, f"Context has an empty key or value at {key!r}")
        if _CONTROL_IN_CONTEXT.search(key + value):
            raise _refused(call, f"Context {key!r} has a control character")
    return "|".join(f"{_escape(key, call)}={_escape(value, call)}" for key, value in context.items())


def encode_metadata(metadata: Mapping[str, MetadataValue], *, call: Call) -> str:
    """Join values of structured metadata as ``external_id=value|…``; several choices are a JSON list.

    Raises:
        RemoteRefused: as for context, except that an empty value clears the field.
    """
    pairs = []
    for key, value in metadata.items():
        if not key.strip():
            raise _refused(call, "Metadata has an empty external id")
        pairs.append(f"{_escape(key, call)}={_escape(_metadata_text(value), call)}")
    return "|".join(pairs)


def encode_tags(tags: Sequence[str], *, call: Call) -> str:
    """Join tags by commas.

    Raises:
        RemoteRefused: a tag is empty, starts or ends with a space, or has a comma or a control character.
    """
    for tag in tags:
        if not tag or tag != tag.strip() or "," in tag or _CONTROL.search(tag):
            raise _refused(call, f"The tag {tag!r} cannot be written: it is empty, padded or has a comma")
    return ",".join(tags)


def require_public_id(public_id: str, *, call: Call) -> str:
    """Return *public_id* if it can name exactly one asset in a call.

    Raises:
        RemoteRefused: it has ``.``, ``..`` or an empty segment, a character that Cloudinary forbids or a
            control character, or a space at either end.
    """
    if _NOT_IN_PUBLIC_ID.search(public_id) or public_id != public_id.strip():
        raise _refused(call, f"The public_id {public_id!r} has characters that no public_id may have")
    if not _DOT_SEGMENTS.isdisjoint(public_id.split("/")):
        raise _refused(call, f"The public_id {public_id!r} has an empty, '.' or '..' segment")
    return public_id


def quote_folder(path: str, *, call: Call) -> str:
    """Quote a folder's path for an address, segment by segment; the SDK un-quotes and quotes it once more.

    Raises:
        RemoteRefused: the path has an empty, ``.`` or ``..`` segment or a control character.
    """
    segments = path.split("/")
    if not _DOT_SEGMENTS.isdisjoint(segments) or _CONTROL.search(path):
        raise _refused(call, f"The folder {path!r} cannot be addressed")
    return "/".join(quote(segment, safe="") for segment in segments)


def _metadata_text(value: MetadataValue) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def _escape(text: str, call: Call) -> str:
    if _AMBIGUOUS_BACKSLASH.search(text):
        raise _refused(call, f"{text!r} has a backslash before '=', '|' or its end, which cannot be written")
    return text.replace("=", "\\=").replace("|", "\\|")


def _refused(call: Call, message: str) -> RemoteRefused:
    return RemoteRefused(
        message, call=call.name, hint="Nothing was sent to Cloudinary. Change the value and try again."
    )
