"""The board of docs/reliability.md: what became of the tests of each scenario when they were last run.

Belongs here: which tests belong to which scenario (from the tables of the page alone), running exactly these, writing
the board from their results. Run it by ``make board``.
Not here: the scenarios and their promises (the page), the tests.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from media_pipeline_tests.house_rules import sources
from media_pipeline_tests.named_tests import NamedTest, cells, named_in

PAGE: Final = sources.ROOT / "docs" / "reliability.md"
BEGIN: Final = "<!-- board: begin; written by 'make board' -->"
END: Final = "<!-- board: end -->"
_LONGEST_SECONDS: Final = 7200

TITLES: Final = {
    "S01": "First sync: empty, equal, different sides",
    "S02": "Second sync, nothing changed",
    "S03": "Every combination of changes of an asset",
    "S04": "Every combination of changes of a field",
    "S05": "Both sides changed to the same value",
    "S06": "Deletion against edit, deletion against deletion",
    "S07": "Policies and decisions over conflicts",
    "S08": "An empty listing over live rows",
    "S09": "Both sides truly empty",
    "S10": "Truncated listing, lost, repeated or expired cursor",
    "S11": "An error in place of a page",
    "S12": "One slice cannot be walked",
    "S13": "Work in the cloud while the walk goes on",
    "S14": "A record that cannot be kept",
    "S15": "Deletions at, below and above the limit",
    "S16": "Everything renamed or moved",
    "S17": "Everything overwritten or replaced",
    "S18": "Other slices, other fields",
    "S19": "Folders whose names begin alike",
    "S20": "The key leads to another cloud",
    "S21": "The canary is missing",
    "S22": "Two processes; one paused past its lock",
    "S23": "Killed at each step",
    "S24": "An answer that is lost",
    "S25": "Spent allowance, bursts of errors, slow answers",
    "S26": "The key is refused in the middle",
    "S27": "Notifications doubled, late, forged, odd",
    "S28": "Postgres away when notifications come",
    "S29": "Days without notifications",
    "S30": "The search index lags",
    "S31": "Our own push comes back",
    "S32": "Deletion of what is gone",
    "S33": "No sound copy before a deletion",
    "S34": "Restoration: backup, vault, neither",
    "S35": "A dry run writes nothing",
    "S36": "The plan is stale when it is pushed",
    "S37": "One poisoned record among a thousand",
    "S38": "Odd names, tags and context",
    "S39": "A guard tripped, then the cause is gone",
    "S40": "A whole side is lost",
    "S41": "An independent comparison",
    "S42": "One entry in the log for each change",
    "S43": "Silence is noticed",
    "S44": "Random machines over both sides",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the board; *cases* are the runs of its tests, of which a parametrized one has several."""

    scenario: str
    title: str
    tests: int
    passed: int
    failed: int
    skipped: int
    verdict: str

    def line(self) -> str:
        return "| " + " | ".join(str(getattr(self, name)) for name in self.__slots__) + " |"


Results = Mapping[NamedTest, Counter[str]]
"""How many cases of a test ended how: passed, failed, skipped. A test that did not run is missing."""


def _tables(text: str) -> list[list[str]]:
    """The rows of the page whose first cell is a scenario, outside the board."""
    head, _, rest = text.partition(BEGIN)
    lines = (head + rest.partition(END)[2]).splitlines()
    return [cells(line) for line in lines if re.match(r"\| S\d\d \|", line)]


def mapping(text: str) -> dict[str, list[NamedTest]]:
    """The tests of each scenario that the page has, each once, in the order of the page."""
    found: dict[str, list[NamedTest]] = {}
    for scenario, *rest in _tables(text):
        tests = found.setdefault(scenario, [])
        tests += [one for one in dict.fromkeys(named_in(" ".join(rest))) if one not in tests]
    return found


def not_covered(text: str) -> set[str]:
    """Scenarios of which the page says, with the reason, that they are not covered yet."""
    return {row[0] for row in _tables(text) if re.search(r"\*not covered yet\*: \w+", " ".join(row[1:]))}


def digest(tests: Mapping[str, list[NamedTest]]) -> str:
    """Twelve digits that change whenever a scenario gets other tests."""
    lines = [f"{scenario} {one.shown}" for scenario in sorted(tests) for one in sorted(tests[scenario])]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def block(text: str) -> str:
    """The board as it stands on the page."""
    return text.partition(BEGIN)[2].partition(END)[0]


def rows_of(text: str) -> list[Row]:
    """The lines of the board as they stand on the page."""
    rows = []
    for line in block(text).splitlines():
        if re.match(r"\| S\d\d \|", line):
            scenario, title, tests, passed, failed, skipped, ended = cells(line)
            rows.append(Row(scenario, title, int(tests), int(passed), int(failed), int(skipped), ended))
    return rows


def verdict(tests: list[NamedTest], results: Results) -> str:
    """What became of a scenario, in a word or two; only 'passed' is good."""
    ended = [results.get(one, Counter()) for one in tests]
    if not tests:
        return "**no test**"
    if any(one["failed"] for one in ended):
        return "**failed**"
    if any(not one["passed"] for one in ended):
        return "**a test did not run**"
    return "passed"


def judged(tests: Mapping[str, list[NamedTest]], results: Results) -> list[Row]:
    """The board of these results: a line for every scenario there is."""
    rows = []
    for scenario, title in TITLES.items():
        own = tests.get(scenario, [])
        sums = sum((results.get(one, Counter()) for one in own), Counter[str]())
        counts = (sums["passed"], sums["failed"], sums["skipped"])
        rows.append(Row(scenario, title, len(own), *counts, verdict(own, results)))
    return rows


def results_of(report: Path) -> dict[NamedTest, Counter[str]]:
    """The results in a JUnit report of pytest."""
    found: dict[NamedTest, Counter[str]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        # media_pipeline_tests.push.test_push, with the class behind it where there is one
        parts = case.attrib["classname"].split(".")
        modules = [part for part in parts if not part[0].isupper()]
        name = "::".join([*parts[len(modules) :], case.attrib["name"].partition("[")[0]])
        test = NamedTest("/".join(modules[1:]) + ".py", name)
        ends = {child.tag for child in case}
        ended = "failed" if ends & {"failure", "error"} else "skipped" if "skipped" in ends else "passed"
        found.setdefault(test, Counter())[ended] += 1
    return found


def written(rows: list[Row], tests: Mapping[str, list[NamedTest]], *, day: str, commit: str, minutes: float) -> str:
    """The text between the marks."""
    good = sum(row.verdict == "passed" for row in rows)
    lines = [
        "",
        f"Run on {day} at `{commit}` in {minutes:.0f} minutes, of the tests `{digest(tests)}`: "
        f"{good} of {len(rows)} passed.",
        "",
        "| | scenario | tests | passed | failed | skipped | |",
        "|---|---|---:|---:|---:|---:|---|",
        *(row.line() for row in rows),
        "",
    ]
    return "\n".join(lines)


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=sources.ROOT, check=True, capture_output=True, text=True).stdout.strip()


def main() -> int:
    """Run the tests of every scenario and write the board; ends with 1 unless all of it passed."""
    options = argparse.ArgumentParser(description="Run the tests of every scenario and write the board.")
    options.add_argument("--workers", default="2", help="processes that run tests")
    chosen = options.parse_args()
    if _git("status", "--porcelain"):
        options.error("commit first: the board names the commit that it is of")
    commit = _git("rev-parse", "--short=12", "HEAD")
    tests = mapping(PAGE.read_text(encoding="utf-8"))
    names = sorted({f"{sources.TESTS.name}/{one.shown}" for own in tests.values() for one in own})
    began = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory, "report.xml")
        subprocess.run(
            [sys.executable, "-m", "pytest", "-n", chosen.workers, "-q", f"--junitxml={report}", *names],
            cwd=sources.ROOT,
            check=False,
            timeout=_LONGEST_SECONDS,
        )
        rows = judged(tests, results_of(report))
    minutes = (datetime.now(UTC) - began).total_seconds() / 60
    board = written(rows, tests, day=began.date().isoformat(), commit=commit, minutes=minutes)
    # Somebody may have worked on the page meanwhile.
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}\n{board}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    return int(any(row.verdict != "passed" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
