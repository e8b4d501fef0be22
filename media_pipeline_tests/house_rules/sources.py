"""The files of the repository as text and as syntax trees.

Belongs here: which files there are, reading them once, small readings of Python and SQL.
Not here: the rules themselves.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "media_pipeline"
TESTS = ROOT / "media_pipeline_tests"
SQL = ROOT / "sql"


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that is, or is about to be, part of the repository; ignored ones are not."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout: only git knows which files belong to the repository")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    return tuple(sorted(path for name in set(listed) if name and (path := ROOT / name).is_file()))


def texts() -> Iterator[tuple[Path, str]]:
    """Every tracked file that is text."""
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content:
            yield path, content.decode("utf-8")


def shown(path: Path, line: int | None = None) -> str:
    """A place as people and editors read it."""
    name = path.relative_to(ROOT).as_posix()
    return name if line is None else f"{name}:{line}"


@cache
def python_files(directory: Path) -> tuple[Path, ...]:
    """Every Python file below *directory*."""
    return tuple(sorted(path for path in directory.rglob("*.py") if "__pycache__" not in path.parts))


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a Python file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Line and value of each string of a Python file; docstrings are none, f-strings come in their parts."""
    module = tree(path)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(module)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.lineno, node.value


def dotted(node: ast.expr) -> str:
    """The name an expression is written with, such as ``os.environ``; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (owner := dotted(node.value)):
        return f"{owner}.{node.attr}"
    return ""


def names(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything a Python file reads, imports or calls by name."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Name | ast.Attribute):
            if found := dotted(node):
                yield node.lineno, found
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, one.name) for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module or ''}.{one.name}") for one in node.names)


def imports(path: Path) -> Iterator[str]:
    """Every module that a Python file imports, wherever in the file; relative imports are forbidden by ruff."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@cache
def schema() -> str:
    """The schema as the migrations make it; another test compares the two."""
    return (SQL / "schema.sql").read_text(encoding="utf-8")


@cache
def columns(table: str) -> tuple[str, ...]:
    """The columns of a table, in order."""
    found = re.search(rf"^CREATE TABLE {re.escape(table)} \((.*?)^\)", schema(), re.DOTALL | re.MULTILINE)
    if found is None:
        raise LookupError(f"sql/schema.sql has no table {table}")
    lines = [line.split()[0].strip('"') for line in found[1].splitlines() if line.strip()]
    return tuple(name for name in lines if name != "CONSTRAINT")


@cache
def statement(name: str) -> str:
    """The statement ``room/010_name`` without its comments."""
    text = (SQL / f"{name}.sql").read_text(encoding="utf-8")
    return "\n".join(line for line in text.splitlines() if not line.startswith("--"))
