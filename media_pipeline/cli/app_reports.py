"""The commands that make and serve reports, as ``--help`` prints them.

Belongs here: names, options, texts, as in ``cli.app``. Not here: the work, and any import that takes time.
"""

from __future__ import annotations

from typing import Annotated

import typer

from media_pipeline.cli.app import Migrate, app
from media_pipeline.cli.start import Json, begin

reports_app = typer.Typer(help="Pages and files about the library, to be read and downloaded.", no_args_is_help=True)
app.add_typer(reports_app, name="reports")


@reports_app.command("list")
def list_reports(context: typer.Context, json: Json = False) -> None:
    """List the newest report of each name, and where it lies. Needs no database."""
    settings = begin(context, is_json=json)
    from media_pipeline.cli import reports as work

    raise typer.Exit(work.list_all(settings, is_json=json))


@reports_app.command("make")
def make_reports(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="conflicts, duplicate_report, orphan_report or library_statistics."),
    ] = None,
    migrate: Migrate = False,
    json: Json = False,
) -> None:
    """Make a report now, or all of them.

    Duplicates need the cloud, for the MD5 of assets that may be equal; the others are made from the database alone.
    """
    settings = begin(context, is_json=json)
    from media_pipeline.cli import reports as work

    raise typer.Exit(work.make(settings, name, may_migrate=migrate, is_json=json))


@reports_app.command("serve")
def serve_reports(
    context: typer.Context,
    port: Annotated[
        int | None, typer.Option(help="Beats MEDIA_PIPELINE_REPORTS_PORT; 0 picks a free one.", min=0, max=65535)
    ] = None,
    json: Json = False,
) -> None:
    """Serve the reports on this machine until Ctrl-C, to be read and nothing else. Needs no database."""
    settings = begin(context, is_json=json)
    from media_pipeline.cli import reports as work

    raise typer.Exit(work.serve(settings, port=port, is_json=json))
