"""``media-pipeline metrics``: the figures of a deployment as Prometheus reads them.

Belongs here: printing them, or the file in their place.
Not here: the figures (``reads.metrics``), alarms (``cli.alarm``).
"""

from __future__ import annotations

from pathlib import Path

from media_pipeline.cli import local, screen
from media_pipeline.db import migrate
from media_pipeline.errors import ExitCode
from media_pipeline.reads import metrics
from media_pipeline.settings import Settings


def command(settings: Settings, *, textfile: Path | None) -> ExitCode:
    """Print the figures, or replace *textfile* by them in one step.

    Raises:
        ConfigurationError: the file cannot be written; what it was stays.
        DatabaseError, SpoolUnavailable: they cannot be read.
    """
    with local.running(settings, with_emulator=False) as live, local.database(live) as engine:
        migrate.require_current(engine)
        text = metrics.exposition(engine, live)
    if textfile is None:
        screen.out().print(text.decode(), markup=False, highlight=False, soft_wrap=True, end="")
    else:
        metrics.replace(textfile, text)
    return ExitCode.OK
