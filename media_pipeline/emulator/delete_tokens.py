"""Delete tokens: an upload's caller may delete what it uploaded, without credentials, for ten minutes.

Belongs here: issuing and redeeming tokens. Not here: the deletion itself, see backups.
"""

from __future__ import annotations

import secrets
import sqlite3

from media_pipeline.emulator.assets import Asset

VALID_SECONDS = 600


def issue(db: sqlite3.Connection, asset: Asset, now: int) -> str:
    """A token for an asset."""
    token = secrets.token_hex(32)
    db.execute("INSERT INTO delete_token VALUES (?, ?, ?)", (token, asset.asset_id, now + VALID_SECONDS))
    return token


def redeem(db: sqlite3.Connection, token: str, now: int) -> str | None:
    """The id of the asset a token is for; None if it is unknown, used or expired."""
    row = db.execute("DELETE FROM delete_token WHERE token = ? RETURNING asset_id, expires_at", (token,)).fetchone()
    return str(row[0]) if row and now <= row[1] else None
