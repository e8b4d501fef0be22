"""What a command says: one JSON object, or text for people; never both on standard output.

Belongs here: the two consoles, JSON, the forms of sizes, times and names.
Not here: what is said (each command).
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


@dataclass(slots=True)
class Manner:
    """How this call of the program speaks, as its options say."""

    is_verbose: bool = False
    is_json: bool = False
    has_printed: bool = False


manner = Manner()

_NAME_AT_MOST: Final = 60


def out() -> Console:
    """For results."""
    from rich.console import Console

    # A pipe has no width; 80 columns would cut the names that people grep for.
    return Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 120)


def err() -> Console:
    """For progress, notes and mistakes."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: object) -> None:
    """Write one JSON object to standard output; dataclasses and times are known."""
    import msgspec

    manner.has_printed = True
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value, order="deterministic").decode(), indent=2) + "\n")
    sys.stdout.flush()


def teller(*, is_json: bool) -> Callable[[str], None]:
    """Where a sentence on the way goes: to the result for people, beside it where that is JSON."""
    console = err() if is_json else out()
    return lambda text: console.print(text, markup=False)


def rows(*headings: str, numbers: Iterable[int] = ()) -> Table:
    """An empty table; the columns at the positions *numbers* are aligned to the right."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    right = set(numbers)
    for position, heading in enumerate(headings):
        table.add_column(heading, justify="right" if position in right else "left", no_wrap=position in right)
    return table


def add_row(table: Table, *cells: str) -> None:
    """Add a row of plain texts: brackets in the name of an asset are no markup."""
    from rich.text import Text

    table.add_row(*(Text(cell) for cell in cells))


def size(size_bytes: int) -> str:
    """Such as ``15.4 MB``."""
    amount, unit = float(size_bytes), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


def ago(moment: datetime, now: datetime | None = None) -> str:
    """Such as ``4 minutes ago``."""
    seconds = max(0.0, ((now or datetime.now(UTC)) - moment).total_seconds())
    for length, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= length:
            return f"{plural(int(seconds // length), unit)} ago"
    return "just now"


def plural(count: int, word: str, words: str | None = None) -> str:
    """Such as ``1 page``, ``2,000 pages``."""
    return f"{count:,} {word if count == 1 else words or word + 's'}"


def names(some: Iterable[str], total: int) -> str:
    """A few names, and how many more there are."""
    shown = [name if len(name) <= _NAME_AT_MOST else name[:_NAME_AT_MOST] + "…" for name in some]
    more = f", … {total - len(shown):,} more" if total > len(shown) else ""
    return ", ".join(shown) + more


def actor() -> str:
    """Who sits at this terminal, as the log names them."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        import os

        return f"cli:uid-{os.getuid()}"
