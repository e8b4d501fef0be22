"""``media-pipeline conflicts``: fields that changed on both sides, and a person's decision.

Belongs here: showing the three values, saying what a decision does.
Not here: finding and settling conflicts (``outbox``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from sqlalchemy import Engine

from media_pipeline import outbox
from media_pipeline.cli import local, screen
from media_pipeline.db import migrate
from media_pipeline.errors import ConflictNotOpen, ExitCode
from media_pipeline.reads.operations import Conflict, list_conflicts, read_conflict, shown
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import ConflictId, ConflictState, OperationKind

_AFTER = {
    ConflictState.LOCAL_WINS: "The next 'media-pipeline push' writes the local value over Cloudinary's.",
    ConflictState.REMOTE_WINS: "Cloudinary's value stays, and media_assets shows it; the local one is kept in the log.",
}


@dataclass(frozen=True, slots=True)
class ConflictList:
    """The oldest of *conflict_count* open conflicts."""

    conflict_count: int
    conflicts: tuple[Conflict, ...]


def list_all(settings: Settings, *, is_json: bool) -> ExitCode:
    """List the open conflicts."""
    with _engine(settings) as engine:
        count, found = list_conflicts(engine)
    if is_json:
        screen.print_json(ConflictList(count, tuple(found)))
    elif not found:
        screen.out().print("No conflict is open: nothing changed on both sides.")
    else:
        _show_all(count, found, screen.out())
    return ExitCode.OK


def show(settings: Settings, number: int) -> ExitCode:
    """Show one conflict with its three values.

    Raises:
        ConflictNotOpen: there is none of this number.
    """
    with _engine(settings) as engine:
        conflict = read_conflict(engine, ConflictId(number))
    _describe(conflict, screen.out())
    return ExitCode.OK


def resolve(settings: Settings, number: int, winner: ConflictState) -> ExitCode:
    """Decide a conflict.

    Raises:
        ConflictNotOpen: there is none, or it was decided before.
    """
    with _engine(settings) as engine:
        conflict = read_conflict(engine, ConflictId(number))
        if conflict.state is not ConflictState.OPEN:
            raise ConflictNotOpen(number)
        outbox.resolve(engine, conflict.id, winner, actor=screen.actor(), policy_of=settings.conflict_policy)
    side = "local" if winner is ConflictState.LOCAL_WINS else "remote"
    screen.out().print(
        f"Conflict {number} over {conflict.place} of {conflict.public_id} is decided: the {side} value wins. "
        f"{_AFTER[winner]}",
        markup=False,
    )
    return ExitCode.OK


def _show_all(count: int, found: Sequence[Conflict], console: Console) -> None:
    table = screen.rows("Conflict", "Asset", "Field", "Base", "Local", "Remote", "Found", numbers=[0])
    for one in found:
        screen.add_row(
            table, str(one.id), one.public_id, one.place, *map(_short, _values(one)), screen.ago(one.opened_at)
        )
    console.print(table)
    if count > len(found):
        console.print(f"… and {count - len(found):,} more")
    console.print(
        "Look at one with 'media-pipeline conflicts show N', then decide it: 'media-pipeline conflicts resolve N "
        "--local' or '--remote'."
    )


def _describe(conflict: Conflict, console: Console) -> None:
    state = conflict.state.value
    if conflict.resolved_at is not None:
        state += f", decided by {conflict.resolved_by} {screen.ago(conflict.resolved_at)}"
    console.print(
        f"Conflict {conflict.id}, {state}: {conflict.place} of {conflict.public_id}", style="bold", markup=False
    )
    base, local_value, remote = _values(conflict)
    console.print(f"  Base    {base}   when the edit was recorded", markup=False)
    console.print(f"  Local   {local_value}   by {conflict.actor}{_because(conflict)}", markup=False)
    console.print(f"  Remote  {remote}   in Cloudinary", markup=False)
    if conflict.state is ConflictState.OPEN:
        number = conflict.id
        console.print(
            f"'media-pipeline conflicts resolve {number} --local': {_AFTER[ConflictState.LOCAL_WINS]}\n"
            f"'media-pipeline conflicts resolve {number} --remote': {_AFTER[ConflictState.REMOTE_WINS]}",
            markup=False,
        )


def _because(conflict: Conflict) -> str:
    return f", because: {conflict.reason}" if conflict.reason else ""


def _values(conflict: Conflict) -> tuple[str, str, str]:
    """Base, local and remote as texts; a deletion, here or there, has no value of its own."""
    texts = [shown(value) for value in (conflict.base, conflict.local, conflict.remote)]
    if conflict.field == "deleted_at":
        texts[1 if conflict.operation_kind is OperationKind.DELETE else 2] = "deleted"
    return texts[0], texts[1], texts[2]


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"


@contextmanager
def _engine(settings: Settings) -> Iterator[Engine]:
    with local.running(settings, with_emulator=False) as live, local.database(live) as engine:
        migrate.require_current(engine)
        yield engine
