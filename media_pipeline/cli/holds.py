"""``media-pipeline holds``: what a guard stopped, and a person's decision.

Belongs here: showing holds, asking, saying what happens next.
Not here: decisions themselves (``ops.holds``), the guards.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from sqlalchemy import Engine

from media_pipeline.cli import local, screen
from media_pipeline.db import migrate
from media_pipeline.errors import ExitCode, HoldNotOpen
from media_pipeline.ops import holds
from media_pipeline.ops.holds import Hold
from media_pipeline.reads.holds import read_hold
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import HoldId, HoldKind, HoldState

_NAMES = 20

_MEANING = {
    HoldKind.SUSPECTS: "live in the mirror, but missing in a complete listing; not read by their id yet",
    HoldKind.DELETIONS: "proved deleted in the cloud, still live in media_assets",
}
_AFTER_APPROVAL = {
    HoldKind.SUSPECTS: "The next sync reads each of these assets by its id. Only those proved gone count as deleted; "
    "exactly these pass the guard.",
    HoldKind.DELETIONS: "The next sync marks exactly these rows as deleted. The rows stay, with all they hold.",
}
_AFTER_REJECTION = {
    HoldKind.SUSPECTS: "The next sync takes them for live again. If a listing misses them once more, a new hold opens.",
    HoldKind.DELETIONS: "They stay live in media_assets. The next sync finds them again and opens a new hold.",
}


def list_all(settings: Settings, *, with_decided: bool) -> ExitCode:
    """List the open holds, or all of them."""
    console = screen.out()
    with _engine(settings) as engine:
        found = holds.list_holds(engine, only_open=not with_decided)
    if not found:
        console.print("No hold is open: nothing waits for an approval." if not with_decided else "There are no holds.")
        return ExitCode.OK
    table = screen.rows("Hold", "What", "Slice", "Assets", "Of", "Opened", "State", numbers=[0, 3, 4])
    for hold in found:
        screen.add_row(
            table,
            str(hold.id),
            hold.kind.value,
            _slice(hold),
            f"{hold.asset_count:,}",
            f"{hold.total_count:,}",
            screen.ago(hold.opened_at),
            _state(hold),
        )
    console.print(table)
    if any(hold.state is HoldState.OPEN for hold in found):
        console.print("Look at one with 'media-pipeline holds show N', then approve or reject it.")
    return ExitCode.OK


def show(settings: Settings, number: int) -> ExitCode:
    """Show one hold with its assets."""
    with _engine(settings) as engine:
        hold = read_hold(engine, HoldId(number))
        _describe(engine, hold, screen.out())
    if hold.state is HoldState.OPEN:
        screen.out().print(
            f"Approve it with 'media-pipeline holds approve {number}': {_AFTER_APPROVAL[hold.kind]}\n"
            f"Reject it with 'media-pipeline holds reject {number}': {_AFTER_REJECTION[hold.kind]}"
        )
    return ExitCode.OK


def approve(settings: Settings, number: int, *, is_agreed: bool) -> ExitCode:
    """Approve a hold after the person typed its count.

    Raises:
        HoldNotFound, HoldNotOpen: there is nothing to approve.
    """
    console = screen.out()
    with _engine(settings) as engine:
        hold = read_hold(engine, HoldId(number))
        if hold.state is not HoldState.OPEN:
            raise HoldNotOpen(number, hold.state.value)
        _describe(engine, hold, console)
        if not is_agreed:
            typed = typer.prompt(f"Type the number of assets ({hold.asset_count}) to approve exactly these")
            if typed.strip().replace(",", "") != str(hold.asset_count):
                console.print("That is not the number. Nothing was approved.")
                return ExitCode.FAILED
        holds.decide(engine, hold.id, HoldState.APPROVED, actor=screen.actor())
    console.print(f"Hold {number} is approved. {_AFTER_APPROVAL[hold.kind]}")
    return ExitCode.OK


def reject(settings: Settings, number: int) -> ExitCode:
    """Reject a hold.

    Raises:
        HoldNotFound, HoldNotOpen: there is nothing to reject.
    """
    with _engine(settings) as engine:
        hold = read_hold(engine, HoldId(number))
        holds.decide(engine, hold.id, HoldState.REJECTED, actor=screen.actor())
    screen.out().print(f"Hold {number} is rejected. {_AFTER_REJECTION[hold.kind]}")
    return ExitCode.OK


@contextmanager
def _engine(settings: Settings) -> Iterator[Engine]:
    with local.running(settings, with_emulator=False) as live, local.database(live) as engine:
        migrate.require_current(engine)
        yield engine


def _describe(engine: Engine, hold: Hold, console: Console) -> None:
    console.print(f"Hold {hold.id}, {_state(hold)}: {hold.reason}", style="bold", markup=False)
    assets = screen.plural(hold.asset_count, "asset")
    console.print(f"{assets} of {hold.total_count:,} in {_slice(hold)}: {_MEANING[hold.kind]}.")
    items = holds.list_items(engine, hold.id, limit=_NAMES)
    for item in items:
        console.print(f"  {item.asset_id}  {item.public_id or '(never seen)'}", markup=False)
    if hold.asset_count > len(items):
        console.print(f"  … and {hold.asset_count - len(items):,} more")


def _state(hold: Hold) -> str:
    if hold.state is HoldState.OPEN or hold.decided_at is None:
        return hold.state.value
    by = f" by {hold.decided_by}" if hold.decided_by else ""
    return f"{hold.state.value}{by} {screen.ago(hold.decided_at)}"


def _slice(hold: Hold) -> str:
    return f"{hold.resource_type}/{hold.delivery_type}"
