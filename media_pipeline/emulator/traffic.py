"""What went over the wire: a bounded journal of requests, and the server's own time by route.

Belongs here: recording. Not here: serving the records, see control_api.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque

import msgspec

_JOURNAL_LENGTH = 10_000


class Entry(msgspec.Struct, frozen=True):
    """One request: `path` is decoded, `fault` names the kind that was injected."""

    at: float
    method: str
    path: str
    query: str
    status: int | None
    request_id: str
    seconds: float
    fault: str | None = None


class RouteTime(msgspec.Struct):
    """Server time spent on a route; delays that were injected are not in it."""

    requests: int = 0
    seconds: float = 0.0
    slowest_seconds: float = 0.0


class Traffic:
    """Journal and statistics of one emulator; an answer that never came has the status None."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._journal: deque[Entry] = deque(maxlen=_JOURNAL_LENGTH)
        self._routes: defaultdict[str, RouteTime] = defaultdict(RouteTime)

    def record(self, entry: Entry, route: str) -> None:
        """Note a finished request."""
        with self._lock:
            self._journal.append(entry)
            time = self._routes[route]
            time.requests += 1
            time.seconds += entry.seconds
            time.slowest_seconds = max(time.slowest_seconds, entry.seconds)

    def journal(self) -> list[Entry]:
        """The requests, oldest first."""
        with self._lock:
            return list(self._journal)

    def routes(self) -> dict[str, RouteTime]:
        """Time by route since the last clearing."""
        with self._lock:
            return {route: msgspec.structs.replace(time) for route, time in self._routes.items()}

    def clear_journal(self) -> None:
        """Forget the requests."""
        with self._lock:
            self._journal.clear()

    def clear_routes(self) -> None:
        """Forget the times."""
        with self._lock:
            self._routes.clear()
