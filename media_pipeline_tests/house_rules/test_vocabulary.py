"""Each closed set of words is the same set in Python and in the database."""

from __future__ import annotations

import ast
import re
from enum import StrEnum
from functools import cache

import pytest

from media_pipeline import vocabulary
from media_pipeline.db import statements
from media_pipeline.vocabulary import (
    CallPurpose,
    ChangeKind,
    ChangeState,
    Channel,
    ConflictState,
    ExpectationState,
    HoldKind,
    HoldState,
    ListingRunState,
    ListingWish,
    NotificationOutcome,
    OperationKind,
    OperationState,
    PlanPart,
    PlanState,
    RunKind,
    RunState,
    Severity,
    SightingState,
    VaultState,
    VerifyReason,
    WindowKind,
    WindowState,
)
from media_pipeline_tests.house_rules import sources

STORED: dict[str, type[StrEnum]] = {
    "diff.change.kind": ChangeKind,
    "diff.change.state": ChangeState,
    "landing.change_window.kind": WindowKind,
    "landing.change_window.state": WindowState,
    "landing.listing_run.state": ListingRunState,
    "landing.notification.channel": Channel,
    "landing.notification.outcome": NotificationOutcome,
    "landing.listing_wish.reason": ListingWish,
    "mirror.asset_sighting.state": SightingState,
    "mirror.verify_queue.reason": VerifyReason,
    "ops.api_call.purpose": CallPurpose,
    "ops.hold.kind": HoldKind,
    "ops.hold.state": HoldState,
    "ops.run.kind": RunKind,
    "ops.run.state": RunState,
    "ops.vault_object.state": VaultState,
    "outbox.conflict.state": ConflictState,
    "outbox.operation.kind": OperationKind,
    "outbox.operation.state": OperationState,
    "outbox.push_plan.part": PlanPart,
    "outbox.push_plan.state": PlanState,
    "quality.result.severity": Severity,
    "quality.result.state": ExpectationState,
}

# Sets of words that only the database knows by name, each with the place that uses them.
ONLY_IN_THE_DATABASE = {
    "diff.change_set.state": {"pending", "applied", "superseded"},  # set and asked by sql/diff alone
    "mirror.asset_field.kind": {"scalar", "set", "map", "document"},  # rows of a migration, read by SQL
    "ops.cloud_binding.folder_mode": {"dynamic", "fixed"},  # Cloudinary's words, checked by the binding
    "outbox.attempt.result": {"sent", "refused", "conflict", "unknown", "postponed"},  # an outcome, as history
    "outbox.push_plan_item.state": {"planned", "taken", "stale"},  # set and asked by sql/push alone
    "public.media_collections.visibility": {"private", "shared", "public"},  # written by people
}

# Sets of words that Python knows and no constraint names.
ONLY_IN_PYTHON = {
    "ResourceType",  # Cloudinary's word on an asset: a type that it adds tomorrow must still be mirrored
}

LOG_ACTION = "public.media_sync_log.action"

_TABLE = re.compile(r"^CREATE TABLE (\S+) \((.*?)^\)", re.DOTALL | re.MULTILINE)
_WORDS = re.compile(r"CHECK \(\((\w+) = ANY \(ARRAY\[('[^\]]*)\]\)\)\)")

# Columns whose words are the rows of a lookup table, which a migration inserts.
_LOOKED_UP = {"outbox.operation.kind": ("0008_outbox.sql", r"\(\d+, '(\w+)', (?:null|'\w+')\)")}

# How actions of the log are spelt that are put together, and the words that come out.
_SPELT = {
    "f'hold_{state.value}'": {f"hold_{state}" for state in (HoldState.APPROVED, HoldState.REJECTED)},
    "f'plan_{state.value}'": {f"plan_{state}" for state in (PlanState.APPROVED, PlanState.REJECTED)},
    # What outbox.note() is told: the state that an operation came to; one that is given back was postponed.
    "action": {
        "operation_postponed",
        *(f"operation_{state}" for state in set(OperationState) - {OperationState.PENDING, OperationState.LEASED}),
    },
}

# Actions that statements and the trigger on media_assets append, together with the row they are about.
_LOGGED_BY_SQL = {"edited", "merged"}


@cache
def constrained() -> dict[str, set[str]]:
    """Every column that a check or a lookup table limits to a list of words; partitions repeat their parent."""
    checked = {
        f"{table}.{column}": set(re.findall(r"'(\w+)'", words))
        for table, body in _TABLE.findall(sources.schema())
        for column, words in _WORDS.findall(body)
        if not table.startswith("audit.media_sync_log_")
    }
    looked_up = {
        column: set(re.findall(pattern, (sources.SQL / "migrations" / file).read_text(encoding="utf-8")))
        for column, (file, pattern) in _LOOKED_UP.items()
    }
    return checked | looked_up


@cache
def logged_by_python() -> set[str]:
    """Actions that ``audit.append`` and ``audit.append_all`` are called with."""
    found: set[str] = set()
    for path in sources.python_files(sources.PACKAGE):
        for node in ast.walk(sources.tree(path)):
            if isinstance(node, ast.Call) and sources.dotted(node.func) in {"audit.append", "audit.append_all"}:
                action = node.args[1]
                if isinstance(action, ast.Constant):
                    found.add(str(action.value))
                else:
                    assert ast.unparse(action) in _SPELT, "how is this action spelt?"
                    found |= _SPELT[ast.unparse(action)]
    return found


def test_the_schema_file_is_read_at_all() -> None:
    assert len(constrained()) > 10


@pytest.mark.parametrize("column", STORED)
def test_an_enumeration_has_the_words_of_its_column(column: str) -> None:
    assert constrained()[column] == {member.value for member in STORED[column]}


def test_every_column_of_words_has_an_enumeration_or_a_reason_to_have_none() -> None:
    assert set(constrained()) == {*STORED, *ONLY_IN_THE_DATABASE, LOG_ACTION}
    assert {column: constrained()[column] for column in ONLY_IN_THE_DATABASE} == ONLY_IN_THE_DATABASE


def test_every_enumeration_is_stored_somewhere_or_has_a_reason_not_to_be() -> None:
    shared = {
        name
        for name, value in vars(vocabulary).items()
        if isinstance(value, type) and issubclass(value, StrEnum) and value is not StrEnum
    }

    assert shared == {one.__name__ for one in STORED.values()} | ONLY_IN_PYTHON


def test_the_log_knows_every_kind_of_change_that_is_applied_and_what_python_appends() -> None:
    # A conflict is no change of a row: it becomes one only when it is settled, under the kind it then has.
    applied = {kind.value for kind in ChangeKind} - {ChangeKind.CONFLICT.value}

    assert constrained()[LOG_ACTION] == applied | logged_by_python() | _LOGGED_BY_SQL


def _strange_words(text: str) -> list[str]:
    """Comparisons of a column of words with a word that none of the statement's tables allows in it."""
    allowed: dict[str, set[str]] = {}
    for table_column, words in constrained().items():
        table, column = table_column.rsplit(".", 1)
        if re.search(rf"\b{re.escape(table)}\b", text):
            allowed.setdefault(column, set()).update(words)
    return [
        f"{column} {words}"
        for column, words in re.findall(r"\b(\w+)\s*(?:=|<>|in)\s*\(?((?:'\w+'(?:,\s*)?)+)", text)
        if column in allowed and not set(re.findall(r"'(\w+)'", words)) <= allowed[column]
    ]


@pytest.mark.parametrize("name", statements.names())
def test_a_statement_compares_only_with_words_that_can_occur(name: str) -> None:
    assert _strange_words(sources.statement(name)) == []


def test_a_misspelt_word_is_found() -> None:
    assert _strange_words("select from ops.hold where kind = 'suspects' and state in ('open', 'opne')") == [
        "state 'open', 'opne'"
    ]
