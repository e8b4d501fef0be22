"""Every setting is described where the error messages send people, with its true default."""

from __future__ import annotations

import re
from enum import Enum

import pytest

from media_pipeline.settings import Settings
from media_pipeline_tests.house_rules import sources

# Variables that are no settings of the program.
OTHERS = {
    "MEDIA_PIPELINE_TEST_DATABASE_URL",  # read by the tests
}


def variable(name: str) -> str:
    alias = Settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else f"MEDIA_PIPELINE_{name.upper()}"


def written(value: object) -> str:
    """A default as one writes it into the environment."""
    match value:
        case None | ():
            return "(empty)"
        case bool():
            return str(value).lower()
        case tuple():
            return ",".join(map(written, value))
        case Enum():
            return str(value.value)
        case _:
            return str(value)


def rows() -> list[tuple[str, ...]]:
    """The rows of the table: variable, default, meaning."""
    page = (sources.ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    return re.findall(r"^\| `([A-Z_\d]+)` \| `([^`]*)` \| (.+) \|$", page, re.MULTILINE)


def test_the_page_lists_every_setting_with_its_default_and_its_text() -> None:
    expected = [
        (variable(name), written(field.default), field.description) for name, field in Settings.model_fields.items()
    ]

    assert rows() == expected


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_setting_says_what_it_is_for(name: str) -> None:
    description = Settings.model_fields[name].description or ""

    assert re.search(r"\w.*\.$", description), "the description is a sentence that ends with a full stop"


def test_a_variable_that_is_named_anywhere_exists() -> None:
    known = {variable(name) for name in Settings.model_fields} | OTHERS
    unknown = {
        f"{sources.shown(path)}: {name}"
        for path, content in sources.texts()
        for name in re.findall(r"\bMEDIA_PIPELINE_[A-Z_\d]*[A-Z\d]\b(?!_)", content)
        if name not in known
    }

    assert unknown == set()
