"""``media-pipeline quality``: one report of data quality, made now.

Belongs here: the order of starting and asking, how the report is shown.
Not here: the expectations (``quality``), the run (``orchestration.launch``).
"""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from media_pipeline.cli import local, screen, watch
from media_pipeline.errors import ExitCode
from media_pipeline.quality.expectations import expectations
from media_pipeline.reads.quality import KeptReport, read_quality_report
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import ExpectationState, Severity


def command(settings: Settings, *, may_migrate: bool, is_json: bool) -> ExitCode:
    """Make a report and tell it.

    Raises:
        MediaPipelineError: whatever kept it from being made.
    """
    with local.running(settings) as live, local.database(live) as engine:
        local.bring_up_to_date(engine, settings, may_migrate=may_migrate, tell=lambda text: screen.err().print(text))
        # Dagster takes seconds to be imported.
        from media_pipeline.orchestration.launch import run_quality

        with watch.progress() as progress:
            report_id = run_quality(live, actor=screen.actor(), progress=progress)
        report = read_quality_report(engine, report_id)
    screen.print_json(report) if is_json else _show(report, settings, screen.out())
    return ExitCode.OK if report.is_met else ExitCode.FAILED


def _show(report: KeptReport, settings: Settings, console: Console) -> None:
    table = screen.rows("Suite", "Expectations", "Not met", "State", numbers=[1, 2])
    for suite in report.suites:
        not_met = sum(one.state is not ExpectationState.MET for one in suite.expectations)
        screen.add_row(
            table, suite.suite, str(len(suite.expectations)), str(not_met), "met" if suite.is_met else "not met"
        )
    console.print(table)
    known = {one.name: one for one in expectations(settings, report.started_at)}
    for one in report.failures:
        style = "bold red" if one.severity is Severity.CRITICAL else "yellow"
        console.print(f"[{style}]{one.severity.value}[/]  {one.suite}: {one.name}, {_counted(one.unexpected_count)}")
        console.print(f"  {escape(one.problem or known[one.name].says)}")
        for row in one.sample:
            pairs = "; ".join(f"{name}: {value}" for name, value in row.items() if value is not None)
            console.print(f"    {pairs}", markup=False)
        console.print(f"  → {known[one.name].remedy}", markup=False)
    total = sum(len(suite.expectations) for suite in report.suites)
    met = total - len(report.failures)
    console.print(
        f"{met} of {total} expectations met, over {screen.plural(report.asset_count, 'live asset')}.", style="bold"
    )
    if report.page is not None:
        console.print(f"Page: {settings.reports / report.page / 'index.html'}", markup=False)


def _counted(count: int | None) -> str:
    if count is None:
        return "could not be asked"
    return f"{screen.plural(count, 'row')} {'breaks' if count == 1 else 'break'} it"
