"""Deletion and what survives it: backed-up versions, placeholders, restore.

Belongs here: removing originals and bringing versions back. Not here: which assets a call names, see admin.
"""

from __future__ import annotations

import sqlite3

import msgspec

from media_pipeline.emulator import assets, derived
from media_pipeline.emulator.assets import VERSION_COLUMNS, Asset
from media_pipeline.emulator.clock import offset_form
from media_pipeline.emulator.documents import Document
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.naming import random_hex


def save_version(db: sqlite3.Connection, asset: Asset) -> None:
    """Keep the asset's current bytes as a version; the caller saves the asset, whose `backup_bytes` grow."""
    facts = {name: getattr(asset, name) for name in VERSION_COLUMNS}
    added = db.execute(
        "INSERT INTO backup VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            asset.asset_id,
            asset.version_id,
            asset.version,
            msgspec.json.encode(facts).decode(),
            asset.bytes,
            asset.original,
        ),
    )
    if added.rowcount:
        asset.backup_bytes += asset.bytes


def delete(library: Library, db: sqlite3.Connection, asset: Asset) -> bool:
    """Delete an original; a backed-up one stays as a placeholder. False if it was deleted before."""
    if asset.status == "deleted":
        return False
    if asset.backup_bytes:
        asset.status, asset.placeholder, asset.bytes, asset.original = "deleted", True, 0, None
        asset.touch(library.now())
        derived.delete_of(db, asset)
        library.save(db, asset)
    else:
        assets.remove(db, asset)
    return True


def restore(library: Library, db: sqlite3.Connection, asset: Asset | None, version_id: str | None) -> Document:
    """Bring back the newest version or a given one; the answer is the resource or ``{"error": "no_backup"}``."""
    if asset is None:
        return {"error": "no_backup"}
    found = db.execute(
        "SELECT facts, bytes, original FROM backup WHERE asset_id = ? AND (? IS NULL OR version_id = ?)"
        " ORDER BY version DESC LIMIT 1",
        (asset.asset_id, version_id, version_id),
    ).fetchone()
    if found is None:
        return {"error": "no_backup"}
    facts, asset.bytes, asset.original = found
    for name, value in msgspec.json.decode(facts).items():
        setattr(asset, name, value)
    now = library.now()
    asset.status, asset.placeholder = "active", False
    asset.version = library.next_version(asset)
    # A restore counts as a new upload in every way: new version, and a new time of creation.
    asset.created_at = asset.uploaded_at = asset.version
    asset.version_id = random_hex()
    asset.touch(now)
    save_version(db, asset)
    library.save(db, asset)
    return library.documents.restored(asset)


def versions(db: sqlite3.Connection, asset: Asset) -> list[Document]:
    """The ``versions`` member of a detail, oldest first; `version` is text there and only there."""
    rows = db.execute(
        "SELECT version_id, version, facts, bytes FROM backup WHERE asset_id = ? ORDER BY version",
        (asset.asset_id,),
    )
    listed = []
    for version_id, version, facts_text, size in rows:
        facts = msgspec.json.decode(facts_text)
        listed.append(
            {
                "version_id": version_id,
                "version": str(version),
                "format": facts["format"],
                "size": size,
                "time": offset_form(facts["uploaded_at"]),
                "restorable": True,
            }
        )
    return listed


def original_of(db: sqlite3.Connection, asset_id: str, version_id: str) -> str | None:
    """The digest of a backed-up version's bytes; None if there is no such version, or its bytes are fictional."""
    row = db.execute(
        "SELECT original FROM backup WHERE asset_id = ? AND version_id = ?", (asset_id, version_id)
    ).fetchone()
    return row[0] if row else None


def delete_versions(library: Library, db: sqlite3.Connection, asset: Asset, version_ids: list[str]) -> list[str]:
    """Remove backed-up versions for good and return the ids that were there."""
    gone = []
    for version_id in version_ids:
        size = db.execute(
            "DELETE FROM backup WHERE asset_id = ? AND version_id = ? RETURNING bytes",
            (asset.asset_id, version_id),
        ).fetchone()
        if size:
            gone.append(version_id)
            asset.backup_bytes -= int(size[0])
    if asset.backup_bytes <= 0 and asset.status == "deleted":
        assets.remove(db, asset)
    else:
        library.save(db, asset)
    return gone
