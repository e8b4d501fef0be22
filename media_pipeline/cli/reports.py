"""``media-pipeline reports``: reports that are made, listed and served.

Belongs here: what is printed of them.
Not here: the runs (``orchestration.launch``), the files and the site (``reports``).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import typer

from media_pipeline.cli import local, screen, sync, watch
from media_pipeline.cli.failures import Terminated
from media_pipeline.errors import ExitCode
from media_pipeline.reports.files import Written, list_written
from media_pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class MadeReport:
    """A report and where its page lies."""

    name: str
    title: str
    made_at: datetime
    row_count: int
    page: str


@dataclass(frozen=True, slots=True)
class ReportList:
    """What ``list`` and ``make`` say, the newest first."""

    reports: tuple[MadeReport, ...]


def list_all(settings: Settings, *, is_json: bool) -> ExitCode:
    """List the newest report of each name."""
    found = _newest(settings)
    if is_json:
        screen.print_json(ReportList(found))
    elif found:
        _show(found)
    else:
        screen.out().print("No reports yet. 'media-pipeline reports make' makes them.")
    return ExitCode.OK


def make(settings: Settings, name: str | None, *, may_migrate: bool, is_json: bool) -> ExitCode:
    """Make one report, or all of them, and tell where they lie.

    Raises:
        MediaPipelineError: whatever stopped it; reports that were made by then are there.
    """
    from media_pipeline.orchestration.launch import REPORTS_BY_JOB, run_reports

    names = [one for some in REPORTS_BY_JOB.values() for one in some]
    if name is not None and name not in names:
        raise typer.BadParameter(f"there is no report {name!r}; there are {', '.join(sorted(names))}")
    with local.running(settings) as live, local.database(live) as engine:
        local.bring_up_to_date(engine, settings, may_migrate=may_migrate, tell=lambda text: screen.err().print(text))
        with watch.progress(lambda: sync.calls_left(engine)) as progress:
            made = run_reports(live, name, actor=screen.actor(), progress=progress)
    found = tuple(one for one in _newest(settings) if one.name in made)
    screen.print_json(ReportList(found)) if is_json else _show(found)
    return ExitCode.OK


def serve(settings: Settings, *, port: int | None, is_json: bool) -> ExitCode:
    """Serve the reports until SIGINT or SIGTERM.

    Raises:
        ConfigurationError: the port is taken.
    """
    from media_pipeline.reports import site

    def announce(url: str) -> None:
        if is_json:
            screen.print_json({"url": url, "reports": str(settings.reports)})
            return
        console = screen.out()
        console.print(f"Reports are at {url}", markup=False)
        console.print("Ctrl-C ends it.")

    with suppress(KeyboardInterrupt, Terminated):
        site.serve(settings, port=settings.reports_port if port is None else port, announce=announce)
    return ExitCode.OK


def _newest(settings: Settings) -> tuple[MadeReport, ...]:
    newest: dict[str, Written] = {}
    for one in list_written(settings):
        newest.setdefault(one.name, one)
    return tuple(
        MadeReport(one.name, one.title, one.made_at, one.row_count, str(one.path(settings))) for one in newest.values()
    )


def _show(found: tuple[MadeReport, ...]) -> None:
    console = screen.out()
    for one in found:
        console.print(f"{one.title}, {one.made_at:%Y-%m-%d %H:%M:%S} UTC, {screen.plural(one.row_count, 'row')}")
        console.print(f"  {one.page}", markup=False)
    console.print("'media-pipeline reports serve' shows them in a browser, with the files to download.")
