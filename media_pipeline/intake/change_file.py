r"""The form of a change file: notifications as bytes, and back.

Belongs here: notifications, their encoding, finding out that a file is not whole.
Not here: files and directories (``intake.spool``).

A change file is a row of notifications, the one right behind the other:

    MPCF1 <SHA-256> <how many follow> <length of the body> <head as JSON>\n<body>\n

The SHA-256 is over everything behind it up to the end of the body, so that no bit of it may change unnoticed; the
count of those that follow tells a file that lost its end between two notifications from a whole one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

from media_pipeline.errors import TornFile
from media_pipeline.vocabulary import Channel

_HEAD: Final = re.compile(rb"MPCF1 ([0-9a-f]{64}) (\d{1,9}) (\d{1,9}) ([^\n]*)\n")


@dataclass(frozen=True, slots=True)
class Notification:
    """One signed message as it arrived.

    Attributes:
        body: raw, exactly the bytes that were signed.
        received_at: UTC.
        headers: lower-case names, only what later work needs; ``key`` says which configured secret proved the
            message (its position or API key, never the secret).
    """

    body: bytes
    received_at: datetime
    channel: Channel
    headers: Mapping[str, str]


class _Head(msgspec.Struct):
    received_at: datetime
    channel: Channel
    headers: dict[str, str]


def encoded(notifications: Sequence[Notification]) -> bytes:
    """The content of a change file; it holds at least one notification."""
    if not notifications:
        raise ValueError("a change file holds at least one notification")
    parts = []
    for position, one in enumerate(notifications, start=1):
        head = msgspec.json.encode(_Head(one.received_at.astimezone(UTC), one.channel, dict(one.headers)))
        rest = b"%d %d %s\n%s" % (len(notifications) - position, len(one.body), head, one.body)
        parts.append(b"MPCF1 %s %s\n" % (hashlib.sha256(rest).hexdigest().encode(), rest))
    return b"".join(parts)


def decoded(content: bytes, name: str) -> list[Notification]:
    """The notifications of a change file, in their order.

    Raises:
        TornFile: *content* is not what ``encoded`` gave; *name* is told.
    """
    found: list[Notification] = []
    start, follow = 0, None
    while start < len(content):
        head = _HEAD.match(content, start)
        if head is None:
            raise TornFile(name, "a head is not whole")
        digest, position, length, members = head.groups()
        end = head.end() + int(length)
        if content[end : end + 1] != b"\n":
            raise TornFile(name, "a body has another length")
        if hashlib.sha256(content[head.start(2) : end]).hexdigest().encode() != digest:
            raise TornFile(name, "a digest differs")
        if follow not in (None, int(position) + 1):
            raise TornFile(name, "a notification is missing")
        try:
            known = msgspec.json.decode(members, type=_Head)
        except msgspec.MsgspecError as error:
            raise TornFile(name, "a head says what nobody here understands") from error
        found.append(Notification(content[head.end() : end], known.received_at, known.channel, known.headers))
        start, follow = end + 1, int(position)
    if follow != 0:
        raise TornFile(name, "its end is missing")
    return found
