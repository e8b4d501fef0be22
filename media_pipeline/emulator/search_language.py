"""Search expressions as trees of conditions; the grammar is in search_grammar.lark.

Belongs here: text to tree. Not here: what a field is, see search_fields; running a search, see search.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from lark import Lark, Token, Transformer, UnexpectedInput

from media_pipeline.emulator.errors import bad_request

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PREFIX = re.compile(r"(?:\\.|[^\\])*\*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Value:
    """A text to compare with; `is_prefix` if it ended in an unescaped ``*``."""

    text: str
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high`, each included or not."""

    low: Value
    high: Value
    includes_low: bool
    includes_high: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field against a value; `operator` is ``:``, ``=``, ``<``, ``>``, ``<=`` or ``>=``."""

    field: str
    operator: str
    wanted: Value | Range


@dataclass(frozen=True, slots=True)
class Bare:
    """A term without a field: text to find anywhere, or the name of a field that must be present."""

    value: Value
    is_quoted: bool


@dataclass(frozen=True, slots=True)
class Every:
    """All parts hold; without parts it is true of everything."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """The part does not hold."""

    part: Condition


Condition = Comparison | Bare | Every | Either | Negation


def parse(expression: str) -> Condition:
    """The condition an expression states; an empty one is true of everything.

    Raises:
        ApiError: 400 with the place where the expression stops making sense.
    """
    try:
        tree = _parser().parse(expression)
    except UnexpectedInput as error:
        place = error.get_context(expression, 20).splitlines()[0]
        raise bad_request(f"Failed to parse search expression near: {place}") from None
    return _Builder().transform(tree)


def fields_of(condition: Condition) -> set[str]:
    """Names of the fields an expression compares."""
    match condition:
        case Comparison(field):
            return {field}
        case Every(parts) | Either(parts):
            return set().union(*map(fields_of, parts))
        case Negation(part):
            return fields_of(part)
        case Bare():
            return set()


@cache
def _parser() -> Lark:
    grammar = resources.files(__package__).joinpath("search_grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", maybe_placeholders=False)


def _value(token: Token) -> Value:
    text = token[1:-1] if token.type == "QUOTED" else str(token)
    is_prefix = _PREFIX.fullmatch(text) is not None
    return Value(_ESCAPED.sub(r"\1", text[:-1] if is_prefix else text), is_prefix)


class _Builder(Transformer[Token, Condition]):
    """Turns the parse tree into conditions; inside a group the field comes from outside."""

    def start(self, children: list[Condition]) -> Condition:
        return children[0] if children else Every(())

    def either(self, children: list[Condition]) -> Condition:
        return Either(tuple(children))

    def every(self, children: list[Condition]) -> Condition:
        return Every(tuple(children))

    any_of = either
    all_of = every

    def negation(self, children: list[Condition]) -> Condition:
        return Negation(children[0])

    def value(self, children: list[Token]) -> Value:
        return _value(children[0])

    def range(self, children: tuple[Token, Value, Value, Token]) -> Range:
        start, low, high, end = children
        return Range(low, high, start == "[", end == "]")

    def bare(self, children: list[Token]) -> Condition:
        return Bare(_value(children[0]), children[0].type == "QUOTED")

    def comparison(self, children: list[Token | Value | Range | Condition]) -> Condition:
        field, operator, wanted = children
        return _distributed(_ESCAPED.sub(r"\1", str(field)), str(operator), wanted)


def _distributed(field: str, operator: str, wanted: object) -> Condition:
    """``field:(a OR b)`` as ``field:a OR field:b``."""
    match wanted:
        case Value() | Range():
            return Comparison(field, operator, wanted)
        case Every(parts):
            return Every(tuple(_distributed(field, operator, part) for part in parts))
        case Either(parts):
            return Either(tuple(_distributed(field, operator, part) for part in parts))
        case Negation(part):
            return Negation(_distributed(field, operator, part))
        case _:
            raise TypeError(f"no part of a group: {wanted!r}")
