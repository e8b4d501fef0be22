"""Progress as a person sees it: a line for each step, with counts and the time it takes.

Belongs here: the words for the steps, the live display, its silence where nobody watches.
Not here: what is reported (the rooms), results (each command).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Display

from media_pipeline.cli import screen
from media_pipeline.progress import Progress, Silent

_WORDS: Final = {
    "upload": "Uploading the sample library",
    "listing": "Listing pages of the cloud",
    "window": "Searching what changed",
    "change_files": "Taking notifications in",
    "mirror": "Taking pages over",
    "verify": "Reading assets by their id",
    "diff": "Comparing",
    "apply": "Writing media_assets",
    "push": "Pushing edits",
    "record": "Recording edits",
    "folders": "Reading folders",
    "compare": "Comparing page by page",
}
_ASK_SECONDS: Final = 1.0


@contextmanager
def progress(calls_left: Callable[[], int | None] = lambda: None) -> Iterator[Progress]:
    """Progress on standard error while the block lasts; silent where that is no terminal.

    Args:
        calls_left: asked about once a second for what is left of the hourly allowance.
    """
    console = screen.err()
    if not console.is_terminal:
        yield Silent()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[figures]}", style="dim"),
    )
    with Display(*columns, console=console, transient=True) as display:
        yield _Live(display, calls_left)


class _Live:
    """Keeps a line a step; called from several threads."""

    def __init__(self, display: Display, calls_left: Callable[[], int | None]) -> None:
        self._display = display
        self._calls_left = calls_left
        self._lock = Lock()
        self._tasks: dict[str, TaskID] = {}
        self._figures: dict[str, Counter[str]] = {}
        self._asked_at = 0.0
        self._left: int | None = None

    def advance(self, step: str, *, done: int = 0, total: int | None = None, **counts: int) -> None:
        """Show that a step got further."""
        left = self._ask()
        with self._lock:
            if step not in self._tasks:
                description = _WORDS.get(step, step.capitalize())
                self._tasks[step] = self._display.add_task(description, total=total, figures="")
                self._figures[step] = Counter()
            figures = self._figures[step]
            figures.update(counts)
            words = [f"{count:,} {name}" for name, count in figures.items() if count]
            if left is not None:
                words.append(f"{left:,} calls left")
            text = ", ".join(words)
            if total is None:
                self._display.update(self._tasks[step], advance=done, figures=text)
            else:
                self._display.update(self._tasks[step], advance=done, total=total, figures=text)

    def note(self, text: str) -> None:
        """Show a sentence above the lines."""
        self._display.console.print(text, markup=False)

    def _ask(self) -> int | None:
        with self._lock:
            if time.monotonic() - self._asked_at < _ASK_SECONDS:
                return self._left
            self._asked_at = time.monotonic()
        left = self._calls_left()
        with self._lock:
            self._left = left
        return left
