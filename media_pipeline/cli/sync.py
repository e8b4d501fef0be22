"""``media-pipeline sync``: one full sync, one of recent changes, or a look at what a full one would find.

Belongs here: the order of starting, migrating and syncing; the report.
Not here: the sync (``orchestration.launch``), the dry run's look (``cli.dry_run``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from media_pipeline.cli import local, screen, watch
from media_pipeline.cli.dry_run import DryRun, dry_run
from media_pipeline.db import migrate
from media_pipeline.db.engine import read_only
from media_pipeline.errors import ExitCode
from media_pipeline.ops import binding, holds
from media_pipeline.ops.holds import Hold
from media_pipeline.progress import Progress
from media_pipeline.reads.changes import ChangesOfKind, Example, count_changes
from media_pipeline.reads.status import Quarantine, read_allowance, read_quarantine
from media_pipeline.settings import Environment, Settings
from media_pipeline.vocabulary import ChangeState, RunId, RunState

if TYPE_CHECKING:
    from media_pipeline.orchestration.launch import SyncOutcome

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did, for people and scripts; ``counts`` are those of its steps."""

    run_id: RunId
    dagster_run_id: str
    state: RunState
    cloud: str
    is_emulator: bool
    changes: tuple[ChangesOfKind, ...]
    holds: tuple[Hold, ...]
    quarantine: Quarantine
    problems: tuple[str, ...]
    api_calls_used: int
    api_calls_left: int | None
    duration_seconds: float
    counts: Mapping[str, Mapping[str, object]]

    @property
    def exit_code(self) -> ExitCode:
        """Failed where a slice broke, held where something waits for a person."""
        if self.problems:
            return ExitCode.FAILED
        return ExitCode.HELD if self.holds else ExitCode.OK


def command(settings: Settings, *, is_recent: bool, is_dry: bool, may_migrate: bool, is_json: bool) -> ExitCode:
    """Sync, or look."""
    with local.running(settings) as live, local.database(live) as engine:
        if is_dry:
            migrate.require_current(engine)
            look = _look(engine, live)
            screen.print_json(look) if is_json else _show_look(look, screen.out())
            return ExitCode.FAILED if look.problems else ExitCode.OK
        local.bring_up_to_date(engine, settings, may_migrate=may_migrate, tell=lambda text: screen.err().print(text))
        with watch.progress(lambda: calls_left(engine)) as progress:
            report = run(engine, live, progress=progress, is_recent=is_recent)
        screen.print_json(report) if is_json else show(report, screen.out())
        return report.exit_code


def run(
    engine: Engine, live: Settings, *, progress: Progress, examples: int = _EXAMPLES, is_recent: bool = False
) -> SyncReport:
    """One full sync, or one of recent changes, through Dagster, in this process.

    Args:
        live: settings that `local.running` filled in.
        examples: names a kind of change is reported with.

    Raises:
        MediaPipelineError: whatever stopped it.
    """
    from media_pipeline.orchestration.launch import run_full_sync, run_incremental_sync

    sync = run_incremental_sync if is_recent else run_full_sync
    return report_on(engine, sync(live, actor=screen.actor(), progress=progress), examples=examples)


def report_on(engine: Engine, outcome: SyncOutcome, *, examples: int = _EXAMPLES) -> SyncReport:
    """What is said of a sync that has ended."""
    with read_only(engine) as connection:
        cloud = binding.read(connection)
    return SyncReport(
        run_id=outcome.run_id,
        dagster_run_id=outcome.dagster_run_id,
        state=outcome.state,
        cloud=str(cloud),
        is_emulator=cloud is not None and cloud.is_emulator,
        changes=count_changes(engine, outcome.run_id, examples=examples),
        holds=tuple(hold for hold in holds.list_holds(engine) if hold.id in outcome.hold_ids),
        quarantine=read_quarantine(engine, limit=_EXAMPLES),
        problems=outcome.problems,
        api_calls_used=outcome.api_calls_used,
        api_calls_left=calls_left(engine),
        duration_seconds=outcome.duration_seconds,
        counts=outcome.counts,
    )


def show(report: SyncReport, console: Console) -> None:
    """The report for people."""
    tell = partial(console.print, markup=False)
    left = "" if report.api_calls_left is None else f", {report.api_calls_left:,} left in this hour"
    tell(
        f"Run {report.run_id} of {report.cloud}: {_seen(report)} in {report.duration_seconds:.1f} s; "
        f"{screen.plural(report.api_calls_used, 'Admin API call')} used{left}."
    )
    if report.counts.get("listing", {}).get("assets") == 0 and report.is_emulator:
        tell(
            "The emulator holds nothing yet. 'media-pipeline emulator --sample' fills it with a sample library; "
            "'media-pipeline demo' shows everything at once."
        )
    elif report.changes:
        console.print(changes_table(report.changes))
    elif "listing" not in report.counts:
        tell("Nothing differs in what was read.")
    else:
        tell("Nothing differs: the mirror is as the cloud is.")
    for hold in report.holds:
        console.print(f"Waiting for you: {hold.reason}", style="bold yellow", markup=False)
        tell(f"  Look:     media-pipeline holds show {hold.id}")
        tell(f"  Approve:  media-pipeline holds approve {hold.id}")
    if report.quarantine.record_count:
        count = screen.plural(report.quarantine.record_count, "record")
        console.print(f"In quarantine, not mirrored until they can be read: {count}.", style="bold yellow")
        for record in report.quarantine.newest:
            tell(f"  {record.asset_id or 'no asset_id'}  {record.reason}: {record.detail}")
    for problem in report.problems:
        console.print(f"Not done to its end: {problem}", style="bold red", markup=False)
    if report.problems:
        tell("What was read is kept, and nothing that was not read counts as deleted. Run the same again.")


def _seen(report: SyncReport) -> str:
    """What was looked at, by the step that asked Cloudinary."""
    listing = report.counts.get("listing")
    if listing is not None:
        return f"{listing['assets']:,} assets on {screen.plural(int(str(listing['pages'])), 'page')}"
    told = report.counts.get("change_files")
    if told is not None:
        return f"{screen.plural(int(str(told['notifications'])), 'notification')}"
    found = next(part for part in report.counts.values() if "hinted_count" in part)
    return f"{screen.plural(int(str(found['found_count'])), 'change')} shown by the search"


def changes_table(changes: tuple[ChangesOfKind, ...]) -> Table:
    """Changes by kind, with example names."""
    table = screen.rows("Found", "Count", "For example", numbers=[1])
    for one in changes:
        kind = one.kind.value + (" (held)" if one.state is ChangeState.HELD else "")
        screen.add_row(
            table, kind, f"{one.change_count:,}", screen.names(map(_example, one.examples), one.change_count)
        )
    return table


def _example(one: Example) -> str:
    return one.public_id + (f" ({', '.join(one.fields)})" if one.fields else "")


def _look(engine: Engine, live: Settings) -> DryRun:
    from media_pipeline.remote.calls import UnlimitedBudget
    from media_pipeline.remote.client import CloudinaryClient

    refuse_emulator = live.environment is Environment.PRODUCTION
    with (
        CloudinaryClient(
            local.credentials(live), settings=live, budget=UnlimitedBudget(), refuse_emulator=refuse_emulator
        ) as client,
        watch.progress() as progress,
    ):
        return dry_run(engine, client, live, progress=progress)


def _show_look(look: DryRun, console: Console) -> None:
    tell = partial(console.print, markup=False)
    tell(
        f"Dry run against {look.cloud}, nothing was written: {look.asset_count:,} assets on "
        f"{screen.plural(look.page_count, 'page')} in {look.duration_seconds:.1f} s."
    )
    table = screen.rows("A sync would find", "Count", "For example", numbers=[1])
    for one in look.changes:
        screen.add_row(table, one.kind, f"{one.asset_count:,}", screen.names(one.examples, one.asset_count))
    if look.suspects.asset_count:
        suspects = look.suspects
        screen.add_row(
            table, "deleted", f"≤ {suspects.asset_count:,}", screen.names(suspects.examples, suspects.asset_count)
        )
    if table.row_count:
        console.print(table)
    else:
        tell("A sync would find nothing new.")
    if look.suspects.asset_count:
        tell(
            "Deletions are an upper bound: these assets are not listed. A sync reads each by its id and believes "
            "only what is proved."
        )
    for sentence in look.would_hold:
        console.print(f"A sync would hold and ask you: {sentence}", style="bold yellow", markup=False)
    if look.unreadable:
        count = screen.plural(look.unreadable, "record")
        tell(f"{count} cannot be read and would go into quarantine; their slices prove no deletion.")
    for problem in look.problems:
        console.print(f"Not listed to its end: {problem}", style="bold red", markup=False)


def calls_left(engine: Engine) -> int | None:
    """What is left of the hourly allowance; None before the first answer told it."""
    allowance = read_allowance(engine)
    return None if allowance is None else allowance.remaining_count
