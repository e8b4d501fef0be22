"""The page of errors says what the code does.

Belongs here: docs/errors.md against errors.py and the table of calls. Not here: the errors themselves.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from media_pipeline import errors
from media_pipeline.errors import ExitCode, MediaPipelineError, RemoteError
from media_pipeline.remote import calls
from media_pipeline.remote.calls import Call

PAGE = (Path(__file__).parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")
ROWS = {cells[0]: cells for line in PAGE.splitlines() if (cells := re.split(r"\s*\|\s*", line)[1:-1])}


def _raised(base: type[MediaPipelineError]) -> list[type[MediaPipelineError]]:
    """The errors below *base* that are raised themselves: those without subclasses."""
    return [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, base) and not kind.__subclasses__()
    ]


@pytest.mark.parametrize("kind", _raised(MediaPipelineError), ids=lambda kind: kind.__name__)
def test_each_error_stands_on_the_page_with_its_exit_code(kind: type[MediaPipelineError]) -> None:
    row = ROWS.get(f"`{kind.__name__}`")
    assert row is not None, f"docs/errors.md has no row for {kind.__name__}"
    assert row[-1] == str(int(kind.exit_code))
    assert all(row)
    assert len(row) == (5 if issubclass(kind, RemoteError) else 4)


def test_groups_of_errors_are_named_as_groups() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    groups = [kind.__name__ for kind in kinds if kind.__subclasses__()]
    assert [name for name in groups if f"`{name}`" not in PAGE] == []


def test_no_error_stands_on_the_page_that_does_not_exist() -> None:
    names = {name.strip("`") for name in ROWS if re.fullmatch("`[A-Z][a-z]+[A-Z]?[A-Za-z]*`", name)}
    assert names == {kind.__name__ for kind in _raised(MediaPipelineError)}


def test_each_exit_code_is_explained() -> None:
    explained = {int(name) for name in ROWS if name.isdigit()}
    assert explained == set(ExitCode)


def test_each_call_stands_beside_its_permission() -> None:
    for call in (call for call in vars(calls).values() if isinstance(call, Call)):
        assert f"`{call.name}`" in ROWS[call.permission][1]
