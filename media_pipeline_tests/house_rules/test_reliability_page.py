"""The page of scenarios and the scenarios say the same, and each of these ends with both sides compared."""

from __future__ import annotations

import ast
import re

import pytest

from media_pipeline_tests import scenario_board
from media_pipeline_tests.house_rules import sources
from media_pipeline_tests.named_tests import NamedTest, functions, missing, named_in, page

SCENARIOS = sources.TESTS / "scenarios"
COMPARISONS = {"require_equal", "differences", "falsely_deleted"}
# It runs the command line from outside, ``drift`` included.
BY_THE_COMMAND_LINE = {"test_cld_upload_dir.py"}


def scenarios() -> list[NamedTest]:
    """Every scenario."""
    return [
        NamedTest(f"scenarios/{path.name}", name)
        for path in sources.python_files(SCENARIOS)
        if path.name not in BY_THE_COMMAND_LINE
        for name in functions(f"scenarios/{path.name}")
        if name.startswith("test_")
    ]


def compares(file: str, name: str) -> bool:
    """Whether a function, or one of its file that it names, calls for a comparison."""
    known = functions(file)
    waiting, seen = [name], set[str]()
    while waiting:
        one = waiting.pop()
        seen.add(one)
        words = {node.id for node in ast.walk(known[one]) if isinstance(node, ast.Name)}
        if words & COMPARISONS:
            return True
        waiting += sorted((words & set(known)) - seen)
    return False


def test_every_test_on_the_page_exists() -> None:
    named = named_in(page("reliability.md"))

    assert len(named) > 50
    assert missing(named) == []


def test_every_scenario_is_on_the_page() -> None:
    assert sorted(set(scenarios()) - set(named_in(page("reliability.md")))) == []


@pytest.mark.parametrize(("file", "name"), scenarios(), ids=lambda value: value)
def test_every_scenario_compares_both_sides(file: str, name: str) -> None:
    assert compares(file, name)


def test_every_numbered_scenario_has_a_test_or_says_why_not() -> None:
    text = page("reliability.md")
    mapping, not_covered = scenario_board.mapping(text), scenario_board.not_covered(text)

    assert list(scenario_board.TITLES) == [f"S{number:02}" for number in range(1, 45)]
    assert [one for one in mapping if one not in scenario_board.TITLES] == []
    assert [one for one in scenario_board.TITLES if bool(mapping.get(one)) == (one in not_covered)] == []


def test_the_board_is_of_the_tests_that_the_page_names() -> None:
    """A board that was made before the page changed says so without running anything."""
    text = page("reliability.md")
    mapping, rows = scenario_board.mapping(text), scenario_board.rows_of(text)

    assert [(row.scenario, row.title) for row in rows] == list(scenario_board.TITLES.items())
    assert [(row.scenario, row.tests) for row in rows] == [
        (one, len(mapping.get(one, []))) for one in scenario_board.TITLES
    ]
    assert f"`{scenario_board.digest(mapping)}`" in scenario_board.block(text), "run 'make board'"


def test_the_board_tells_when_and_of_what_it_is() -> None:
    made = re.search(r"Run on (\d{4}-\d\d-\d\d) at `([0-9a-f]{12})`", scenario_board.block(page("reliability.md")))

    assert made is not None
