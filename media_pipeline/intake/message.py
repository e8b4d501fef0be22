"""What a notification says: which assets it names, and what else it is about.

Belongs here: reading one signed body strictly, for every shape that Cloudinary sends; the known types.
Not here: its signature (``intake.signature``), what is done with it (``intake.drain``).

A notification is a hint. Nothing of its content is taken over, so an odd one can do no harm: it names assets to read
again, or it is set aside with its bytes. Shapes: cloudinary-api.md §9.4.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

from media_pipeline.vocabulary import AssetId, ResourceType

_ASSET_ID: Final = re.compile(r"[0-9a-f]{32}\Z")
_WORD: Final = re.compile(r"[a-z0-9_]{1,64}\Z")
_PUBLIC_ID_BYTES: Final = 2000
_TEXT: Final = 200
_NAMES: Final = ("public_id", "from_public_id", "to_public_id")
_ADDRESSES: Final = ("secure_url", "url")
_RESOURCE_TYPES: Final = frozenset(one.value for one in ResourceType)


class About(StrEnum):
    """What a type of notification is about, besides the assets that it names."""

    ASSETS = "assets"
    FOLDER = "folder"
    FOLDER_TREE = "folder_tree"


KNOWN_TYPES: Final[Mapping[str, About]] = {
    **dict.fromkeys(
        (
            *("upload", "delete", "delete_by_token", "rename", "move", "publish", "restore_asset_version"),
            *("resource_tags_changed", "resource_context_changed", "resource_metadata_changed"),
            *("resource_display_name_changed", "access_control_changed", "related_assets"),
            *("moderation", "moderation_summary", "eager", "error", "info", "explode", "multi", "sprite"),
            *("generate_archive", "report", "invalidate_custom_cdn", "bulk_refresh_auto_fetch"),
            "proof_status_changed",
        ),
        About.ASSETS,
    ),
    "create_folder": About.FOLDER,
    "delete_folder": About.FOLDER,
    "move_or_rename_asset_folder": About.FOLDER_TREE,
}
"""Every type of notification that Cloudinary documents (cloudinary-api.md §9.2)."""


class Unreadable(Exception):
    """An authentic body that is no JSON object we could keep apart.

    Attributes:
        reason: bad_json, not_object, duplicate_key, non_finite, limits or encoding.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """An asset that a message names without its id; type and delivery type where it tells them, else empty."""

    public_id: str
    resource_type: str
    delivery_type: str


@dataclass(frozen=True, slots=True)
class Message:
    """One notification, as far as it concerns us.

    Attributes:
        notification_type: Cloudinary's word; None where there is none.
        about: None for a type that Cloudinary does not document.
        asset_ids: assets it names by their id, each once, in its order.
        names: assets it names otherwise, each once, in its order.
        folders: paths of a folder that was moved, before and after.
        metadata_fields: external ids of structured metadata that it mentions.
        delivery_types: of the assets that it names, as far as it tells them.
        cloud_names: clouds that its addresses lie in.
        triggered_at: when it happened, for people and for lag; never for order.
        triggered_by: ``source:id`` of whoever did it.
        request_id: of the request that caused it.
    """

    notification_type: str | None
    about: About | None
    asset_ids: tuple[AssetId, ...]
    names: tuple[Name, ...]
    folders: tuple[str, ...]
    metadata_fields: tuple[str, ...]
    delivery_types: frozenset[str]
    cloud_names: frozenset[str]
    triggered_at: datetime | None
    triggered_by: str | None
    request_id: str | None


def understand(body: bytes) -> Message:
    """Read the body of a notification; fields and types that are unknown are no error.

    Raises:
        Unreadable: it is no JSON object in plain UTF-8, holds a member twice, a number that is none, or is nested
            deeper or has longer numbers than Python reads.
    """
    document = _decode(body)
    entries = [document, *_entries(document)]
    kind = _text(document.get("notification_type"))
    return Message(
        notification_type=kind,
        about=KNOWN_TYPES.get(kind or ""),
        asset_ids=tuple(dict.fromkeys(found for entry in entries if (found := _asset_id(entry)) is not None)),
        names=tuple(dict.fromkeys(name for entry in entries if _asset_id(entry) is None for name in _named(entry))),
        folders=tuple(path for key in ("from_path", "to_path") if (path := _name(document.get(key))) is not None),
        metadata_fields=tuple(sorted({key for entry in entries for key in _metadata(entry)})),
        delivery_types=frozenset(word for entry in entries if (word := _word(entry.get("type")))),
        cloud_names=frozenset(cloud for entry in entries if (cloud := _cloud_name(entry))),
        triggered_at=_time(_member(document, "notification_context", "triggered_at") or document.get("timestamp")),
        triggered_by=_cause(document),
        request_id=_text(document.get("request_id")),
    )


def _decode(body: bytes) -> dict[str, Any]:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable("encoding", "The bytes are not UTF-8.") from error
    if text.startswith("\ufeff") or "\x00" in text:
        raise Unreadable("encoding", "The bytes are not plain UTF-8.")
    try:
        document = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
    except RecursionError as error:
        raise Unreadable("limits", "It is nested too deeply.") from error
    except json.JSONDecodeError as error:
        raise Unreadable("bad_json", str(error)) from error
    except ValueError as error:
        # Python refuses integers of more than 4,300 digits.
        raise Unreadable("limits", str(error)) from error
    if not isinstance(document, dict):
        raise Unreadable("not_object", f"It is a JSON {type(document).__name__}, not an object.")
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("duplicate_key", "An object holds a member twice.")
    return found


def _constant(text: str) -> Any:
    raise Unreadable("non_finite", f"{text} is no number.")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Unreadable("non_finite", f"{text[:20]} is too large.")
    return number


def _entries(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The assets of a message that is about several: an array, or a map by public id."""
    resources = document.get("resources")
    if isinstance(resources, list):
        yield from (entry for entry in resources if isinstance(entry, dict))
    elif isinstance(resources, dict):
        for public_id, entry in resources.items():
            if isinstance(entry, dict):
                yield {"public_id": public_id, **entry}


def _asset_id(entry: Mapping[str, Any]) -> AssetId | None:
    found = entry.get("asset_id")
    return AssetId(found) if isinstance(found, str) and _ASSET_ID.match(found) else None


def _named(entry: Mapping[str, Any]) -> Iterator[Name]:
    resource_type, delivery_type = _word(entry.get("resource_type")), _word(entry.get("type"))
    if not resource_type:
        # A moderation tells both by its address alone.
        resource_type, delivery_type = _kinds_of(entry)
    for member in _NAMES:
        public_id = _name(entry.get(member))
        if public_id is not None:
            yield Name(public_id, resource_type, delivery_type)


def _name(value: Any) -> str | None:
    """A public id or a path, unless it is one that Postgres could not hold."""
    if not isinstance(value, str) or not value or "\x00" in value:
        return None
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        return None
    return value if size <= _PUBLIC_ID_BYTES else None


def _text(value: Any) -> str | None:
    found = _name(value)
    return None if found is None else found[:_TEXT]


def _word(value: Any) -> str:
    return value if isinstance(value, str) and _WORD.match(value) else ""


def _member(document: Mapping[str, Any], *path: str) -> Any:
    found: Any = document
    for member in path:
        found = found.get(member) if isinstance(found, dict) else None
    return found


def _cause(document: Mapping[str, Any]) -> str | None:
    by = [_text(_member(document, "notification_context", "triggered_by", part)) for part in ("source", "id")]
    return ":".join(part for part in by if part) or None


def _metadata(entry: Mapping[str, Any]) -> Iterator[str]:
    values = entry.get("new_metadata")
    if isinstance(values, dict):
        yield from (key for key in values if _text(key) == key)


def _address(entry: Mapping[str, Any]) -> tuple[str | None, str, str] | None:
    """Cloud, resource type and delivery type by the asset's address; a host of one's own does not name the cloud."""
    for member in _ADDRESSES:
        value = entry.get(member)
        if not isinstance(value, str):
            continue
        try:
            segments = urlsplit(value).path.split("/")[1:]
        except ValueError:
            continue
        cloud = segments.pop(0) if segments and segments[0] not in _RESOURCE_TYPES else None
        if len(segments) > 2 and segments[0] in _RESOURCE_TYPES:
            return _text(cloud), segments[0], _word(segments[1])
    return None


def _kinds_of(entry: Mapping[str, Any]) -> tuple[str, str]:
    found = _address(entry)
    return ("", "") if found is None else found[1:]


def _cloud_name(entry: Mapping[str, Any]) -> str | None:
    found = _address(entry)
    return None if found is None else found[0]


def _time(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    # Without a zone it says nothing; a year far off says that the clock is wrong.
    return found if found.tzinfo is not None and 2010 <= found.year < 2090 else None
