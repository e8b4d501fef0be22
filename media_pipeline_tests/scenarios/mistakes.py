"""Mistakes for negative controls: one rule that keeps data safe is taken away, and the scenario has to notice.

Belongs here: taking a rule away for the length of a test. Not here: the scenarios.
"""

from __future__ import annotations

import pytest
from sqlalchemy import text

from media_pipeline import guards
from media_pipeline.db import statements
from media_pipeline.mirror import verify
from media_pipeline.ops import binding
from media_pipeline_tests.property.test_convergence import believe_answers, believe_suspects

__all__ = [
    "believe_answers",
    "believe_one_answer",
    "believe_suspects",
    "trust_any_cloud",
    "without_mass_guard",
    "without_window_rule",
]


def believe_one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an answer with a canary in it does not show is deleted, without a second look."""
    monkeypatch.setattr(verify._Reader, "_are_missing_again", lambda *_: True)


def without_window_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is applied last counts, however old it is."""
    _change(monkeypatch, "mirror/030_win_sightings", "where s.touch < :touch_low", "where :touch_low > 0")


def without_mass_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any number of deletions passes."""
    monkeypatch.setattr(guards, "judge_absence", lambda *_: guards.Verdict(passes=True))
    monkeypatch.setattr(guards, "judge_deletions", lambda *_: guards.Verdict(passes=True))


def trust_any_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody asks to whom the database belongs."""
    monkeypatch.setattr(binding, "require", lambda *_: None)


def _change(monkeypatch: pytest.MonkeyPatch, name: str, old: str, new: str) -> None:
    """Run another statement in place of one of the program's."""
    unchanged = statements.statement
    source = statements.source(name)
    assert source.count(old) == 1, f"{name} no longer says {old!r}"
    changed = text(source.replace(old, new))
    monkeypatch.setattr(statements, "statement", lambda asked: changed if asked == name else unchanged(asked))
