"""The page of scenarios and the scenarios say the same, and each of these ends with both sides compared."""

from __future__ import annotations

import ast
import re

import pytest

from media_pipeline_tests.house_rules import sources

SCENARIOS = sources.TESTS / "scenarios"
COMPARISONS = {"require_equal", "differences", "falsely_deleted"}
# It runs the command line from outside, ``drift`` included.
BY_THE_COMMAND_LINE = {"test_cld_upload_dir.py"}


def functions(name: str) -> dict[str, ast.FunctionDef]:
    """The functions of a file of tests, by name."""
    return {node.name: node for node in sources.tree(sources.TESTS / name).body if isinstance(node, ast.FunctionDef)}


def named_on_the_page() -> list[tuple[str, str]]:
    """File and function of every test that the page names."""
    page = (sources.ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    return re.findall(r"`([\w/]+\.py)::(\w+)`", page)


def scenarios() -> list[tuple[str, str]]:
    """File and function of every scenario."""
    return [
        (f"scenarios/{path.name}", name)
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
    named = named_on_the_page()

    assert len(named) > 50
    assert [f"{file}::{name}" for file, name in named if name not in functions(file)] == []


def test_every_scenario_is_on_the_page() -> None:
    assert sorted(set(scenarios()) - set(named_on_the_page())) == []


@pytest.mark.parametrize(("file", "name"), scenarios(), ids=lambda value: value)
def test_every_scenario_compares_both_sides(file: str, name: str) -> None:
    assert compares(file, name)
