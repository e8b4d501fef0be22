"""``media-pipeline plan``: what a push is about to do, and a person's decision over one that is held.

Belongs here: showing plans, asking, saying what happens next.
Not here: decisions themselves (``push.plan``), the guard, pushing (``cli.push``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import typer
from rich.console import Console
from sqlalchemy import Engine

from media_pipeline import push
from media_pipeline.cli import local, screen
from media_pipeline.db import migrate
from media_pipeline.errors import ExitCode, PlanNotHeld
from media_pipeline.push import Plan, PlanItem, Preview
from media_pipeline.reads.operations import in_words
from media_pipeline.reads.status import read_allowance
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import PlanId, PlanState

_OPERATIONS = 20
_OPERATIONS_JSON = 20_000


@dataclass(frozen=True, slots=True)
class PlanReport:
    """A plan with its operations; *allowance_share* is the part of the hourly allowance that it takes, if known."""

    plan: Plan
    allowance_share: float | None
    items: tuple[PlanItem, ...]


@dataclass(frozen=True, slots=True)
class PlanList:
    """Plans, newest first."""

    plans: tuple[Plan, ...]


def list_all(settings: Settings, *, is_json: bool) -> ExitCode:
    """List the newest plans."""
    with _engine(settings) as engine:
        found = push.list_plans(engine)
    if is_json:
        screen.print_json(PlanList(tuple(found)))
    elif not found:
        screen.out().print(
            "There is no push plan yet: nothing was edited, or nothing was pushed. 'media-pipeline push --dry-run' "
            "shows what one would contain."
        )
    else:
        _show_all(found, screen.out())
    return ExitCode.OK


def show(settings: Settings, number: int, *, is_json: bool) -> ExitCode:
    """Show one plan with its operations.

    Raises:
        PlanNotFound: there is none.
    """
    with _engine(settings) as engine:
        plan = push.read_plan(engine, PlanId(number))
        items = push.list_items(engine, plan.id, limit=_OPERATIONS_JSON if is_json else _OPERATIONS)
        limit = _allowed_an_hour(engine)
    if is_json:
        share = None if limit is None else plan.admin_call_count / limit
        screen.print_json(PlanReport(plan, share, tuple(items)))
        return ExitCode.OK
    console = screen.out()
    _describe(plan, items, limit, console)
    if plan.state is PlanState.HELD:
        console.print(
            f"Approve it with 'media-pipeline plan approve {number}': the next push does exactly these operations.\n"
            f"Reject it with 'media-pipeline plan reject {number}': they are withdrawn, and media_assets shows again "
            "what Cloudinary has."
        )
    return ExitCode.OK


def approve(settings: Settings, number: int, *, is_agreed: bool) -> ExitCode:
    """Approve a held plan after the person typed its count.

    Raises:
        PlanNotFound, PlanNotHeld: there is nothing to approve.
    """
    console = screen.out()
    with _engine(settings) as engine:
        plan = _held(engine, number)
        if not is_agreed:
            _describe(plan, push.list_items(engine, plan.id, limit=_OPERATIONS), _allowed_an_hour(engine), console)
            typed = typer.prompt(f"Type the number of operations ({plan.operation_count}) to approve exactly these")
            if typed.strip().replace(",", "") != str(plan.operation_count):
                console.print("That is not the number. Nothing was approved.")
                return ExitCode.FAILED
        count = push.decide(engine, settings, plan.id, PlanState.APPROVED, actor=screen.actor())
    console.print(
        f"Plan {number} is approved: {screen.plural(count, 'operation')}. 'media-pipeline push' does exactly these, "
        "and so does Dagster by itself while it is up."
    )
    return ExitCode.OK


def reject(settings: Settings, number: int) -> ExitCode:
    """Reject a held plan; its operations are withdrawn.

    Raises:
        PlanNotFound, PlanNotHeld: there is nothing to reject.
    """
    with _engine(settings) as engine:
        plan = _held(engine, number)
        count = push.decide(engine, settings, plan.id, PlanState.REJECTED, actor=screen.actor())
    screen.out().print(
        f"Plan {number} is rejected: {screen.plural(count, 'operation')} withdrawn. Nothing was done in Cloudinary, "
        "and media_assets shows again what Cloudinary has."
    )
    return ExitCode.OK


def cost(plan: Plan | Preview, allowed_an_hour: int | None) -> str:
    """What pushing it takes, in one sentence."""
    calls = screen.plural(plan.admin_call_count, "Admin API call")
    share = "" if not allowed_an_hour else f" ({plan.admin_call_count / allowed_an_hour:.1%} of the hourly allowance)"
    return (
        f"It takes about {calls}{share}, {screen.plural(plan.upload_call_count, 'Upload API call')} and "
        f"{_duration(plan.estimated_seconds)}, the reads that confirm it included."
    )


def show_items(items: Sequence[PlanItem], total: int, console: Console) -> None:
    """Each operation with what it changes."""
    for item in items:
        console.print(f"  {item.kind.value}  {item.public_id}  by {item.actor}", markup=False)
        for line in in_words(item.kind, item.base, item.wanted):
            console.print(f"    {line}", markup=False)
        if item.outcome:
            console.print(f"    {item.operation_state.value}: {item.outcome}", markup=False, style="dim")
    if total > len(items):
        console.print(f"  … and {total - len(items):,} more")


def _show_all(found: Sequence[Plan], console: Console) -> None:
    table = screen.rows("Plan", "Part", "Operations", "Calls", "Planned", "State", numbers=[0, 2, 3])
    for plan in found:
        screen.add_row(
            table,
            str(plan.id),
            plan.part.value,
            f"{plan.operation_count:,}",
            f"{plan.admin_call_count:,}",
            screen.ago(plan.planned_at),
            _state(plan),
        )
    console.print(table)
    if any(plan.state is PlanState.HELD for plan in found):
        console.print("Look at a held one with 'media-pipeline plan show N', then approve or reject it.")


def _describe(plan: Plan, items: Sequence[PlanItem], allowed_an_hour: int | None, console: Console) -> None:
    why = f": {plan.reason}" if plan.reason else ""
    console.print(f"Plan {plan.id} over {plan.part.value}, {_state(plan)}{why}", style="bold", markup=False)
    console.print(f"{screen.plural(plan.operation_count, 'operation')}. {cost(plan, allowed_an_hour)}")
    show_items(items, plan.operation_count, console)


def _state(plan: Plan) -> str:
    if plan.state is PlanState.HELD or plan.decided_at is None:
        return plan.state.value
    return f"{plan.state.value}, decided by {plan.decided_by} {screen.ago(plan.decided_at)}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"


def _held(engine: Engine, number: int) -> Plan:
    plan = push.read_plan(engine, PlanId(number))
    if plan.state is not PlanState.HELD:
        raise PlanNotHeld(number, plan.state.value)
    return plan


def _allowed_an_hour(engine: Engine) -> int | None:
    allowance = read_allowance(engine)
    return None if allowance is None else allowance.limit_count


@contextmanager
def _engine(settings: Settings) -> Iterator[Engine]:
    with local.running(settings, with_emulator=False) as live, local.database(live) as engine:
        migrate.require_current(engine)
        yield engine
