"""The runbook, its drills and the command line say the same."""

from __future__ import annotations

import ast
import re
import shlex
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from media_pipeline.cli import app
from media_pipeline_tests.drills import runbook
from media_pipeline_tests.drills.runbook import PAGE, PARTS, Entry
from media_pipeline_tests.house_rules import sources

_PROGRAMS = {"media-pipeline", "pg_dump", "pg_restore", "psql"}


def drills() -> set[str]:
    """The names of all drills."""
    return {
        node.name
        for path in sources.python_files(sources.TESTS / "drills")
        for node in sources.tree(path).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def commands() -> list[str]:
    """Every command line of ours that the page names, in blocks and in its sentences."""
    page = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"(?ms)^```console\n(.*?)^```$", page)
    prose = re.sub(r"(?ms)^```.*?^```$", "", page)
    lines = [line for block in blocks for line in block.splitlines()]
    found = [line.partition("#")[0].strip() for line in lines if line.startswith("media-pipeline")]
    found += re.findall(r"`(media-pipeline [a-z][^`…]*)`", prose)
    return sorted(set(found))


def test_every_entry_has_a_drill_and_every_drill_an_entry() -> None:
    assert sorted(one.test for one in runbook.entries()) == sorted(drills())


@pytest.mark.parametrize("entry", runbook.entries(), ids=lambda one: one.anchor)
def test_an_entry_has_its_parts_in_order(entry: Entry) -> None:
    assert entry.parts == PARTS
    assert entry.alarm
    assert entry.commands
    assert entry.mended
    assert all(re.search(r"\w", entry.part(mark)) for mark in PARTS)


@pytest.mark.parametrize("entry", runbook.entries(), ids=lambda one: one.anchor)
def test_an_entry_names_programs_that_an_operator_has(entry: Entry) -> None:
    programs = {line.split()[0] for line in entry.commands if not line.startswith("export ")}

    assert programs <= _PROGRAMS


def test_every_entry_is_in_the_table_of_symptoms() -> None:
    links = re.findall(r"\]\(#([a-z0-9-]+)\)", PAGE.read_text(encoding="utf-8"))

    assert sorted(links) == sorted(one.anchor for one in runbook.entries())


@pytest.mark.parametrize("line", commands())
def test_a_command_of_the_page_exists_with_its_options(line: str) -> None:
    command: Any = typer.main.get_command(app)
    _, *words = shlex.split(line)
    while words and isinstance(command, TyperGroup) and not words[0].startswith("-"):
        assert words[0] in command.commands
        command = command.commands[words.pop(0)]
    known = {name for option in command.params for name in option.opts}

    assert words or not isinstance(command, TyperGroup)
    assert {word for word in words if word.startswith("-")} - known == set()
