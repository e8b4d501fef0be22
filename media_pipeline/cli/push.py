"""``media-pipeline push``: bring edits of ``media_assets`` to Cloudinary, or look at what that would be.

Belongs here: the order of starting, pushing and reading again; the report.
Not here: the push (``orchestration.launch``), decisions about plans (``cli.plans``) and conflicts (``cli.conflicts``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from rich.console import Console
from sqlalchemy import Engine

from media_pipeline import push
from media_pipeline.cli import local, screen, watch
from media_pipeline.cli.plans import cost, show_items
from media_pipeline.db import migrate
from media_pipeline.db.engine import read_only
from media_pipeline.errors import ExitCode
from media_pipeline.ops import binding
from media_pipeline.progress import Progress
from media_pipeline.push import Plan, Preview
from media_pipeline.reads.operations import Pushed, Waiting, count_waiting, in_words, list_pushed
from media_pipeline.reads.status import read_allowance
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import OperationState, RunId

_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class PushReport:
    """What a push did, for people and scripts.

    Attributes:
        counts: tries by their result: sent, refused, conflict, unknown, postponed, stale.
        confirmed: operations that a read has shown to be done.
        operations: the first few of *operation_count* that were tried, as they stand now.
        waiting: what is left, held and in conflict now.
        problems: why the push, or the read after it, paused.
    """

    run_ids: tuple[RunId, ...]
    dagster_run_ids: tuple[str, ...]
    cloud: str
    counts: Mapping[str, int]
    confirmed: int
    operation_count: int
    operations: tuple[Pushed, ...]
    held_plans: tuple[Plan, ...]
    waiting: Waiting
    problems: tuple[str, ...]
    api_calls_used: int
    api_calls_left: int | None
    duration_seconds: float

    @property
    def exit_code(self) -> ExitCode:
        """Failed where it paused, held where a plan waits for a person."""
        if self.problems:
            return ExitCode.FAILED
        return ExitCode.HELD if self.held_plans else ExitCode.OK


@dataclass(frozen=True, slots=True)
class DryPush:
    """What a push would plan now."""

    is_dry_run: bool
    plans: tuple[Preview, ...]
    waiting: Waiting
    calls_allowed_an_hour: int | None


def command(settings: Settings, *, is_dry: bool, is_json: bool) -> ExitCode:
    """Push, or look."""
    with local.running(settings, with_emulator=not is_dry) as live, local.database(live) as engine:
        if is_dry:
            migrate.require_current(engine)
            look = _look(engine, live)
            screen.print_json(look) if is_json else _show_look(look, screen.out())
            return ExitCode.OK
        local.bring_up_to_date(engine, settings, may_migrate=False)
        with watch.progress(lambda: _calls_left(engine)) as progress:
            report = run(engine, live, progress=progress)
        screen.print_json(report) if is_json else show(report, screen.out())
        return report.exit_code


def run(engine: Engine, live: Settings, *, progress: Progress, examples: int = _EXAMPLES) -> PushReport:
    """One push through Dagster, in this process, and the reads that confirm it.

    Args:
        live: settings that `local.running` filled in.
        examples: operations that are reported one by one.

    Raises:
        MediaPipelineError: whatever stopped it.
    """
    from media_pipeline.orchestration.launch import run_push

    outcome = run_push(live, actor=screen.actor(), progress=progress)
    count, operations = list_pushed(engine, outcome.run_ids, limit=examples)
    with read_only(engine) as connection:
        cloud, waiting = binding.read(connection), count_waiting(connection)
    return PushReport(
        run_ids=outcome.run_ids,
        dagster_run_ids=outcome.dagster_run_ids,
        cloud=str(cloud),
        counts=outcome.counts,
        confirmed=outcome.confirmed,
        operation_count=count,
        operations=tuple(operations),
        held_plans=tuple(push.list_plans(engine, only_held=True)),
        waiting=waiting,
        problems=outcome.problems,
        api_calls_used=outcome.api_calls_used,
        api_calls_left=_calls_left(engine),
        duration_seconds=outcome.duration_seconds,
    )


def show(report: PushReport, console: Console) -> None:
    """The report for people."""
    tell = partial(console.print, markup=False)
    left = "" if report.api_calls_left is None else f", {report.api_calls_left:,} left in this hour"
    tell(
        f"Pushed to {report.cloud} in {report.duration_seconds:.1f} s: "
        f"{screen.plural(report.operation_count, 'operation')} tried, {report.confirmed:,} confirmed by a read; "
        f"{screen.plural(report.api_calls_used, 'Admin API call')} used{left}."
    )
    if not report.operation_count and not report.waiting.pending_count:
        tell("Nothing waits to be pushed. Edit media_assets, with SQL for example, and push again.")
    for one in report.operations:
        changes = "; ".join(in_words(one.kind, one.base, one.wanted))
        tell(f"  {one.state.value:<9} {one.public_id}  {changes}")
        if one.state in {OperationState.REFUSED, OperationState.CONFLICT, OperationState.PENDING}:
            tell(f"            {one.detail or one.outcome}")
    if report.operation_count > len(report.operations):
        tell(f"  … and {report.operation_count - len(report.operations):,} more")
    for plan in report.held_plans:
        console.print(f"Waiting for you: {plan.reason}", style="bold yellow", markup=False)
        tell(f"  Look:     media-pipeline plan show {plan.id}")
        tell(f"  Approve:  media-pipeline plan approve {plan.id}")
    _show_conflicts(report.waiting, console)
    if report.waiting.claims is not None:
        tell(report.waiting.claims)
    pending = report.waiting.pending_count - report.waiting.held_count - report.waiting.leased_count
    if pending:
        tell(
            f"{screen.plural(pending, 'operation')} not pushed yet: a deletion can be undone for a while first, and "
            "what failed pauses. 'media-pipeline push' goes on with them."
        )
    for problem in report.problems:
        console.print(f"Not pushed to its end: {problem}", style="bold red", markup=False)
    if report.problems:
        tell("Nothing is lost and nothing is done twice. Run the same again.")


def _show_conflicts(waiting: Waiting, console: Console) -> None:
    """A line for open conflicts, if there are any."""
    if waiting.conflict_count:
        text = f"Changed on both sides, for you to decide: {screen.plural(waiting.conflict_count, 'conflict')}."
        console.print(f"{text}  media-pipeline conflicts list", style="bold yellow", markup=False)


def _look(engine: Engine, live: Settings) -> DryPush:
    plans = push.preview(engine, live, limit=_EXAMPLES)
    with read_only(engine) as connection:
        waiting = count_waiting(connection)
    allowance = read_allowance(engine)
    return DryPush(True, tuple(plans), waiting, None if allowance is None else allowance.limit_count)


def _show_look(look: DryPush, console: Console) -> None:
    tell = partial(console.print, markup=False)
    if not look.plans:
        tell("Dry run, nothing was written: no edit can be pushed now.")
    for plan in look.plans:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(plan.count_by_kind.items()))
        tell(f"Dry run, nothing was written. A plan over {plan.part.value} would hold {kinds}.")
        tell(cost(plan, look.calls_allowed_an_hour))
        show_items(plan.items, plan.operation_count, console)
        if plan.reason:
            console.print(f"It would be held and ask you: {plan.reason}", style="bold yellow", markup=False)
    planned = sum(plan.operation_count for plan in look.plans)
    later = look.waiting.pending_count - planned
    if later > 0:
        tell(
            f"{screen.plural(later, 'operation')} would wait: deletions can be undone for a while, failed tries pause."
        )
    _show_conflicts(look.waiting, console)


def _calls_left(engine: Engine) -> int | None:
    allowance = read_allowance(engine)
    return None if allowance is None else allowance.remaining_count
