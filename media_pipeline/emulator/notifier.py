"""Sends webhooks in the background, signed over the exact bytes, with Cloudinary's three retries.

Belongs here: HTTP to receivers, times of retries. Not here: who gets what, see notifications.
"""

from __future__ import annotations

import threading
from urllib.parse import urlsplit

import httpx

from media_pipeline.emulator.clock import Clock
from media_pipeline.emulator.config import HEADER, Settings, is_loopback
from media_pipeline.emulator.notifications import DUE, Attempt, Notifications, with_attempt
from media_pipeline.emulator.store import Store

# Seconds after the first attempt.
_RETRIES_SECONDS = (180.0, 360.0, 540.0)
# How often a clock is looked at that nobody told us of.
_LOOK_SECONDS = 0.5


class Notifier:
    """The one sender of an emulator; its thread begins with the first message."""

    def __init__(self, store: Store, settings: Settings, clock: Clock, notifications: Notifications) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._notifications = notifications
        self._sending = threading.Lock()
        self._starting = threading.Lock()
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._http = httpx.Client(trust_env=False, verify=False)  # noqa: S501 -- receivers are on this machine
        notifications.on_posted = self.wake
        if self._next_due() is not None:
            self.wake()

    def wake(self) -> None:
        """A message was posted."""
        with self._starting:
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._run, name="emulator notifier", daemon=True)
                self._thread.start()
        self._awake.set()

    def look_again(self) -> None:
        """The clock was moved: something that waits may be due now."""
        self._awake.set()

    def settle(self) -> None:
        """Send everything that is due; returns when nothing is left for now."""
        with self._sending:
            while self._send_next():
                pass

    def close(self) -> None:
        """Stop after the message under way."""
        self._stopping.set()
        self._awake.set()
        if self._thread is not None:
            self._thread.join(self._settings.webhook_timeout_seconds + 1)
        self._http.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._awake.clear()
            with self._sending:
                while not self._stopping.is_set() and self._send_next():
                    pass
            self._awake.wait(None if self._next_due() is None else _LOOK_SECONDS)

    def _next_due(self) -> float | None:
        with self._store.read() as db:
            (due,) = db.execute("SELECT min(due_at) FROM message WHERE is_polled = 0 AND state = 'waiting'").fetchone()
        return None if due is None else float(due)

    def _send_next(self) -> bool:
        """Send one message that is due; False if there is none."""
        now = self._clock.now()
        with self._store.read() as db:
            row = db.execute(
                "SELECT id, uri, body, tampered, attempts, coalesce(first_attempt_at, ?) FROM message"  # noqa: S608
                f" WHERE is_polled = 0 AND {DUE} ORDER BY due_at, id LIMIT 1",
                (now, now),
            ).fetchone()
        if row is None:
            return False
        id_, uri, body, tampered, attempts, first = row
        attempt, state = Attempt(now), "refused"
        if is_loopback(urlsplit(uri).hostname or ""):
            attempt = self._sent(uri, body, tampered or body)
            state = "delivered" if attempt.status == httpx.codes.OK else "waiting"
        else:
            attempt = Attempt(now, None, "The emulator sends to this machine only")
        attempts = with_attempt(attempts, attempt)
        due_at = now
        if state == "waiting":
            later = [first + seconds for seconds in _RETRIES_SECONDS if first + seconds > now]
            due_at, state = (later[0], state) if later else (now, "failed")
        with self._store.write() as db:
            db.execute(
                "UPDATE message SET state = ?, due_at = ?, first_attempt_at = ?, attempts = ? WHERE id = ?",
                (state, due_at, first, attempts, id_),
            )
        return True

    def _sent(self, uri: str, body: bytes, sent: bytes) -> Attempt:
        now = self._clock.now()
        timestamp = str(int(now))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Cloudinary",
            "X-Cld-Timestamp": timestamp,
            "X-Cld-Signature": self._notifications.signature(body, timestamp),
            HEADER: "1",
        }
        try:
            answer = self._http.post(uri, content=sent, headers=headers, timeout=self._settings.webhook_timeout_seconds)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Attempt(now, None, f"{type(error).__name__}: {error}")
        return Attempt(now, answer.status_code)
