"""Fault plans: rules that say which requests go wrong, and how; what was injected is counted.

Belongs here: matching, counting, and what each kind makes of an answer. Not here: sending it, see middleware.
"""

from __future__ import annotations

import itertools
import random
import re
import threading
from collections.abc import Callable, Iterable
from enum import StrEnum
from fnmatch import fnmatchcase

import msgspec

from media_pipeline.emulator.clock import parse_time


class Kind(StrEnum):
    """Ways to go wrong; the first group never reaches the library."""

    STATUS = "status"
    ERROR_WITH_200 = "error_with_200"
    HTML = "html"
    EMPTY_PAGE = "empty_page"
    EXPIRED_CURSOR = "expired_cursor"
    REVOKED_KEY = "revoked_key"
    # Another, empty cloud answers.
    WRONG_CLOUD = "wrong_cloud"
    QUOTA = "quota"
    RESET_BEFORE_EFFECT = "reset_before_effect"
    # The library answers, and the answer suffers.
    RESET_AFTER_EFFECT = "reset_after_effect"
    TRUNCATED_JSON = "truncated_json"
    REPEATED_CURSOR = "repeated_cursor"
    TRUNCATED_PAGE = "truncated_page"
    CUT_ANSWER = "cut_answer"
    DELAY = "delay"
    SLOW_BODY = "slow_body"
    SKIPPING_CURSOR = "skipping_cursor"
    LAGGING_SEARCH = "lagging_search"
    # The library does less than it was asked for.
    PARTIAL_DELETE = "partial_delete"
    # Notifications suffer, whether they are sent or polled.
    WEBHOOK_DROPPED = "webhook_dropped"
    WEBHOOK_DUPLICATED = "webhook_duplicated"
    WEBHOOK_REORDERED = "webhook_reordered"
    WEBHOOK_DELAYED = "webhook_delayed"
    WEBHOOK_TAMPERED = "webhook_tampered"


INSTEAD = frozenset(
    {
        Kind.STATUS,
        Kind.ERROR_WITH_200,
        Kind.HTML,
        Kind.EMPTY_PAGE,
        Kind.EXPIRED_CURSOR,
        Kind.REVOKED_KEY,
        Kind.QUOTA,
    }
)
_NOTICES = frozenset(
    {
        Kind.WEBHOOK_DROPPED,
        Kind.WEBHOOK_DUPLICATED,
        Kind.WEBHOOK_REORDERED,
        Kind.WEBHOOK_DELAYED,
        Kind.WEBHOOK_TAMPERED,
    }
)
# These need a request that carries a cursor; others do not match.
_NEED_CURSOR = frozenset({Kind.EXPIRED_CURSOR, Kind.REPEATED_CURSOR})


class Rule(msgspec.Struct, forbid_unknown_fields=True):
    """One line of a fault plan.

    Attributes:
        method: Exact, or ``*``.
        path: Glob over the decoded path behind ``/v1_1/{cloud}``; ``*`` matches slashes too. For the kinds that
            concern notifications a glob over the event type.
        first: The first matching request that suffers, counted from 1.
        times: How many matching requests suffer from then on; None for all.
        share: Probability with which each of them does, decided by `seed` alone: the same in every run.
        status: Answered by ``status`` and ``html``.
        message: Replaces the kind's own error text.
        headers: Added to an answer that replaces the real one.
        body: Replaces the whole body of ``status`` and ``html``.
        seconds: How late ``delay`` answers; the effect is not late. How long ``slow_body`` takes. How late a delayed
            notification is, and how far ``lagging_search`` is behind, by the emulator's clock.
        keep: Items that ``truncated_page`` and ``cut_answer`` leave, that ``partial_delete`` deletes, that
            ``skipping_cursor`` leaves out between two pages.
        rate_headers: Whether ``quota`` carries the rate headers.
    """

    kind: Kind
    method: str = "*"
    path: str = "*"
    first: int = 1
    times: int | None = None
    share: float = 1.0
    seed: int = 0
    status: int = 503
    message: str | None = None
    headers: dict[str, str] = {}
    body: str | None = None
    seconds: float = 0.0
    keep: int = 0
    rate_headers: bool = True

    def matches(self, method: str, path: str, has_cursor: bool) -> bool:
        """Whether a request falls under the rule."""
        return (
            self.kind not in _NOTICES
            and self.method in ("*", method)
            and fnmatchcase(path, self.path)
            and (has_cursor or self.kind not in _NEED_CURSOR)
        )


class RuleState(msgspec.Struct):
    """A rule with what happened to it."""

    id: int
    rule: Rule
    matched: int = 0
    injected: int = 0


class Faults:
    """The rules in force; the first that matches and is due decides."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: list[RuleState] = []
        self._ids = itertools.count(1)
        self._chances: dict[int, random.Random] = {}

    def add(self, rules: Iterable[Rule]) -> list[RuleState]:
        """Put rules in force behind those that are."""
        with self._lock:
            added = [RuleState(next(self._ids), rule) for rule in rules]
            self._states.extend(added)
            self._chances |= {state.id: random.Random(state.rule.seed) for state in added}
        return added

    def restore(self, states: Iterable[RuleState]) -> None:
        """Put rules in force as they were, with their counts, in place of those that are."""
        with self._lock:
            self._states = list(states)
            self._ids = itertools.count(max((state.id for state in self._states), default=0) + 1)
            self._chances = {state.id: random.Random(state.rule.seed) for state in self._states}
            for state in self._states:
                for _ in range(state.matched - state.rule.first + 1):
                    self._chances[state.id].random()

    def states(self) -> list[RuleState]:
        """The rules in force with their counts."""
        with self._lock:
            return [msgspec.structs.replace(state) for state in self._states]

    def remove(self, rule_id: int) -> bool:
        """Take one rule out of force; False if it is not in force."""
        with self._lock:
            kept = [state for state in self._states if state.id != rule_id]
            removed = len(kept) < len(self._states)
            self._states = kept
        return removed

    def clear(self) -> None:
        """Take all rules out of force."""
        with self._lock:
            self._states = []

    def take(self, method: str, path: str, has_cursor: bool) -> Rule | None:
        """The rule this request suffers from; counts it as injected."""
        return self._take(lambda rule: rule.matches(method, path, has_cursor))

    def take_notice(self, event_type: str) -> Rule | None:
        """The rule this notification suffers from; counts it as injected."""
        return self._take(lambda rule: rule.kind in _NOTICES and fnmatchcase(event_type, rule.path))

    def _take(self, matches: Callable[[Rule], bool]) -> Rule | None:
        with self._lock:
            for state in self._states:
                rule = state.rule
                if not matches(rule):
                    continue
                state.matched += 1
                # A chance is taken for every request that could suffer, so that counts tell where the series stands.
                if state.matched < rule.first or self._chances[state.id].random() >= rule.share:
                    continue
                if rule.times is None or state.injected < rule.times:
                    state.injected += 1
                    return rule
        return None


def spoiled(rule: Rule, body: bytes, cursor: str | None, now: float) -> bytes:
    """The body of a real answer after a fault of the second group; one that is no list stays as it is."""
    if rule.kind is Kind.TRUNCATED_JSON:
        return body[: len(body) // 2]
    try:
        document = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return body
    if rule.kind is Kind.REPEATED_CURSOR:
        document["next_cursor"] = msgspec.Raw(msgspec.json.encode(cursor))
    elif rule.kind is Kind.LAGGING_SEARCH:
        _lag(document, now - rule.seconds)
    elif "resources" in document:
        kept = msgspec.json.decode(document["resources"], type=list[msgspec.Raw])[: rule.keep]
        document["resources"] = msgspec.Raw(msgspec.json.encode(kept))
        # A truncated page looks like the last one; a cut answer keeps the rest of its members.
        if rule.kind is Kind.TRUNCATED_PAGE:
            document.pop("next_cursor", None)
    return msgspec.json.encode(document)


def _lag(document: dict[str, msgspec.Raw], until: float) -> None:
    """Leave out what changed since; the count of the whole is that of a fresher index, as while one is in flux."""
    for name in ("resources", "folders"):
        if name in document:
            items = msgspec.json.decode(document[name], type=list[msgspec.Raw])
            old = [item for item in items if _changed_at(msgspec.json.decode(item, type=_Dated)) <= until]
            document[name] = msgspec.Raw(msgspec.json.encode(old))


class _Dated(msgspec.Struct):
    created_at: str = ""
    uploaded_at: str = ""
    last_updated: dict[str, str] = {}


def _changed_at(item: _Dated) -> int:
    times = (item.created_at, item.uploaded_at, item.last_updated.get("updated_at", ""))
    return max((parse_time(text) for text in times if text), default=0)


_API_PATH = re.compile(r"/v\d(?:_\d)?/[^/]+(/.*)?")


def api_path(path: str) -> str:
    """What rules match: the path behind version and cloud, or the whole path of anything else."""
    found = _API_PATH.fullmatch(path)
    return (found[1] or "/") if found else path
