"""Triggers: the global recipients of notifications.

Belongs here: the ``/triggers`` resource. Not here: what is sent to them, see notifications.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3

from media_pipeline.emulator.clock import zulu
from media_pipeline.emulator.documents import Document
from media_pipeline.emulator.errors import ApiError, bad_request, invalid_value
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.naming import random_hex
from media_pipeline.emulator.notices import EVENT_TYPES
from media_pipeline.emulator.notifications import POLL
from media_pipeline.emulator.params import Params

_LIMIT = 30
_POLLED = re.compile(r"poll://(\*|[\w./-]+)")
_WEBHOOK = re.compile(r"https?://[^\s/]+.*")
# Both leave out what the emulator does not compute: the Ed25519 signature.
_AUTH_SCHEMES = ("default", "legacy_hmac")
_NOT_EMULATED = ("filter", "payload_template")
_COLUMNS = "id, uri, uri_type, event_type, additive, auth_scheme, created_at, updated_at"


def listed(library: Library, params: Params) -> Document:
    """All triggers, or those of one event type."""
    event_type = params.text("event_type")
    with library.store.read() as db:
        rows = db.execute(
            f"SELECT {_COLUMNS} FROM notification_trigger WHERE ? IS NULL OR event_type = ? ORDER BY created_at, id",  # noqa: S608
            (event_type, event_type),
        ).fetchall()
    return {"triggers": [_shown(library, row) for row in rows], "total": len(rows)}


def create(library: Library, params: Params) -> Document:
    """Add a recipient.

    Raises:
        ApiError: 400 for an address or type that is none, or one too many; 409 for one that is there.
    """
    uri, event_type = params.required("uri"), params.required("event_type")
    if event_type not in EVENT_TYPES:
        raise invalid_value(event_type, "event_type")
    uri_type = _uri_type(uri, "uri")
    if params.text("uri_type") not in (None, uri_type):
        raise invalid_value(params.text("uri_type"), "uri_type")
    scheme = params.text("auth_scheme") or "default"
    if scheme not in _AUTH_SCHEMES:
        raise invalid_value(scheme, "auth_scheme")
    for name in _NOT_EMULATED:
        if params.values.get(name):
            raise bad_request(f"The emulator knows no {name} of triggers: create the trigger without it")
    now = library.now()
    with library.store.write() as db:
        (count,) = db.execute("SELECT count(*) FROM notification_trigger").fetchone()
        if count >= _LIMIT:
            raise bad_request(f"Too many triggers: at most {_LIMIT}")
        row = (random_hex(), uri, uri_type, event_type, params.flag("additive"), scheme, now, now)
        try:
            db.execute("INSERT INTO notification_trigger VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        except sqlite3.IntegrityError:
            raise ApiError(409, f"A trigger of {event_type} to {uri} already exists") from None
    return _shown(library, row)


def update(library: Library, params: Params, trigger_id: str) -> Document:
    """Send to another address; 404 for an unknown trigger."""
    uri = params.required("new_uri")
    with library.store.write() as db:
        _get(db, trigger_id)
        db.execute(
            "UPDATE notification_trigger SET uri = ?, uri_type = ?, updated_at = ? WHERE id = ?",
            (uri, _uri_type(uri, "new_uri"), library.now(), trigger_id),
        )
    return {"message": "ok"}


def delete(library: Library, trigger_id: str) -> Document:
    """Remove a recipient; 404 for an unknown trigger."""
    with library.store.write() as db:
        _get(db, trigger_id)
        db.execute("DELETE FROM notification_trigger WHERE id = ?", (trigger_id,))
    return {"message": "ok"}


def test(library: Library, trigger_id: str) -> Document:
    """What a trigger's filter says of sample data; there are no filters, so everything passes."""
    with library.store.read() as db:
        _get(db, trigger_id)
    return {"trigger_id": trigger_id, "filter_present": False, "filter_result": True}


def _uri_type(uri: str, parameter: str) -> str:
    if (_POLLED if uri.startswith(POLL) else _WEBHOOK).fullmatch(uri) is None:
        raise invalid_value(uri, parameter)
    return "poll" if uri.startswith(POLL) else "webhook"


def _get(db: sqlite3.Connection, trigger_id: str) -> None:
    if db.execute("SELECT 1 FROM notification_trigger WHERE id = ?", (trigger_id,)).fetchone() is None:
        raise ApiError(404, f"Trigger not found - {trigger_id}")


def _shown(library: Library, row: tuple[object, ...]) -> Document:
    id_, uri, uri_type, event_type, additive, scheme, created_at, updated_at = row
    return {
        "id": id_,
        "product_environment_id": hashlib.md5(library.config.cloud_name.encode()).hexdigest(),
        "uri_type": uri_type,
        "uri": uri,
        "event_type": event_type,
        "created_at": zulu(int(str(created_at))),
        "updated_at": zulu(int(str(updated_at))),
        "additive": bool(additive),
        "auth_scheme": scheme,
    }
