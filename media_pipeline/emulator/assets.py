"""One asset as a value, and its row: reading, inserting, rewriting, removing.

Belongs here: the mapping between `Asset` and its tables. Not here: rules of change, see library.
"""

# ruff: noqa: S608 -- statements are put together from names this package writes itself; values are bound.

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from typing import Protocol

import msgspec

from media_pipeline.emulator.errors import asset_not_found
from media_pipeline.emulator.naming import random_hex

RESOURCE_TYPES = ("image", "raw", "video")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Renderer(Protocol):
    """Renders the members of a list item; documents.Documents is the one."""

    def list_members(self, asset: Asset) -> str:
        """All members of a list item, as one text."""
        ...


@dataclass(slots=True, kw_only=True)
class Asset:
    """One stored original with everything Cloudinary tells of it; times are whole seconds since 1970.

    Attributes:
        seq: Order of insertion; None until stored.
        original: Digest of the stored bytes; None if the bytes are fictional or gone.
        media: Further members of video and sound documents, as rendered.
        updated: Second of the last change by aspect, for example ``tags``; ``""`` is any change.
    """

    seq: int | None = None
    asset_id: str = field(default_factory=random_hex)
    resource_type: str
    type: str
    public_id: str
    created_at: int
    uploaded_at: int
    version: int
    version_id: str = field(default_factory=random_hex)
    etag: str
    bytes: int
    original: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    pages: int | None = None
    asset_folder: str = ""
    display_name: str = ""
    original_filename: str | None = None
    status: str = "active"
    placeholder: bool = False
    backup_bytes: int = 0
    tags: list[str] = field(default_factory=list)
    context: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, object] = field(default_factory=dict)
    access_control: list[dict[str, str]] | None = None
    moderation: list[dict[str, object]] = field(default_factory=list)
    media: dict[str, object] = field(default_factory=dict)
    updated: dict[str, int] = field(default_factory=dict)

    @property
    def filename(self) -> str:
        """The last path part of the public id."""
        return self.public_id.rpartition("/")[2]

    def touch(self, now: int, *aspects: str) -> None:
        """Note that aspects changed now; without any, only the asset as a whole."""
        for aspect in ("", *aspects):
            self.updated[aspect] = now


# Aspects with a time of their own, in the order Cloudinary prints them.
ASPECTS = ("access_control", "context", "metadata", "public_id", "tags")
_JSON_COLUMNS = ("tags", "context", "metadata", "access_control", "moderation", "media")
_PLAIN_COLUMNS = tuple(f.name for f in fields(Asset) if f.name not in (*_JSON_COLUMNS, "seq", "updated"))
_DERIVED_COLUMNS = ("folder_key", "filename", "moderation_kind", "moderation_status", "members")
_TIME_COLUMNS = ("updated_at", *(f"{aspect}_updated_at" for aspect in ASPECTS))
_STORED = (*_PLAIN_COLUMNS, *_JSON_COLUMNS, *_TIME_COLUMNS)
COLUMNS = ", ".join(f"asset.{name}" for name in ("seq", *_STORED))
_WRITTEN = (*_STORED, *_DERIVED_COLUMNS)
_INSERT = f"INSERT INTO asset ({', '.join(_WRITTEN)}) VALUES ({', '.join('?' * len(_WRITTEN))})"
_UPDATE = f"UPDATE asset SET {', '.join(f'{name} = ?' for name in _WRITTEN)} WHERE seq = ?"

# What a backed-up version keeps, beside its bytes.
VERSION_COLUMNS = ("etag", "format", "width", "height", "duration", "pages", "media", "uploaded_at")


def of_row(row: tuple[object, ...]) -> Asset:
    """An asset from a row selected as `COLUMNS`."""
    seq, *values = row
    named = dict(zip(_STORED, values, strict=True))
    updated = {
        name.removesuffix("updated_at").rstrip("_"): seconds
        for name in _TIME_COLUMNS
        if (seconds := named.pop(name)) is not None
    }
    for name in _JSON_COLUMNS:
        text = named[name]
        named[name] = None if text is None else _decode(str(text))
    named["placeholder"] = bool(named["placeholder"])
    return Asset(seq=seq, updated=updated, **named)  # type: ignore[arg-type]


def row_of(asset: Asset, renderer: Renderer) -> list[object]:
    """The values of `_WRITTEN`; renders the members of the list item."""
    row: list[object] = [getattr(asset, name) for name in _PLAIN_COLUMNS]
    for name in _JSON_COLUMNS:
        value = getattr(asset, name)
        row.append(None if value is None else _encode(value).decode())
    row.append(asset.updated.get("", asset.uploaded_at))
    row.extend(asset.updated.get(aspect) for aspect in ASPECTS)
    last = asset.moderation[-1] if asset.moderation else {}
    row += [
        asset.asset_folder.casefold(),
        asset.filename,
        last.get("kind"),
        last.get("status"),
        renderer.list_members(asset),
    ]
    return row


def insert_many(db: sqlite3.Connection, assets: Iterable[Asset], first_seq: int, renderer: Renderer) -> None:
    """Insert assets numbered from `first_seq`, with their tags; the way of the bulk generator."""
    numbered = list(enumerate(assets, first_seq))
    statement = _INSERT.replace("asset (", "asset (seq, ").replace("VALUES (", "VALUES (?, ")
    db.executemany(statement, ([seq, *row_of(asset, renderer)] for seq, asset in numbered))
    db.executemany(
        "INSERT INTO asset_tag VALUES (?, ?, ?, ?)",
        ((a.resource_type, tag, a.created_at, seq) for seq, a in numbered for tag in a.tags),
    )


def save(db: sqlite3.Connection, asset: Asset, renderer: Renderer) -> None:
    """Insert an asset without a `seq`, rewrite one with it."""
    row = row_of(asset, renderer)
    if asset.seq is None:
        asset.seq = db.execute(_INSERT, row).lastrowid
    else:
        db.execute(_UPDATE, [*row, asset.seq])
        db.execute("DELETE FROM asset_tag WHERE seq = ?", (asset.seq,))
    # A tag finds only assets that are there: placeholders are never returned by tag.
    if asset.status == "active":
        db.executemany(
            "INSERT INTO asset_tag VALUES (?, ?, ?, ?)",
            [(asset.resource_type, tag, asset.created_at, asset.seq) for tag in asset.tags],
        )


def remove(db: sqlite3.Connection, asset: Asset) -> None:
    """Remove an asset with everything that belongs to it alone."""
    db.execute("DELETE FROM backup WHERE asset_id = ?", (asset.asset_id,))
    db.execute("DELETE FROM related WHERE asset_id = ?1 OR other_id = ?1", (asset.asset_id,))
    db.execute("DELETE FROM asset WHERE seq = ?", (asset.seq,))


def select(db: sqlite3.Connection, condition: str, values: Iterable[object] = ()) -> Iterator[Asset]:
    """Assets where an SQL condition holds (it may end in ORDER BY and LIMIT)."""
    cursor = db.execute(f"SELECT {COLUMNS} FROM asset WHERE {condition}", tuple(values))
    return map(of_row, cursor)


def find(db: sqlite3.Connection, resource_type: str, type_: str, public_id: str) -> Asset | None:
    """The asset with a natural key, placeholders included; None if there is none."""
    found = select(db, "resource_type = ? AND type = ? AND public_id = ?", (resource_type, type_, public_id))
    return next(found, None)


def find_by_asset_id(db: sqlite3.Connection, asset_id: str) -> Asset | None:
    """The asset with an id, placeholders included; None if there is none."""
    return next(select(db, "asset_id = ?", (asset_id,)), None)


def get(db: sqlite3.Connection, resource_type: str, type_: str, public_id: str) -> Asset:
    """As `find`, but a missing asset is the 404 Cloudinary answers."""
    asset = find(db, resource_type, type_, public_id)
    if asset is None:
        raise asset_not_found(public_id)
    return asset


def get_by_asset_id(db: sqlite3.Connection, asset_id: str) -> Asset:
    """As `find_by_asset_id`, but a missing asset is the 404 Cloudinary answers."""
    asset = find_by_asset_id(db, asset_id)
    if asset is None:
        raise asset_not_found(asset_id)
    return asset
