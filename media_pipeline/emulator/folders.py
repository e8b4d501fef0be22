"""The folder tree of dynamic folder mode; a folder's place does not depend on the ids of its assets.

Belongs here: creating, listing, moving and deleting folders. Not here: listing the assets of one, see listing.
"""

# ruff: noqa: S608 -- statements are put together from names this package writes itself; values are bound.

from __future__ import annotations

import sqlite3

from media_pipeline.emulator import assets, notices
from media_pipeline.emulator.cursors import Cursors
from media_pipeline.emulator.documents import Document
from media_pipeline.emulator.errors import ApiError, bad_request, folder_not_found
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.naming import check_folder, random_hex

_ROOT_LIMIT = 2000
_INSERT = "INSERT INTO folder VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"


def ensure(db: sqlite3.Connection, path: str, now: int) -> str:
    """Create a folder and its parents where missing; returns the path in the spelling that is stored."""
    parent = ""
    for name in path.split("/") if path else ():
        row = _find(db, f"{parent}/{name}" if parent else name)
        if row is None:
            row = f"{parent}/{name}" if parent else name
            db.execute(_INSERT, (row, row.casefold(), parent.casefold(), name, random_hex(), now))
        parent = row
    return parent


def create(library: Library, path: str) -> Document:
    """Create a folder.

    Raises:
        ApiError: 409 if it is there, 400 for a name that breaks the rules.
    """
    path = check_folder(path)
    if not path:
        raise bad_request("Folder path must not be empty")
    with library.store.write() as db:
        if _find(db, path) is not None:
            raise ApiError(409, f"Folder {path} already exists")
        stored = ensure(db, path, library.now())
        library.notifications.post(db, notices.folder("create_folder", stored))
    return {"success": True, "path": stored, "name": stored.rpartition("/")[2]}


def roots(library: Library) -> Document:
    """Root folders: at most 2000, and the cursor is always null."""
    table = library.index_lag.table("folder")
    with library.store.read() as db:
        (total,) = db.execute(f"SELECT count(*) FROM {table} WHERE parent_key = ''").fetchone()
        shown = _children(db, table, "", "", _ROOT_LIMIT)
    return {"folders": shown, "next_cursor": None, "total_count": total}


def children(library: Library, path: str, cursors: Cursors, cursor: str | None, limit: int) -> Document:
    """One page of the folders directly below a path, by name; ``next_cursor`` is null on the last page."""
    (after,) = cursors.open(cursor) or ("",)
    table = library.index_lag.table("folder")
    with library.store.read() as db:
        stored = _get(db, path, table)
        key = stored.casefold()
        (total,) = db.execute(f"SELECT count(*) FROM {table} WHERE parent_key = ?", (key,)).fetchone()
        shown = _children(db, table, key, str(after), limit + 1)
    more = len(shown) > limit
    shown = shown[:limit]
    next_cursor = cursors.seal(str(shown[-1]["name"])) if more else None
    return {"folders": shown, "next_cursor": next_cursor, "total_count": total}


def move(library: Library, path: str, to: str) -> Document:
    """Rename or move a folder with everything below it; ids and versions of its assets stay.

    Raises:
        ApiError: 404 for an unknown folder, 409 if the new path is taken, 400 for a move into itself.
    """
    to = check_folder(to)
    with library.store.write() as db:
        source = _get(db, path)
        if not to or (f"{to.casefold()}/".startswith(f"{source.casefold()}/") and to.casefold() != source.casefold()):
            raise bad_request(f"Can't move folder {source} to {to}")
        taken = _find(db, to)
        if taken is not None and taken.casefold() != source.casefold():
            raise ApiError(409, f"Folder {to} already exists")
        now = library.now()
        below = db.execute(
            "SELECT path, name, external_id, created_at FROM folder WHERE path_key = ? OR path_key GLOB ?",
            (source.casefold(), _glob_below(source)),
        ).fetchall()
        db.executemany("DELETE FROM folder WHERE path = ?", [(row[0],) for row in below])
        parent = ensure(db, to.rpartition("/")[0], now)
        target = f"{parent}/{to.rpartition('/')[2]}" if parent else to
        for old, _, external_id, created_at in sorted(below):
            new = target + old[len(source) :]
            above, _, name = new.rpartition("/")
            db.execute(_INSERT, (new, new.casefold(), above.casefold(), name, external_id, created_at))
        for asset in list(_assets_in(db, source)):
            asset.asset_folder = target + asset.asset_folder[len(source) :]
            asset.touch(now)
            library.save(db, asset)
        library.notifications.post(db, notices.folder_moved(source, target))
    return {"from": _named(source), "to": _named(target)}


def delete(library: Library, path: str, skip_backup: bool) -> Document:
    """Delete a folder with its empty sub-folders.

    Raises:
        ApiError: 404 for an unknown folder, 400 if it or a sub-folder holds assets (backed-up deleted ones too).
    """
    with library.store.write() as db:
        stored = _get(db, path)
        inside = [a for a in _assets_in(db, stored) if not (skip_backup and a.status == "deleted")]
        if inside:
            raise bad_request(f"Folder is not empty: {stored}")
        deleted = db.execute(
            "DELETE FROM folder WHERE path_key = ? OR path_key GLOB ? RETURNING path",
            (stored.casefold(), _glob_below(stored)),
        ).fetchall()
        library.notifications.post(db, notices.folder("delete_folder", stored))
    return {"deleted": sorted(row[0] for row in deleted)}


def _named(path: str) -> Document:
    return {"name": path.rpartition("/")[2], "path": path}


def _glob_below(path: str) -> str:
    escaped = "".join(f"[{c}]" if c in "*?[" else c for c in path.casefold())
    return f"{escaped}/*"


def _assets_in(db: sqlite3.Connection, path: str) -> list[assets.Asset]:
    values = (path.casefold(), _glob_below(path))
    return list(assets.select(db, "folder_key = ? OR folder_key GLOB ?", values))


def _find(db: sqlite3.Connection, path: str, table: str = "folder") -> str | None:
    row = db.execute(f"SELECT path FROM {table} WHERE path_key = ?", (path.casefold(),)).fetchone()
    return None if row is None else str(row[0])


def _get(db: sqlite3.Connection, path: str, table: str = "folder") -> str:
    found = _find(db, path.strip("/"), table)
    if found is None:
        raise folder_not_found(path)
    return found


def _children(db: sqlite3.Connection, table: str, parent_key: str, after: str, limit: int) -> list[Document]:
    rows = db.execute(
        f"SELECT name, path, external_id FROM {table} WHERE parent_key = ? AND name > ? ORDER BY name LIMIT ?",
        (parent_key, after, limit),
    )
    return [{"name": name, "path": path, "external_id": external_id} for name, path, external_id in rows]
