"""``media-pipeline backfill``: read again what an outage of notifications left out, in one go.

Belongs here: which days can be asked for, the order of starting and doing it, the report.
Not here: the two runs (``orchestration.launch``), how a sync is reported (``cli.sync``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial

import typer
from rich.console import Console

from media_pipeline.cli import local, screen, sync, watch
from media_pipeline.cli.sync import SyncReport
from media_pipeline.errors import ExitCode
from media_pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class BackfillReport:
    """What a backfill did; its days are by UTC and both included.

    Attributes:
        window: the run that read again what was created or changed on these days.
        full_sync: the run after it, which found what was deleted.
    """

    first_day: date
    last_day: date
    window: SyncReport
    full_sync: SyncReport

    @property
    def exit_code(self) -> ExitCode:
        """That of the run after which something is left to do, the full sync first."""
        return self.full_sync.exit_code or self.window.exit_code


def command(settings: Settings, first_day: date, last_day: date, *, may_migrate: bool, is_json: bool) -> ExitCode:
    """Read the days again, list everything, and tell.

    Raises:
        typer.BadParameter: these are no days that can be read again.
    """
    from media_pipeline.orchestration.launch import run_backfill
    from media_pipeline.orchestration.windows import FIRST_DAY

    last_day = min(last_day, datetime.now(UTC).date())
    if not date.fromisoformat(FIRST_DAY) <= first_day <= last_day:
        raise typer.BadParameter(f"the days go from {FIRST_DAY} to today, and --from is not after --to")
    tell = screen.teller(is_json=is_json)
    with local.running(settings) as live, local.database(live) as engine:
        local.bring_up_to_date(engine, settings, may_migrate=may_migrate, tell=lambda text: screen.err().print(text))
        tell(f"Reading again what was created or changed from {first_day} to the end of {last_day}, UTC.")
        with watch.progress(lambda: sync.calls_left(engine)) as progress:
            window, full = run_backfill(live, first_day, last_day, actor=screen.actor(), progress=progress)
        report = BackfillReport(first_day, last_day, sync.report_on(engine, window), sync.report_on(engine, full))
        screen.print_json(report) if is_json else _show(report, screen.out())
        return report.exit_code


def _show(report: BackfillReport, console: Console) -> None:
    tell = partial(console.print, markup=False)
    tell("What was created or changed:")
    sync.show(report.window, console)
    tell("What was deleted, and whatever else differed, by a full listing:")
    sync.show(report.full_sync, console)
