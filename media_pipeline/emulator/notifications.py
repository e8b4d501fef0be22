"""Notifications on their way: recipients, messages, and the buffers that callers poll.

Belongs here: posting a notice to its recipients within the transaction of its change, claiming and acknowledging
polled messages. Not here: what notices say, see notices; sending webhooks, see notifier.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from media_pipeline.emulator import cause
from media_pipeline.emulator.clock import Clock, offset_form, precise_form
from media_pipeline.emulator.config import EmulatorConfig, Settings
from media_pipeline.emulator.documents import Document
from media_pipeline.emulator.faults import Faults, Kind
from media_pipeline.emulator.notices import Notice
from media_pipeline.emulator.store import Store

POLL = "poll://"
_INSERT = (
    "INSERT INTO message (event_type, uri, is_polled, batch_id, request_id, body, tampered, is_held, posted_at, due_at,"
    " state, attempts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '[]')"
)
_UNHELD = (
    "(is_held = 0 OR EXISTS (SELECT 1 FROM message AS later WHERE later.uri = message.uri AND later.id > message.id"
    " AND later.attempts <> '[]'))"
)
DUE = f"state = 'waiting' AND due_at <= ? AND {_UNHELD}"


class Attempt(msgspec.Struct, frozen=True):
    """One try to deliver a message: when, and the receiver's status or what went wrong; a claim has neither."""

    at: float
    status: int | None = None
    error: str | None = None


class Delivery(msgspec.Struct, frozen=True):
    """One message and what became of it.

    Attributes:
        state: ``waiting``, ``delivered``, ``failed`` (after the last retry), ``refused`` (another machine) or
            ``dropped`` (by a fault).
        body: The signed text.
    """

    id: int
    event_type: str
    uri: str
    batch_id: str
    request_id: str
    state: str
    due_at: float
    attempts: list[Attempt]
    body: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """An address of a webhook, or of a buffer behind ``poll://``."""

    uri: str

    @property
    def is_polled(self) -> bool:
        """Whether messages wait there to be fetched."""
        return self.uri.startswith(POLL)


class Notifications:
    """Messages of one cloud; `on_posted` is called after the commit of a transaction that posted any."""

    def __init__(self, store: Store, config: EmulatorConfig, settings: Settings, clock: Clock, faults: Faults) -> None:
        self._store = store
        self._config = config
        self._settings = settings
        self._clock = clock
        self._faults = faults
        self._has_posted = False
        self.on_posted: Callable[[], None] = lambda: None
        store.after_commit = self._after_commit

    def post(self, db: sqlite3.Connection, *notices: Notice, url: str | None = None) -> None:
        """Write notices to everybody they concern; they leave when the transaction is committed.

        Args:
            url: Where the call wants these notices; its ``notification_url`` unless given.
        """
        origin = cause.current()
        for notice in notices:
            recipients = _recipients(db, notice.event_type, url or origin.notification_url)
            if not recipients:
                continue
            body = self._body(notice, origin)
            for recipient in recipients:
                self._write(db, notice.event_type, recipient, body, origin)

    def claim(self, channel: str | None, batch_id: str | None, limit: int, visibility_seconds: int) -> list[Document]:
        """Take messages out of a buffer; they come back after a while unless they are acknowledged."""
        now = self._clock.now()
        where, value = ("uri = ?", POLL + channel) if channel else ("batch_id = ?", batch_id)
        condition, claimed = f"is_polled = 1 AND {where} AND {DUE}", []
        with self._store.read() as db:
            # Most looks find nothing; they must not wait for those who write.
            if db.execute(f"SELECT 1 FROM message WHERE {condition} LIMIT 1", (value, now)).fetchone() is None:  # noqa: S608
                return []
        with self._store.write() as db:
            rows = db.execute(
                f"SELECT id, batch_id, body, tampered, attempts FROM message WHERE {condition} ORDER BY id LIMIT ?",  # noqa: S608
                (value, now, limit),
            ).fetchall()
            for id_, batch, body, tampered, attempts in rows:
                handle = secrets.token_urlsafe(32)
                db.execute(
                    "UPDATE message SET due_at = ?, receipt_handle = ?, attempts = ? WHERE id = ?",
                    (now + visibility_seconds, handle, with_attempt(attempts, Attempt(now)), id_),
                )
                claimed.append(self._message(handle, batch, body, tampered or body))
        return claimed

    def acknowledge(self, handle: str) -> bool:
        """Remove a claimed message for good; False for a handle that is unknown or no longer the last one."""
        with self._store.write() as db:
            done = db.execute(
                "UPDATE message SET state = 'delivered', receipt_handle = NULL WHERE receipt_handle = ?", (handle,)
            )
        return done.rowcount > 0

    def signature(self, body: bytes, timestamp: str) -> str:
        """The plain hash over body, timestamp and secret that receivers check."""
        signed = body + timestamp.encode() + self._config.api_secret.encode()
        return hashlib.new(self._settings.notification_algorithm, signed).hexdigest()

    def deliveries(self) -> list[Delivery]:
        """All messages, oldest first."""
        with self._store.read() as db:
            rows = db.execute(
                "SELECT id, event_type, uri, batch_id, request_id, state, due_at, attempts, body"
                " FROM message ORDER BY id"
            ).fetchall()
        return [
            Delivery(id_, type_, uri, batch, request, state, due, _decoded(attempts), body.decode())
            for id_, type_, uri, batch, request, state, due, attempts, body in rows
        ]

    def forget(self) -> None:
        """Remove all messages, sent or not."""
        with self._store.write() as db:
            db.execute("DELETE FROM message")

    def _body(self, notice: Notice, origin: cause.Cause) -> bytes:
        now = self._clock.now()
        document: Document = {"notification_type": notice.event_type}
        if notice.has_time:
            document |= {"timestamp": offset_form(int(now)), "request_id": origin.request_id}
        document |= notice.members
        source = "ui" if origin.console_user else "api"
        if notice.has_source:
            document["source"] = source
        by = {"source": source, "id": origin.console_user or self._config.api_key}
        document["notification_context"] = {"triggered_at": precise_form(now), "triggered_by": by}
        document["signature_key"] = self._config.api_key
        return msgspec.json.encode(document)

    def _write(
        self, db: sqlite3.Connection, event_type: str, recipient: Recipient, body: bytes, origin: cause.Cause
    ) -> None:
        rule, now = self._faults.take_notice(event_type), self._clock.now()
        kind = None if rule is None else rule.kind
        row = (
            event_type,
            recipient.uri,
            recipient.is_polled,
            origin.batch_id,
            origin.request_id,
            body,
            body[:-1] + b',"tampered":true}' if kind is Kind.WEBHOOK_TAMPERED else None,
            kind is Kind.WEBHOOK_REORDERED,
            now,
            now + (rule.seconds if rule is not None and kind is Kind.WEBHOOK_DELAYED else 0),
            "dropped" if kind is Kind.WEBHOOK_DROPPED else "waiting",
        )
        for _ in range(2 if kind is Kind.WEBHOOK_DUPLICATED else 1):
            db.execute(_INSERT, row)
        self._has_posted = True

    def _message(self, handle: str, batch_id: str, body: bytes, sent: bytes) -> Document:
        timestamp = str(int(self._clock.now()))
        return {
            "receipt_handle": handle,
            "batch_id": batch_id,
            "payload": msgspec.Raw(sent),
            "signed_payload": base64.urlsafe_b64encode(sent).decode().rstrip("="),
            "signature": self.signature(body, timestamp),
            "timestamp": timestamp,
        }

    def _after_commit(self) -> None:
        if self._has_posted:
            self._has_posted = False
            self.on_posted()


def with_attempt(attempts: str, attempt: Attempt) -> str:
    """A stored list of attempts with one more."""
    return msgspec.json.encode([*_decoded(attempts), attempt]).decode()


def _decoded(attempts: str) -> list[Attempt]:
    return msgspec.json.decode(attempts, type=list[Attempt])


def _recipients(db: sqlite3.Connection, event_type: str, url: str | None) -> list[Recipient]:
    """The call's own address in place of the global ones; additive triggers get the event in any case."""
    rows = db.execute(
        "SELECT uri FROM notification_trigger WHERE event_type IN (?, 'all') AND (additive OR ? IS NULL)"
        " ORDER BY created_at, id",
        (event_type, url),
    )
    own = [url] if url else []
    return [Recipient(uri) for uri in dict.fromkeys([*own, *(str(uri) for (uri,) in rows)])]
