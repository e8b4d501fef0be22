"""The emulator's one clock, and the two ways Cloudinary writes a time.

Belongs here: now, its offset, formats of time. Not here: who asks for the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache


class Clock:
    """Seconds since 1970; the offset lets tests travel."""

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self.offset_seconds = 0.0

    def now(self) -> float:
        """Seconds since 1970, with the offset."""
        return self._source() + self.offset_seconds


def zulu(seconds: int) -> str:
    """The form of listings, details and upload answers: ``2024-06-25T08:58:23Z``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=4096)
def offset_form(seconds: int) -> str:
    """The form of search, ``last_updated`` and notifications: ``2024-06-25T08:58:23+00:00``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def precise_form(seconds: float) -> str:
    """As `offset_form`, with milliseconds: the time of what caused a notification."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def http_date(seconds: float) -> str:
    """The form of HTTP headers: ``Wed, 03 Oct 2012 08:00:00 GMT``."""
    return formatdate(seconds, usegmt=True)


def parse_time(text: str) -> int:
    """Seconds of a date or time; UTC unless the text has an offset.

    ISO 8601, or what Cloudinary's SDKs make of a time of their language: ``2024-06-25 08:58:23 UTC`` in Ruby,
    ``Tue, 25 Jun 2024 08:58:23 GMT`` or ``Tue Jun 25 2024 08:58:23 GMT+0000 (…)`` in JavaScript.

    Raises:
        ValueError: The text is no such time.
    """
    try:
        moment = datetime.fromisoformat(text.strip().removesuffix(" UTC"))
    except ValueError:
        moment = parsedate_to_datetime(text.partition("(")[0].replace("GMT+", "+").replace("GMT-", "-"))
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
