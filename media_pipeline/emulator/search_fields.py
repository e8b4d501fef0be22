"""Fields that can be searched, and conditions on them as SQL.

Belongs here: what kind a field is, how its values are compared. Not here: the language, see search_language.
"""

# ruff: noqa: S608 -- statements are put together from names this package writes itself; values are bound.

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from functools import lru_cache

from media_pipeline.emulator.clock import parse_time
from media_pipeline.emulator.errors import bad_request
from media_pipeline.emulator.search_language import (
    Bare,
    Comparison,
    Condition,
    Either,
    Every,
    Negation,
    Range,
    Value,
)

_WORD = re.compile(r"\w+")
_AGE = re.compile(r"(\d+)([hdwmy])")
_SIZE = re.compile(r"(-?\d+(?:\.\d+)?)\s*(b|kb?|mb?|gb?)?", re.IGNORECASE)
_AGE_SECONDS = {"h": 3600, "d": 86_400, "w": 604_800, "m": 30 * 86_400, "y": 365 * 86_400}
_SIZE_BYTES = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_DAY_SECONDS = 86_400


class Kind(Enum):
    """How values compare: whole words, a folder path, a keyword, a number, a time, several texts, a JSON value."""

    TEXT = auto()
    PATH = auto()
    KEYWORD = auto()
    NUMBER = auto()
    TIME = auto()
    LIST = auto()
    JSON = auto()


@dataclass(frozen=True, slots=True)
class Field:
    """A searchable field: its kind, and the SQL expression of its value."""

    kind: Kind
    sql: str


@dataclass(frozen=True, slots=True)
class Sql:
    """A condition as SQL text and the values of its marks."""

    text: str
    values: tuple[object, ...] = ()


NOTHING = Sql("0")
EVERYTHING = Sql("1")


@dataclass(frozen=True, slots=True)
class Catalog:
    """The fields of one kind of search.

    Attributes:
        maps: Fields that are reached as ``name.key``, with the JSON column that holds them.
        texts: Fields that a bare term looks into.
    """

    fields: Mapping[str, Field]
    maps: Mapping[str, str]
    texts: tuple[str, ...]

    def find(self, name: str) -> Field | None:
        """A field by the name expressions use; None for a name nobody knows."""
        if name in self.fields:
            return self.fields[name]
        head, dot, key = name.partition(".")
        if dot and key and head in self.maps:
            path = '$."' + key.replace('"', '""') + '"'
            return Field(Kind.JSON, f"json_extract({self.maps[head]}, {_quoted(path)})")
        return None


_TIMES = ("updated_at", "access_control_updated_at", "context_updated_at", "metadata_updated_at",
          "public_id_updated_at", "tags_updated_at")  # fmt: skip
ASSET_FIELDS = Catalog(
    fields={
        **{name: Field(Kind.TEXT, name) for name in ("public_id", "display_name", "filename")},
        **{name: Field(Kind.PATH, "asset_folder") for name in ("asset_folder", "folder")},
        **{
            name: Field(Kind.KEYWORD, name)
            for name in ("asset_id", "format", "resource_type", "type", "status", "etag", "moderation_kind",
                         "moderation_status")
        },
        "access_mode": Field(Kind.KEYWORD, "'public'"),
        **{
            name: Field(Kind.NUMBER, name)
            for name in ("bytes", "backup_bytes", "width", "height", "duration", "pages", "version")
        },
        "pixels": Field(Kind.NUMBER, "width * height"),
        "aspect_ratio": Field(Kind.NUMBER, "round(1.0 * width / height, 5)"),
        "created_at": Field(Kind.TIME, "created_at"),
        "uploaded_at": Field(Kind.TIME, "uploaded_at"),
        **{f"last_updated.{name}": Field(Kind.TIME, name) for name in _TIMES},
        "tags": Field(Kind.LIST, "tags"),
    },
    maps={"context": "context", "metadata": "metadata"},
    texts=("public_id", "display_name", "asset_folder", "tags", "context"),
)  # fmt: skip
FOLDER_FIELDS = Catalog(
    fields={
        "name": Field(Kind.TEXT, "name"),
        "path": Field(Kind.TEXT, "path"),
        "id": Field(Kind.KEYWORD, "external_id"),
        "external_id": Field(Kind.KEYWORD, "external_id"),
        "created_at": Field(Kind.TIME, "created_at"),
        "updated_at": Field(Kind.TIME, "created_at"),
    },
    maps={},
    texts=("name", "path"),
)


def prepare(connection: sqlite3.Connection) -> None:
    """Give a connection the comparisons that conditions use."""
    connection.create_function("same_folded", 2, lambda a, b: str(a).casefold() == b, deterministic=True)
    connection.create_function("has_words", 3, _has_words, deterministic=True)


def to_sql(condition: Condition, catalog: Catalog, now: int) -> Sql:
    """A condition as SQL over the columns of its table.

    Raises:
        ApiError: 400 for a value that is no number or time where one is needed.
    """
    match condition:
        case Every(parts):
            return _joined(" AND ", [to_sql(part, catalog, now) for part in parts], EVERYTHING)
        case Either(parts):
            return _joined(" OR ", [to_sql(part, catalog, now) for part in parts], NOTHING)
        case Negation(part):
            inner = to_sql(part, catalog, now)
            # Absence of a value is not a match, so its negation is one.
            return Sql(f"NOT coalesce({inner.text}, 0)", inner.values)
        case Bare(value, is_quoted):
            return _bare(value, is_quoted, catalog, now)
        case Comparison():
            return _comparison(condition, catalog, now)


def _comparison(condition: Comparison, catalog: Catalog, now: int) -> Sql:
    name, operator, wanted = condition.field, condition.operator, condition.wanted
    if name in catalog.maps and isinstance(wanted, Value):
        # `context:key` asks for the presence of a key.
        return Sql(
            f"EXISTS (SELECT 1 FROM json_each({catalog.maps[name]}) AS pair WHERE pair.key = ?)",
            (wanted.text,),
        )
    field = catalog.find(name)
    if field is None:
        return NOTHING
    if isinstance(wanted, Range):
        low, high = _plain(field, wanted.low, now), _plain(field, wanted.high, now)
        above, below = ">=" if wanted.includes_low else ">", "<=" if wanted.includes_high else "<"
        return Sql(f"({field.sql} {above} ? AND {field.sql} {below} ?)", (low, high))
    if operator in (":", "="):
        return _equal(field, operator == "=", wanted, now)
    return Sql(f"{field.sql} {operator} ?", (_plain(field, wanted, now),))


def _equal(field: Field, is_exact: bool, wanted: Value, now: int) -> Sql:
    if wanted.text == "" and wanted.is_prefix:
        return _present(field)
    match field.kind:
        case Kind.TIME:
            return _same_time(field, wanted, now)
        case Kind.NUMBER:
            return Sql(f"{field.sql} = ?", (_plain(field, wanted, now),))
        case Kind.KEYWORD if not wanted.is_prefix:
            return Sql(f"{field.sql} = ?", (wanted.text if is_exact else wanted.text.lower(),))
        case Kind.LIST | Kind.JSON:
            test = _text_test("member.value", is_exact, wanted)
            members = field.sql if field.kind is Kind.LIST else f"json_array({field.sql})"
            if field.kind is Kind.JSON:
                # A set is a list inside the value; anything else is a value alone.
                members = f"iif(json_valid({field.sql}) AND json_type({field.sql}) = 'array', {field.sql}, {members})"
            return Sql(f"EXISTS (SELECT 1 FROM json_each({members}) AS member WHERE {test.text})", test.values)
        case Kind.PATH if wanted.is_prefix and wanted.text.endswith("/"):
            # A folder with everything below it: `x/*` finds what is in x itself, too.
            below = _text_test(field.sql, is_exact, wanted)
            here = wanted.text[:-1]
            if is_exact:
                return Sql(f"({below.text} OR {field.sql} = ?)", (*below.values, here))
            return Sql(f"({below.text} OR same_folded({field.sql}, ?))", (*below.values, here.casefold()))
        case _:
            return _text_test(field.sql, is_exact, wanted)


def _text_test(sql: str, is_exact: bool, wanted: Value) -> Sql:
    if not is_exact:
        return Sql(f"has_words({sql}, ?, ?)", (wanted.text, wanted.is_prefix))
    if wanted.is_prefix:
        return Sql(f"substr({sql}, 1, ?) = ?", (len(wanted.text), wanted.text))
    return Sql(f"CAST({sql} AS TEXT) = ?", (wanted.text,))


def _has_words(text: object, wanted: str, is_prefix: bool) -> bool:
    """Whether the words of `wanted` stand in the text one after the other; with a prefix the last may go on.

    A prefix with a slash or another separator at its end is compared with the beginning of the whole text.
    """
    if text is None:
        return False
    whole = str(text).casefold()
    looked_for, needed = _looked_for(wanted)
    if is_prefix and whole.startswith(looked_for):
        return True
    if not needed or (is_prefix and not looked_for[-1].isalnum()):
        return whole == looked_for
    if not all(word in whole for word in needed):
        return False
    words = _WORD.findall(whole)
    for start in range(len(words) - len(needed) + 1):
        found = words[start : start + len(needed)]
        last_fits = found[-1].startswith(needed[-1]) if is_prefix else found[-1] == needed[-1]
        if found[:-1] == needed[:-1] and last_fits:
            return True
    return False


@lru_cache(maxsize=256)
def _looked_for(wanted: str) -> tuple[str, list[str]]:
    folded = wanted.casefold()
    return folded, _WORD.findall(folded)


def _bare(value: Value, is_quoted: bool, catalog: Catalog, now: int) -> Sql:
    """The name of a list or a key stands for its presence; any other term is looked for in all texts."""
    if not is_quoted and not value.is_prefix:
        field = catalog.find(value.text)
        if field is not None and field.kind in (Kind.LIST, Kind.JSON):
            return _present(field)
        if value.text in catalog.maps:
            return Sql(f"{catalog.maps[value.text]} <> '{{}}'")
    tests = []
    for name in catalog.texts:
        if name in catalog.maps:
            test = _text_test("member.value", False, value)
            sql = f"EXISTS (SELECT 1 FROM json_each({catalog.maps[name]}) AS member WHERE {test.text})"
            tests.append(Sql(sql, test.values))
        else:
            tests.append(_equal(catalog.fields[name], False, value, now))
    return _joined(" OR ", tests, NOTHING)


def _present(field: Field) -> Sql:
    return Sql(f"{field.sql} <> '[]'" if field.kind is Kind.LIST else f"{field.sql} IS NOT NULL")


def _same_time(field: Field, wanted: Value, now: int) -> Sql:
    """A date alone means the whole day, a time means its second."""
    start = _seconds(wanted.text, now)
    try:
        date.fromisoformat(wanted.text)
    except ValueError:
        return Sql(f"{field.sql} = ?", (start,))
    return Sql(f"({field.sql} >= ? AND {field.sql} < ?)", (start, start + _DAY_SECONDS))


def _plain(field: Field, wanted: Value, now: int) -> str | float:
    """The value to compare with; an age such as ``1d`` is the moment so long ago."""
    if field.kind is Kind.TIME:
        return _seconds(wanted.text, now)
    found = _SIZE.fullmatch(wanted.text)
    if found:
        return float(found[1]) * _SIZE_BYTES[(found[2] or "").lower()[:1]]
    if field.kind is Kind.NUMBER:
        raise bad_request(f"Invalid number in search expression: {wanted.text}")
    return wanted.text


def _seconds(text: str, now: int) -> int:
    age = _AGE.fullmatch(text)
    if age:
        return now - int(age[1]) * _AGE_SECONDS[age[2]]
    try:
        return parse_time(text)
    except ValueError:
        raise bad_request(f"Invalid date in search expression: {text}") from None


def _joined(word: str, parts: list[Sql], empty: Sql) -> Sql:
    if not parts:
        return empty
    return Sql(
        "(" + word.join(part.text for part in parts) + ")",
        tuple(value for part in parts for value in part.values),
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
