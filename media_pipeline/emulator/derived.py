"""Derived assets: which exist, making those that ``eager`` asks for, and their place in answers.

Belongs here: rows of derived assets and their documents. Not here: pixels, see derivation; the texts themselves, see
transformations and named_transformations.
"""

# ruff: noqa: S608 -- statements are put together from names this package writes itself; values are bound.

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from media_pipeline.emulator import derivation, named_transformations
from media_pipeline.emulator.assets import Asset
from media_pipeline.emulator.documents import Document
from media_pipeline.emulator.errors import ApiError
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.naming import random_hex
from media_pipeline.emulator.transformations import Wanted, wanted

_COLUMNS = ("id", "transformation", "format", "bytes", "width", "height", "original")


@dataclass(frozen=True, slots=True)
class Derived:
    """One stored derived asset; `original` is the digest of its own bytes."""

    id: str
    transformation: str
    format: str
    bytes: int
    width: int
    height: int
    original: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """One item of ``eager`` before it belongs to an asset: its file, or why there is none."""

    name: str
    format: str
    derived: Derived | None
    reason: str = ""


def prepare(library: Library, eager: str | None, resource_type: str, original: str | None, own: str | None) -> (
    list[Prepared]
):  # fmt: skip
    """Make what ``eager`` asks for of an original, named by its digest and format.

    Raises:
        ApiError: 400 for a text that is no transformation.
    """
    return [_prepared(library, wanted(item), resource_type, original, own) for item in (eager or "").split("|") if item]


def make(library: Library, want: Wanted, original: str, own: str | None) -> Derived:
    """Make one derived asset of an image and store its bytes; the caller keeps the row.

    Raises:
        ApiError: 400 if Pillow cannot make it, 404 for an unknown named transformation.
    """
    with library.store.read() as db:
        steps = named_transformations.resolved(db, want.text)
    picture = derivation.derive(library.originals.path(original), steps, want.format, own)
    stored = library.originals.receive(io.BytesIO(picture.data))
    return Derived(
        random_hex(), _name(want), picture.format, stored.size_bytes, picture.width, picture.height, stored.digest
    )


def keep(library: Library, db: sqlite3.Connection, asset: Asset, prepared: Iterable[Prepared]) -> None:
    """Give an asset the derived assets that were made for it, in place of equal ones."""
    for item in prepared:
        if item.derived is not None:
            insert(library, db, asset, item.derived)


def insert(library: Library, db: sqlite3.Connection, asset: Asset, derived: Derived) -> None:
    """Give an asset one derived asset, in place of an equal one."""
    named_transformations.note(db, derived.transformation, library.now())
    db.execute(
        "INSERT INTO derived VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (seq, transformation, format) DO UPDATE SET bytes = excluded.bytes, width = excluded.width,"
        " height = excluded.height, original = excluded.original",
        (derived.id, asset.seq, *(getattr(derived, name) for name in _COLUMNS[1:]), library.now()),
    )


def find(db: sqlite3.Connection, asset: Asset, text: str, format_: str) -> Derived | None:
    """An asset's derived asset by transformation and format."""
    found = _select(
        db, "seq = ? AND transformation IN (?, ?) AND format = ?", (asset.seq, text, f"{text}/{format_}", format_)
    )
    return next(found, None)


def page(db: sqlite3.Connection, asset: Asset, after: str, limit: int) -> list[Derived]:
    """Derived assets of an asset in the order of their ids."""
    return list(_select(db, "seq = ? AND id > ? ORDER BY id LIMIT ?", (asset.seq, after, limit)))


def delete_of(db: sqlite3.Connection, asset: Asset, transformations: Iterable[str] = ()) -> int:
    """Delete an asset's derived assets, all or those of some transformations; returns how many there were."""
    names = tuple(transformations)
    condition, values = "seq = ?", (asset.seq, *names)
    if names:
        condition += f" AND transformation IN ({', '.join('?' * len(names))})"
    return db.execute(f"DELETE FROM derived WHERE {condition}", values).rowcount


def names_of(text: str | None) -> list[str]:
    """The names of transformations in a parameter such as ``c_fit,w_10|c_scale,w_20/png``."""
    return [_name(wanted(item)) for item in (text or "").split("|") if item]


def eager_items(library: Library, asset: Asset, prepared: Iterable[Prepared], batch_id: str | None) -> list[Document]:
    """The ``eager`` member of an answer; with a batch id the items are still to come."""
    return [_eager_item(library, asset, item, batch_id) for item in prepared]


def document(library: Library, asset: Asset, derived: Derived) -> Document:
    """One member of ``derived`` in a detail."""
    return {
        "transformation": derived.transformation,
        "format": derived.format,
        "bytes": derived.bytes,
        "id": derived.id,
        **library.documents.urls(asset, derived.transformation, derived.format),
    }


def _prepared(
    library: Library, want: Wanted, resource_type: str, original: str | None, own: str | None
) -> Prepared:  # fmt: skip
    name, format_ = _name(want), want.format or own or ""
    if resource_type != "image" or original is None:
        return Prepared(name, format_, None, "The emulator derives from stored images only")
    try:
        made = make(library, want, original, own)
    except ApiError as error:
        return Prepared(name, format_, None, error.message)
    return Prepared(name, made.format, made)


def _eager_item(library: Library, asset: Asset, item: Prepared, batch_id: str | None) -> Document:
    head: Document = {"transformation": item.name}
    urls = library.documents.urls(asset, item.name, item.format)
    if item.derived is None:
        return head | {"status": "failed", "reason": item.reason} | urls
    if batch_id is not None:
        return head | {"status": "processing", "batch_id": batch_id} | urls
    made = item.derived
    return head | {"width": made.width, "height": made.height, "bytes": made.bytes, "format": made.format} | urls


def _name(want: Wanted) -> str:
    return f"{want.text}/{want.format}".lstrip("/") if want.format else want.text


def _select(db: sqlite3.Connection, condition: str, values: tuple[object, ...]) -> Iterator[Derived]:
    rows = db.execute(f"SELECT {', '.join(_COLUMNS)} FROM derived WHERE {condition}", values)
    return (Derived(*row) for row in rows)
