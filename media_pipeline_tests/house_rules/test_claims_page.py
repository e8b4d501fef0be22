"""The page of claims: every promise has its tests or says that it is not kept, and the counts at its head are true."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from media_pipeline_tests.named_tests import NamedTest, cells, missing, named_in, page

KEPT: Final = "**kept**"
WITH_LIMITS: Final = "**with limits**"
NOT_KEPT: Final = "*not kept yet*"
AWAITED: Final = {"quality", "reports", "upkeep", "metrics", "runbook"}


class Claim(NamedTuple):
    """A row of the page."""

    number: int
    promise: str
    state: str
    holds: str
    tests: list[NamedTest]


def claims() -> list[Claim]:
    """Every row of the page, in its order."""
    rows = [cells(line) for line in page("claims.md").splitlines() if re.match(r"\| \d+ \|", line)]
    return [Claim(int(number), promise, state, holds, named_in(tests)) for number, promise, state, holds, tests in rows]


def numbers_where(state: str) -> list[int]:
    return [claim.number for claim in claims() if claim.state == state]


def test_the_promises_are_numbered_without_gaps() -> None:
    assert [claim.number for claim in claims()] == list(range(1, 130))


def test_every_promise_names_its_tests_or_says_that_it_is_not_kept() -> None:
    assert [claim.number for claim in claims() if claim.state not in {KEPT, WITH_LIMITS, NOT_KEPT}] == []
    assert [claim.number for claim in claims() if not claim.tests and claim.state != NOT_KEPT] == []
    assert [claim.number for claim in claims() if len(claim.tests) > 3] == []


def test_every_promise_is_said_in_a_sentence() -> None:
    assert [claim.number for claim in claims() if not (claim.promise and re.search(r"[\w`)]\.", claim.holds))] == []


def test_every_test_on_the_page_exists() -> None:
    named = [one for claim in claims() for one in claim.tests]

    assert len(set(named)) > 100
    # None stands outside the last column, where nobody would count it.
    assert named == named_in(page("claims.md"))
    assert missing(named) == []


def test_the_counts_at_the_head_are_those_of_the_rows() -> None:
    told = re.findall(
        r"(?m)^(\d+) promises: (\d+) kept, (\d+) kept with limits, (\d+) not kept yet\.$", page("claims.md")
    )
    counted = [len(claims()), *(len(numbers_where(state)) for state in (KEPT, WITH_LIMITS, NOT_KEPT))]

    assert [[int(number) for number in line] for line in told] == [counted]


def test_what_is_awaited_is_not_called_kept() -> None:
    awaited = [(claim, re.findall(r"<!-- pending: (\w+) -->", claim.holds)) for claim in claims()]

    assert {word for _, words in awaited for word in words} <= AWAITED
    assert [claim.number for claim, words in awaited if words and claim.state == KEPT] == []
