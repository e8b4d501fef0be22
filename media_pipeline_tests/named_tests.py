"""Tests that a page of the documentation names, as ``directory/test_file.py::test_name``.

Belongs here: reading the names off a page, finding them in the files, counting what names them.
Not here: what a page promises (the house rules of each page), running them (``scenario_board``).
"""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from media_pipeline_tests.house_rules import sources

_NAME = re.compile(r"`([\w/]+\.py)::((?:\w+::)?\w+)`")


class NamedTest(NamedTuple):
    """A function of a file of tests; a method is ``Class::method``."""

    file: str
    name: str

    @property
    def shown(self) -> str:
        """As a page writes it: below ``media_pipeline_tests``."""
        return f"{self.file}::{self.name}"


def page(name: str) -> str:
    """The text of ``docs/<name>``."""
    return (sources.ROOT / "docs" / name).read_text(encoding="utf-8")


def named_in(text: str) -> list[NamedTest]:
    """Every test that a text names, in its order."""
    return [NamedTest(file, name) for file, name in _NAME.findall(text)]


def functions(file: str) -> dict[str, ast.FunctionDef]:
    """The functions of a file of tests by name, methods as ``Class::method``; none where the file is gone."""
    path = sources.TESTS / file
    if not path.is_file():
        return {}
    found: dict[str, ast.FunctionDef] = {}
    for node in sources.tree(path).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{one.name}": one for one in node.body if isinstance(one, ast.FunctionDef)}
    return found


def missing(named: list[NamedTest]) -> list[str]:
    """Which of them are no test of any file."""
    return [
        one.shown
        for one in named
        if one.name not in functions(one.file) or not one.name.rpartition("::")[2].startswith("test_")
    ]


def cells(line: str) -> list[str]:
    """The cells of a line of a table."""
    return [cell.strip() for cell in line.strip().strip("|").split("|")]
