"""``docs/runbook.md`` as tests read it: its entries, the words of their alarms, their command lines.

Belongs here: the form of the page. Not here: carrying out its commands (``conftest``).

An entry is a heading of the second level that is followed by the five parts below, in this order:

    **Alarm.**               a ``text`` block: words as they are printed, … for what differs each time
    **What it means.**
    **What is safe meanwhile.**
    **Do this.**             ``console`` blocks: a command a line; words in CAPITALS are for the reader to fill in
    **It is mended when**    a ``text`` block: words that are printed then
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "runbook.md"
PARTS = ("**Alarm.**", "**What it means.**", "**What is safe meanwhile.**", "**Do this.**", "**It is mended when**")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the page."""

    title: str
    text: str

    @property
    def anchor(self) -> str:
        """Where the entry is found in the page."""
        return re.sub(r"[^a-z0-9 -]", "", self.title.lower()).replace(" ", "-")

    @property
    def test(self) -> str:
        """The name of its drill."""
        return f"test_{self.anchor.replace('-', '_')}"

    @property
    def parts(self) -> tuple[str, ...]:
        """The marks of its parts, in the order in which they stand there."""
        return tuple(re.findall(r"(?m)^\*\*[A-Z][a-z ]+\.?\*\*", self.text))

    @property
    def alarm(self) -> tuple[str, ...]:
        """The words that tell of the trouble, a line each."""
        return _lines("text", self.part(PARTS[0]))

    @property
    def commands(self) -> tuple[str, ...]:
        """What an operator types, in order, without comments."""
        typed = (re.sub(r"(^|\s+)#.*", "", line) for line in _lines("console", self.part(PARTS[3])))
        return tuple(line for line in typed if line)

    @property
    def sql(self) -> str:
        """What an operator gives to psql."""
        return "\n".join(_lines("sql", self.part(PARTS[3])))

    @property
    def mended(self) -> tuple[str, ...]:
        """The words that tell of its end, a line each."""
        return _lines("text", self.part(PARTS[4]))

    def part(self, mark: str) -> str:
        """The text from one mark to the next."""
        _, _, behind = self.text.partition(f"\n{mark}")
        return re.split(r"(?m)^\*\*[A-Z][a-z ]+\.?\*\*", behind)[0]


@cache
def entries() -> tuple[Entry, ...]:
    """Every entry, in the order of the page."""
    _, *sections = re.split(r"(?m)^## ", PAGE.read_text(encoding="utf-8"))
    found = (Entry(section.partition("\n")[0].strip(), section) for section in sections)
    return tuple(one for one in found if one.parts)


def says(text: str, words: str) -> bool:
    """Whether *text* says *words* of the page, in which … stands for anything within a line."""
    pattern = ".*".join(re.escape(part) for part in words.split("…"))
    return re.search(pattern, text) is not None


def _lines(language: str, text: str) -> tuple[str, ...]:
    blocks = re.findall(rf"(?ms)^```{language}\n(.*?)^```$", text)
    return tuple(line for block in blocks for line in block.splitlines() if line.strip())
