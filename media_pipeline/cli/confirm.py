"""``media-pipeline confirm``: a person says that this database is the one to push from.

Belongs here: asking, reading what is not at its end first, the report.
Not here: why it is asked for (``ops.incarnation``).
"""

from __future__ import annotations

import typer

from media_pipeline.cli import local, screen, watch
from media_pipeline.db import migrate
from media_pipeline.db.engine import read_only
from media_pipeline.errors import ExitCode
from media_pipeline.ops import incarnation
from media_pipeline.reads.operations import count_waiting
from media_pipeline.settings import Settings


def command(settings: Settings, *, is_sure: bool, is_json: bool) -> ExitCode:
    """Read every asset with unfinished operations again, then confirm.

    Raises:
        typer.Abort: the person is not sure.
        MediaPipelineError: the reads failed; nothing is confirmed.
    """
    from media_pipeline.orchestration.launch import run_verify

    with local.running(settings) as live, local.database(live) as engine:
        migrate.require_current(engine)
        hinted = incarnation.hint_unfinished(engine)
        if hinted:
            with watch.progress() as progress:
                run_verify(live, actor=screen.actor(), progress=progress)
        with read_only(engine) as connection:
            waiting = count_waiting(connection)
        if not is_sure:
            operations = screen.plural(waiting.pending_count + waiting.unconfirmed_count, "operation")
            screen.err().print(
                f"{operations} of this database would go on, however old; 'media-pipeline push --dry-run' shows them."
            )
            typer.confirm("Push from this database from now on?", abort=True, err=True)
        incarnation.confirm(engine, live.home, actor=screen.actor())
    if is_json:
        screen.print_json({"read_again": hinted, "pending_count": waiting.pending_count})
    else:
        assets = screen.plural(hinted, "asset")
        screen.out().print(
            f"Confirmed; {assets} with unfinished operations were read again. media-pipeline push goes on."
        )
    return ExitCode.OK
