"""``media-pipeline upkeep``: remove what is done with, or count it.

Belongs here: the order of starting and doing; the report.
Not here: the work (``orchestration.launch``, ``upkeep``).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.console import Console

from media_pipeline.cli import local, screen, watch
from media_pipeline.errors import ExitCode
from media_pipeline.settings import Settings

if TYPE_CHECKING:
    from media_pipeline.orchestration.launch import UpkeepOutcome, UpkeepPreview


def command(settings: Settings, *, is_dry: bool, is_json: bool) -> ExitCode:
    """Do it, or count."""
    from media_pipeline.orchestration.launch import preview_upkeep, run_upkeep

    with local.running(settings, with_emulator=False) as live:
        if is_dry:
            with watch.progress() as progress:
                look = preview_upkeep(live, actor=screen.actor(), progress=progress)
            screen.print_json(look) if is_json else _show_look(look, live, screen.out())
            return ExitCode.OK
        with local.database(live) as engine:
            local.bring_up_to_date(engine, settings, may_migrate=False)
        with watch.progress() as progress:
            outcome = run_upkeep(live, actor=screen.actor(), progress=progress)
    screen.print_json(outcome) if is_json else _show(outcome, screen.out())
    return ExitCode.FAILED if outcome.counts["log"]["due"] else ExitCode.OK


def _show(outcome: UpkeepOutcome, console: Console) -> None:
    tell = partial(console.print, markup=False)
    done, log, dagster = (outcome.counts[name] for name in ("done_work", "log", "dagster"))
    tell(f"Upkeep in {outcome.duration_seconds:.1f} s.")
    _show_rows(done["rows"], console, "Removed")
    tell(
        f"{screen.plural(log['archived_months'], 'month')} of the log archived, "
        f"{screen.plural(log['archived_entries'], 'entry', 'entries')}; "
        f"{screen.plural(dagster['runs'], 'run')} of Dagster forgotten."
    )
    if log["due"]:
        why = f"Not archived: {', '.join(log['due'])}, since {log['problem']}."
        console.print(why, style="bold red", markup=False)
    if not (done["is_complete"] and dagster["is_complete"]):
        tell("More is left than one upkeep removes; the next one goes on.")


def _show_look(look: UpkeepPreview, settings: Settings, console: Console) -> None:
    tell = partial(console.print, markup=False)
    tell(
        f"Dry run, nothing was removed. Rows are kept {settings.retention_days} days after they were done with, "
        f"the log {settings.log_retention_days} days."
    )
    _show_rows(look.done_work.rows, console, "Would go")
    for month in look.months:
        unsealed = f", {month.unsealed_count:,} of them not sealed yet" if month.unsealed_count else ""
        entries = screen.plural(month.entry_count, "entry", "entries")
        tell(f"{month.month} of the log would be archived: {entries}{unsealed}.")
    tell(f"{screen.plural(look.dagster.runs, 'run')} of Dagster would be forgotten.")


def _show_rows(rows: Mapping[str, Any], console: Console, heading: str) -> None:
    if not any(rows.values()):
        console.print("No row is old enough and done with.")
        return
    table = screen.rows(heading, "Rows", numbers=[1])
    for name, count in rows.items():
        if count:
            screen.add_row(table, name, f"{count:,}")
    console.print(table)
