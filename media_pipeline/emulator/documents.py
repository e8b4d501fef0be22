"""The shapes in which Cloudinary shows one asset: list item, detail, search result, upload answer, restore answer.

Belongs here: members, their order, their formats of time. Not here: which assets are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec

from media_pipeline.emulator.assets import ASPECTS, Asset
from media_pipeline.emulator.auth import delivery_signature, response_signature
from media_pipeline.emulator.clock import offset_form, zulu
from media_pipeline.emulator.config import FolderMode
from media_pipeline.emulator.errors import invalid_value
from media_pipeline.emulator.naming import quote_public_id
from media_pipeline.emulator.transformations import wanted

# Delivery types whose originals are delivered to signed addresses only.
RESTRICTED = frozenset({"private", "authenticated"})
# Raise it when a list item changes: stored members are then rendered again at the next start.
RENDERING = 3
# None of these occurs in JSON text: one separates members, one ends those that every item shows, one stands for the
# serving address.
_BETWEEN, _SHOWN, _BASE = b"\x1f", b"\x1d", b"\x1e"

_DYNAMIC_DEFAULT = (
    "asset_id", "public_id", "format", "version", "resource_type", "type", "placeholder", "created_at", "bytes",
    "width", "height", "backup", "asset_folder", "display_name", "access_control", "url", "secure_url",
)  # fmt: skip
_FIXED_DEFAULT = (
    "asset_id", "public_id", "format", "version", "resource_type", "type", "placeholder", "created_at", "bytes",
    "width", "height", "backup", "access_mode", "folder", "access_control", "url", "secure_url",
)  # fmt: skip
_FLAGS = {
    "tags": ("tags",),
    "context": ("context",),
    "metadata": ("metadata",),
    "moderations": ("moderation_kind", "moderation_status"),
    "moderation": ("moderation_kind", "moderation_status"),
}
_FLAGGED = len({name for names in _FLAGS.values() for name in names})
LIST_FIELDS = frozenset({
    "asset_folder", "folder", "filename", "format", "version", "version_id", "signature", "resource_type", "type",
    "created_at", "uploaded_at", "bytes", "backup_bytes", "width", "height", "aspect_ratio", "access_control",
    "metadata", "context", "tags", "pixels", "custom", "moderation", "url", "secure_url", "status", "etag",
    "public_id", "asset_id", "display_name",
})  # fmt: skip
_ALL = (
    *_DYNAMIC_DEFAULT, "access_mode", "folder", "tags", "context", "metadata", "moderation_kind",
    "moderation_status", "moderation", "version_id", "signature", "uploaded_at", "backup_bytes", "aspect_ratio",
    "pixels", "filename", "status", "etag",
)  # fmt: skip
_POSITION = {name: position for position, name in enumerate(_ALL)}
# Members of a search result beside those of a list item.
_FOUND = (
    "uploaded_at", "backup_bytes", "aspect_ratio", "pixels", "filename", "status", "etag", "duration", "pages",
    "created_by", "uploaded_by", "last_updated",
)  # fmt: skip
# Members of a search result that are shown when they are asked for.
ON_DEMAND = ("tags", "context", "metadata", "image_metadata")
# Search shows some members that other answers leave out when there is nothing to tell; names as they stand in a text.
_NULLABLE = (b'"format"', b'"width"', b'"height"', b'"access_control"')
_FOUND_WITHOUT_VALUE = {
    **{name: name + b":null" for name in _NULLABLE},
    **{name: name + b":{}" for name in (b'"context"', b'"metadata"', b'"image_metadata"')},
    b'"backup_bytes"': b'"backup_bytes":0',
    b'"tags"': b'"tags":[]',
}
_NULLS = [(_BETWEEN + name + b":", name + b":null") for name in _NULLABLE]
_BACKUP_BYTES = _BETWEEN + b'"backup_bytes":'
# Rendered members are read as bytes: most of a page goes from the database to the caller without being text.
MEMBERS = "CAST(asset.members AS BLOB)"
# What `Documents.found_page` needs of each asset.
FOUND_COLUMNS = ", ".join(
    (MEMBERS, *(f"asset.{name}" for name in ("duration", "pages", *(f"{a}_updated_at" for a in ASPECTS), "updated_at")))
)

_encode = msgspec.json.Encoder().encode
Document = dict[str, object]


def list_members_wanted(flags: Collection[str], fields: Sequence[str], mode: FolderMode) -> tuple[str, ...]:
    """Members of a list item for a request's flags, or for its `fields`, which beat the flags.

    Raises:
        ApiError: 400 for a field that may not be asked for.
    """
    if fields:
        for name in fields:
            if name not in LIST_FIELDS:
                raise invalid_value(name, "fields")
        return tuple(name for name in _ALL if name in {"asset_id", "public_id", *fields})
    return _default(mode) + tuple(dict.fromkeys(name for flag in flags for name in _FLAGS.get(flag, ())))


def _default(mode: FolderMode) -> tuple[str, ...]:
    return _DYNAMIC_DEFAULT if mode == "dynamic" else _FIXED_DEFAULT


class Documents:
    """Renders assets of one cloud."""

    def __init__(self, cloud_name: str, api_key: str, api_secret: str, folder_mode: FolderMode) -> None:
        self._cloud_name = cloud_name
        self._key = api_key
        self._secret = api_secret
        self.folder_mode = folder_mode
        self.base_url = ""

    def list_members(self, asset: Asset) -> str:
        """All members a list item may show, rendered as ``"name":value``; empty where the asset has none."""
        values = self._common(asset, zulu)
        if asset.tags:
            values["tags"] = sorted(asset.tags)
        values |= self._custom_members(asset)
        if asset.moderation:
            values["moderation"] = asset.moderation
            values["moderation_kind"] = asset.moderation[-1].get("kind")
            values["moderation_status"] = asset.moderation[-1].get("status")
        values |= self._content_members(asset, zulu)
        # A quoted path needs no JSON escapes; the encoder would escape the mark of the serving address.
        path = str(values.pop("url"))[len(self.base_url) :].encode()
        del values["secure_url"]
        members = {name: _named(name) + b":" + _encode(value) for name, value in values.items() if value is not None}
        members |= {name: _named(name) + b':"' + _BASE + path + b'"' for name in ("url", "secure_url")}
        shown = [members.pop(name) for name in _default(self.folder_mode) if name in members]
        rest = sorted(members, key=_POSITION.__getitem__)
        return (_BETWEEN.join(shown) + _SHOWN + _BETWEEN.join(members[name] for name in rest)).decode()

    def list_page(self, rows: Sequence[bytes], wanted: Sequence[str]) -> bytes:
        """A JSON array of list items from rendered members; one to three microseconds a row."""
        if not rows:
            return b"[]"
        default = _default(self.folder_mode)
        is_default = tuple(wanted[: len(default)]) == default
        more = tuple(_named(name) + b":" for name in (wanted[len(default) :] if is_default else wanted))

        def item(row: bytes) -> bytes:
            shown, _, rest = row.partition(_SHOWN)
            if not more:
                return shown
            # Members that flags add are the first of the rest; what lies behind them stays in one piece.
            parts = rest.split(_BETWEEN, _FLAGGED) if is_default else (shown + _BETWEEN + rest).split(_BETWEEN)
            chosen = [part for part in parts if part.startswith(more)]
            return _BETWEEN.join([shown, *chosen] if is_default else chosen)

        return self._array([item(row) for row in rows])

    def detail(self, asset: Asset, with_etag: bool = False) -> Document:
        """The whole of one asset; Cloudinary tells the etag here only beside the media's own metadata."""
        document = self._common(asset, zulu)
        document |= {
            "duration": asset.duration,
            "pages": asset.pages,
            "etag": asset.etag if with_etag else None,
        }
        document["tags"] = sorted(asset.tags) or None
        document |= self._custom_members(asset)
        document["moderation"] = asset.moderation or None
        document["last_updated"] = self._last_updated(asset)
        document["original_filename"] = asset.original_filename
        return _present(document)

    @property
    def found_names(self) -> tuple[str, ...]:
        """All members that a search result may have, in their order."""
        return (*_default(self.folder_mode), *_FOUND, *ON_DEMAND)

    def found_page(self, rows: Sequence[tuple[Any, ...]], names: Sequence[str]) -> bytes:
        """A JSON array of search results with the members named, from rows of `FOUND_COLUMNS`.

        Made of rendered list items, which differ in the form of time and of context: some five microseconds a row,
        twice as many if `names` leave out members that a result shows without being asked.
        """
        if not rows:
            return b"[]"
        by = _encode({"access_key": self._key, "custom_id": None, "external_id": None})
        known = _FOUND_WITHOUT_VALUE | {name: name + b":" + by for name in (b'"created_by"', b'"uploaded_by"')}
        on_demand = [_named(name) for name in names if name in ON_DEMAND]
        if len(names) - len(on_demand) == len(self.found_names) - len(ON_DEMAND):
            return self._array([_whole(row, known, on_demand) for row in rows])
        return self._array([_chosen(row, known, [_named(name) for name in names]) for row in rows])

    def _array(self, items: Sequence[bytes]) -> bytes:
        page = b"[{" + b"},{".join(items) + b"}]"
        return page.replace(_BETWEEN, b",").replace(_BASE, self.base_url.encode())

    def uploaded(self, asset: Asset, **extra: object) -> Document:
        """The answer to upload and explicit; `extra` are members such as ``overwritten``."""
        document = self._stored(asset)
        document |= self._custom_members(asset)
        document["access_control"] = asset.access_control
        document["moderation"] = asset.moderation or None
        if asset.resource_type == "video":
            document |= {"duration": asset.duration} | asset.media
        return _present(document | extra)

    def renamed(self, asset: Asset, with_context: bool, with_metadata: bool) -> Document:
        """The answer to rename; context and metadata only when asked for."""
        document = self._stored(asset)
        custom = self._custom_members(asset)
        document["context"] = custom.get("context") if with_context else None
        document["metadata"] = custom.get("metadata") if with_metadata else None
        return _present(document)

    restored = uploaded

    def _common(self, asset: Asset, time_form: Callable[[int], str]) -> Document:
        url = self.base_url + self.delivery_path(asset)
        document: Document = {
            "asset_id": asset.asset_id,
            "public_id": asset.public_id,
            "format": asset.format,
            "version": asset.version,
            "resource_type": asset.resource_type,
            "type": asset.type,
            "placeholder": asset.placeholder or None,
            "created_at": time_form(asset.created_at),
            "bytes": asset.bytes,
            "width": asset.width,
            "height": asset.height,
            "backup": True if asset.backup_bytes else None,
        }
        document |= self._place(asset)
        document["access_control"] = asset.access_control
        return document | {"url": url, "secure_url": url}

    def _place(self, asset: Asset) -> Document:
        if self.folder_mode == "dynamic":
            return {"asset_folder": asset.asset_folder, "display_name": asset.display_name}
        return {"access_mode": "public", "folder": asset.asset_folder}

    def _content_members(self, asset: Asset, time_form: Callable[[int], str]) -> Document:
        sized = bool(asset.width and asset.height)
        return {
            "version_id": asset.version_id,
            "signature": response_signature(asset.public_id, asset.version, self._secret),
            "uploaded_at": time_form(asset.uploaded_at),
            "backup_bytes": asset.backup_bytes or None,
            "aspect_ratio": round((asset.width or 0) / (asset.height or 1), 5) if sized else None,
            "pixels": (asset.width or 0) * (asset.height or 0) if sized else None,
            "filename": asset.filename,
            "status": asset.status,
            "etag": asset.etag,
        }

    def _stored(self, asset: Asset) -> Document:
        common = self._common(asset, zulu)
        order = ("asset_id", "public_id", "version", "version_id", "signature", "width", "height", "format",
                 "resource_type", "created_at", "tags", "pages", "bytes", "type", "etag", "placeholder", "url",
                 "secure_url", *self._place(asset))  # fmt: skip
        common |= self._content_members(asset, zulu)
        pages = 0 if asset.resource_type == "video" else asset.pages
        common |= {"tags": sorted(asset.tags), "pages": pages, "placeholder": asset.placeholder}
        return {name: common[name] for name in order}

    def _custom_members(self, asset: Asset) -> Document:
        members: Document = {}
        if asset.context:
            members["context"] = {"custom": asset.context}
        if asset.metadata:
            members["metadata"] = asset.metadata
        return members

    def _last_updated(self, asset: Asset) -> Document:
        times: Document = {
            f"{name}_updated_at": offset_form(asset.updated[name]) for name in ASPECTS if name in asset.updated
        }
        return times | {"updated_at": offset_form(asset.updated.get("", asset.uploaded_at))}

    def delivery_path(self, asset: Asset, transformation: str = "", format_: str | None = None) -> str:
        """``/{cloud}/{resource_type}/{type}/[s--sig--/][transformation/]v{version}/{public_id}[.{format}]``."""
        format_ = format_ or asset.format
        extension = f".{format_}" if format_ and asset.resource_type != "raw" else ""
        source = quote_public_id(asset.public_id + extension)
        steps = f"{transformation}/" if transformation else ""
        signed = f"s--{delivery_signature(steps + source, self._secret)}--/" if asset.type in RESTRICTED else ""
        return f"/{self._cloud_name}/{asset.resource_type}/{asset.type}/{signed}{steps}v{asset.version}/{source}"

    def urls(self, asset: Asset, transformation: str, format_: str) -> Document:
        """The addresses of a derived asset; its name may carry the format, which an address has at its end."""
        url = self.base_url + self.delivery_path(asset, wanted(transformation).text, format_)
        return {"url": url, "secure_url": url}


def _named(name: str) -> bytes:
    """A member's name as it stands in a text."""
    return f'"{name}"'.encode()


def _whole(row: tuple[Any, ...], known: Mapping[bytes, bytes], on_demand: Sequence[bytes]) -> bytes:
    """A search result with all it shows without being asked, and the members on demand that are named."""
    shown, _, rest = _with_offset(row[0], b'"created_at"').partition(_SHOWN)
    own, _, rest = rest.partition(b'"version_id":')
    content = _with_offset(rest[rest.index(_BETWEEN + b'"uploaded_at":') :], b'"uploaded_at"')
    parts = _parts(own)
    members = [shown + content, known[b'"created_by"'], known[b'"uploaded_by"'], *_computed(row).values()]
    members += [text for mark, text in _NULLS if mark not in shown]
    if _BACKUP_BYTES not in content:
        members.append(known[b'"backup_bytes"'])
    members += [parts.get(name) or known[name] for name in on_demand]
    return b",".join(members)


def _chosen(row: tuple[Any, ...], known: Mapping[bytes, bytes], names: Sequence[bytes]) -> bytes:
    """A search result with the members named."""
    members = _with_offset(_with_offset(row[0], b'"created_at"'), b'"uploaded_at"')
    parts = _parts(members.replace(_SHOWN, _BETWEEN)) | _computed(row)
    return b",".join([text for name in names if (text := parts.get(name) or known.get(name))])


def _parts(members: bytes) -> dict[bytes, bytes]:
    """Rendered members by their quoted names, context as search shows it."""
    parts = {part.partition(b":")[0]: part for part in members.split(_BETWEEN)}
    context = parts.get(b'"context"')
    if context:
        parts[b'"context"'] = b'"context":' + context[len(b'"context":{"custom":') : -1]
    return parts


def _computed(row: tuple[Any, ...]) -> dict[bytes, bytes]:
    """The members of a search result that a list item does not know, by their quoted names."""
    _, duration, pages, *times, updated_at = row
    changes = [
        f'"{aspect}_updated_at":"{offset_form(time)}",'
        for aspect, time in zip(ASPECTS, times, strict=True)
        if time is not None
    ]
    updated = f'"last_updated":{{{"".join(changes)}"updated_at":"{offset_form(updated_at)}"}}'
    computed = {b'"last_updated"': updated.encode()}
    if duration is not None:
        computed[b'"duration"'] = b'"duration":%a' % duration
    if pages is not None:
        computed[b'"pages"'] = b'"pages":%d' % pages
    return computed


def _with_offset(members: bytes, name: bytes) -> bytes:
    """Rendered members with a time, that is not the first of them, in the form of search."""
    start = members.index(_BETWEEN + name + b':"') + len(name) + len("_:'2024-06-25T08:58:23")
    return members[:start] + b"+00:00" + members[start + 1 :]


def _present(document: Document) -> Document:
    return {name: value for name, value in document.items() if value is not None}
