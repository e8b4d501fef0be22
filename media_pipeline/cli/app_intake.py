"""The commands that take notifications in, as ``--help`` prints them.

Belongs here: names, options, texts, as in ``cli.app``. Not here: the work, and any import that takes time.
"""

from __future__ import annotations

from typing import Annotated

import typer

from media_pipeline.cli.app import app
from media_pipeline.cli.start import Json, begin

triggers_app = typer.Typer(help="Where the cloud sends notifications, beside where it should.", no_args_is_help=True)
app.add_typer(triggers_app, name="triggers")
spool_app = typer.Typer(help="Notifications on disk that are not in Postgres yet.", no_args_is_help=True)
app.add_typer(spool_app, name="spool")

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")]


@app.command()
def receive(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Beats MEDIA_PIPELINE_RECEIVER_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Beats MEDIA_PIPELINE_RECEIVER_PORT; 0 picks a free one.", min=0, max=65535)
    ] = None,
    json: Json = False,
) -> None:
    """Receive webhooks until Ctrl-C: POST /api/cloudinary/webhook answers 200 once the notification is on disk.

    Needs no database. With --json the object is printed as soon as it accepts connections.
    """
    settings = begin(context, is_json=json)
    from media_pipeline.cli import receive as work

    raise typer.Exit(work.command(settings, host=host, port=port, is_json=json))


@app.command()
def poll(
    context: typer.Context,
    channel: Annotated[str | None, typer.Option(help="Beats MEDIA_PIPELINE_POLL_CHANNEL.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Take what waits now, then end.")] = False,
    json: Json = False,
) -> None:
    """Poll notifications until Ctrl-C instead of receiving them; each is acknowledged once it is on disk.

    Needs no database and no address that the cloud can reach, and costs no Admin API call.
    """
    settings = begin(context, is_json=json)
    from media_pipeline.cli import poll as work

    raise typer.Exit(work.command(settings, channel=channel, is_once=once, is_json=json))


@triggers_app.command("show")
def show_triggers(context: typer.Context, json: Json = False) -> None:
    """Show the triggers of the cloud, which of them are ours, and what 'apply' would do."""
    settings = begin(context, is_json=json)
    from media_pipeline.cli import triggers as work

    raise typer.Exit(work.show(settings, is_json=json))


@triggers_app.command("apply")
def apply_triggers(context: typer.Context, dry_run: DryRun = False, json: Json = False) -> None:
    """Make the triggers of the cloud what the settings want; those that are not ours stay as they are."""
    settings = begin(context, is_json=json)
    from media_pipeline.cli import triggers as work

    raise typer.Exit(work.show(settings, is_json=json) if dry_run else work.apply(settings, is_json=json))


@spool_app.command("list")
def list_spool(context: typer.Context, json: Json = False) -> None:
    """Show how much waits, and what was set aside with which reason."""
    settings = begin(context, is_json=json)
    from media_pipeline.cli import spool as work

    raise typer.Exit(work.list_all(settings, is_json=json))


@spool_app.command("replay")
def replay_spool(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME…", help="Files in quarantine.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    json: Json = False,
) -> None:
    """Return files from quarantine to those that wait."""
    if bool(names) is all_:
        raise typer.BadParameter("give either names or --all")
    settings = begin(context, is_json=json)
    from media_pipeline.cli import spool as work

    raise typer.Exit(work.replay(settings, names, is_json=json))
