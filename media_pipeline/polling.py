"""The poll channel: notifications that are fetched instead of received, into the same spool.

Belongs here: claiming, proving, keeping and acknowledging messages, waiting when something is down.
Not here: the calls (``remote.client``), the proof (``intake.signature``), the spool (``intake.spool``). No database.

It needs no address that Cloudinary can reach, and it costs no Admin API call. A message is acknowledged only after its
change file is durable; one that is not comes back by itself, and twice the same body is merged where it is landed.

A message that no configured secret proves goes to the spool's quarantine with the reason, and is acknowledged: so it
is not lost, it does not come back for ever, and a person may replay it. Its age is not judged: it comes from the API
itself over TLS, and after an outage the oldest messages are the ones that are wanted.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog

from media_pipeline.errors import RemoteMalformed, RemoteOutcomeUnknown, RemoteTransient, SignatureRejected, SpoolError
from media_pipeline.intake.change_file import Notification
from media_pipeline.intake.signature import Verifier
from media_pipeline.intake.spool import Spool
from media_pipeline.remote import notifications
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.remote.notifications import PolledMessage
from media_pipeline.vocabulary import Channel

WAIT_SECONDS: Final = 20
"""How long one call waits for the first message."""
VISIBILITY_SECONDS: Final = 60
"""Time in which messages must be kept and acknowledged; the disk takes milliseconds."""
_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 60.0

log = structlog.get_logger(__name__)
_random = secrets.SystemRandom()


@dataclass(frozen=True, slots=True)
class PollResult:
    """What polling led to; ``received_count == kept_count + set_aside_count``."""

    received_count: int = 0
    kept_count: int = 0
    set_aside_count: int = 0

    def __add__(self, other: PollResult) -> PollResult:
        return PollResult(
            self.received_count + other.received_count,
            self.kept_count + other.kept_count,
            self.set_aside_count + other.set_aside_count,
        )


def poll_once(
    client: CloudinaryClient, spool: Spool, verifier: Verifier, *, channel: str, wait_seconds: int
) -> PollResult:
    """Claim up to 100 messages, make them durable, then acknowledge them.

    Raises:
        SpoolError: they could not be kept; none was acknowledged, so they come back.
        RemoteError: the channel cannot be read, or the acknowledgement failed, so that they come back.
    """
    page = client.notifications(channel, wait_seconds=wait_seconds, visibility_seconds=VISIBILITY_SECONDS)
    found = notifications.messages(page)
    good: list[Notification] = []
    bad: list[tuple[Notification, str]] = []
    for message in found:
        try:
            good.append(_proved(message, verifier))
        except SignatureRejected as error:
            bad.append((_as_it_came(message), error.reason))
    if good:
        spool.put(good)
    for notification, reason in bad:
        log.warning("notification_set_aside", room="polling", channel=channel, reason=reason)
        spool.put_aside([notification], reason)
    if handles := [one.receipt_handle for one in found if one.receipt_handle is not None]:
        client.acknowledge(handles)
    return PollResult(len(found), len(good), len(bad))


def poll_what_waits(client: CloudinaryClient, spool: Spool, verifier: Verifier, *, channel: str) -> PollResult:
    """Take what is in the channel now, without waiting for more.

    Raises:
        SpoolError, RemoteError: as ``poll_once``; what was acknowledged by then is kept.
    """
    total = PollResult()
    while (result := poll_once(client, spool, verifier, channel=channel, wait_seconds=0)).received_count:
        total += result
    return total


def poll(
    client: CloudinaryClient,
    spool: Spool,
    verifier: Verifier,
    *,
    channel: str,
    wait_seconds: int = WAIT_SECONDS,
    pause_seconds: float = _PAUSE_SECONDS,
    stop: threading.Event,
) -> PollResult:
    """Poll until *stop* is set, for as long as it takes; what may pass is waited for.

    Args:
        pause_seconds: first pause after a failure; the next ones double up to a minute, with full jitter.

    Raises:
        RemotePermanent: the key is refused or may not read notifications: waiting would not help.
    """
    total = PollResult()
    failures = 0
    while not stop.is_set():
        try:
            total += poll_once(client, spool, verifier, channel=channel, wait_seconds=wait_seconds)
            failures = 0
        except (RemoteTransient, RemoteMalformed, RemoteOutcomeUnknown, SpoolError) as error:
            failures += 1
            bound = min(_LONGEST_PAUSE_SECONDS, pause_seconds * 2 ** min(failures - 1, 10))
            pause = _random.uniform(bound / 2, bound)
            log.warning(
                "polling_paused", room="polling", channel=channel, reason=str(error), pause_seconds=round(pause, 1)
            )
            stop.wait(pause)
    return total


def _proved(message: PolledMessage, verifier: Verifier) -> Notification:
    if message.body is None or message.timestamp is None or message.signature is None:
        raise SignatureRejected("signed payload, timestamp or signature is missing or cannot be decoded")
    timestamp, signature = (text.encode("utf-8", "replace") for text in (message.timestamp, message.signature))
    key = verifier.verify(message.body, timestamp, signature, now=None)
    headers = {"x-cld-timestamp": message.timestamp, "x-cld-signature": message.signature, "key": key}
    return Notification(message.body, datetime.now(UTC), Channel.POLL, headers)


def _as_it_came(message: PolledMessage) -> Notification:
    """For the quarantine: the payload if it can be decoded, so that a replay lands it; else all of the message."""
    return Notification(message.raw if message.body is None else message.body, datetime.now(UTC), Channel.POLL, {})
