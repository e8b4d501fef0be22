"""Progress that is told in the log of a Dagster run.

Belongs here: how often and in which words.
Not here: progress bars (``cli``).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Final

_PAUSE_SECONDS: Final = 10.0
"""Between two lines of counts: each is a row in Dagster's event log."""


class RunLog:
    """Writes notes at once and counts every ten seconds; called from several threads."""

    def __init__(self, log: logging.Logger, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._lock = threading.Lock()
        self._next_at = clock() + _PAUSE_SECONDS
        self._done: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._totals: dict[str, int] = {}

    def advance(self, step: str, *, done: int = 0, total: int | None = None, **counts: int) -> None:
        """Add to the counts of *step*, and tell them if the last line is old enough."""
        with self._lock:
            tally = self._done[step]
            tally.update({"done": done, **counts})
            if total is not None:
                self._totals[step] = total
            if self._clock() < self._next_at:
                return
            self._next_at = self._clock() + _PAUSE_SECONDS
            of_all = f" of {self._totals[step]}" if step in self._totals else ""
            more = "".join(f", {tally[name]} {name}" for name in counts)
            line = f"{step}: {tally['done']}{of_all}{more}"
        self._log.info(line)

    def note(self, text: str) -> None:
        """Tell one sentence."""
        self._log.info(text)
