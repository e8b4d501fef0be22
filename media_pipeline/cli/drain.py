"""``media-pipeline drain``: what the spool holds, taken in at once.

Belongs here: the order of starting and draining, the report.
Not here: the run (``orchestration.launch``), how a sync is reported (``cli.sync``).
"""

from __future__ import annotations

from sqlalchemy import Engine

from media_pipeline.cli import local, screen, sync, watch
from media_pipeline.cli.sync import SyncReport
from media_pipeline.errors import ExitCode
from media_pipeline.progress import Progress
from media_pipeline.settings import Settings


def command(settings: Settings, *, may_migrate: bool, is_json: bool) -> ExitCode:
    """Take the spool in, read what it names, and tell."""
    with local.running(settings) as live, local.database(live) as engine:
        local.bring_up_to_date(engine, settings, may_migrate=may_migrate, tell=lambda text: screen.err().print(text))
        with watch.progress(lambda: sync.calls_left(engine)) as progress:
            report = run(engine, live, progress=progress)
        screen.print_json(report) if is_json else sync.show(report, screen.out())
        return report.exit_code


def run(engine: Engine, live: Settings, *, progress: Progress) -> SyncReport:
    """One drain through Dagster, in this process.

    Raises:
        MediaPipelineError: whatever stopped it; what was not taken in stays in the spool.
    """
    from media_pipeline.orchestration.launch import run_drain

    return sync.report_on(engine, run_drain(live, actor=screen.actor(), progress=progress))
