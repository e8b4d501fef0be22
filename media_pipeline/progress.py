"""What long work tells while it goes on.

Belongs here: the protocol that rooms report to, and the one that ignores it.
Not here: how progress is shown (``cli``, ``orchestration``).
"""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives counts while work goes on; called from several threads."""

    def advance(self, step: str, *, done: int = 0, total: int | None = None, **counts: int) -> None:
        """Report on one step.

        Args:
            step: e.g. ``listing``, ``mirror``, ``verify``, ``diff``, ``apply``.
            done: units finished since the last report.
            total: units expected in all, once known.
            counts: further figures, each since the last report, such as ``assets=500``.
        """

    def note(self, text: str) -> None:
        """Say one sentence, such as why the work waits."""


class Silent:
    """Progress that nobody watches."""

    def advance(self, step: str, *, done: int = 0, total: int | None = None, **counts: int) -> None:
        """Ignore it."""

    def note(self, text: str) -> None:
        """Ignore it."""
