"""The commands and their options, as ``--help`` prints them.

Belongs here: names, options, texts; one line that hands on to the module that does the work.
Not here: the work, and any import that takes time: modules are imported when their command runs.
"""

from __future__ import annotations

import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from media_pipeline import __version__
from media_pipeline.cli import failures
from media_pipeline.cli.screen import manner
from media_pipeline.cli.start import Json
from media_pipeline.cli.start import begin as _begin

app = typer.Typer(
    name="media-pipeline",
    help="Mirrors a Cloudinary product environment into Postgres, provably and without losing anything.",
    epilog="Without any settings everything runs on this machine: 'media-pipeline demo' shows it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
holds_app = typer.Typer(help="What a guard stopped until a person decides.", no_args_is_help=True)
app.add_typer(holds_app, name="holds")
plan_app = typer.Typer(help="What a push is about to do, and what of it waits for you.", no_args_is_help=True)
app.add_typer(plan_app, name="plan")
conflicts_app = typer.Typer(help="Fields that changed on both sides, until you decide.", no_args_is_help=True)
app.add_typer(conflicts_app, name="conflicts")
orphans_app = typer.Typer(help="Assets that nothing in the database wants.", no_args_is_help=True)
app.add_typer(orphans_app, name="orphans")
vault_app = typer.Typer(help="Bytes that are kept here, so that a deletion can be undone.", no_args_is_help=True)
app.add_typer(vault_app, name="vault")
audit_app = typer.Typer(help="The log of all changes, and the proof that nobody has changed it.", no_args_is_help=True)
app.add_typer(audit_app, name="audit")

Migrate = Annotated[bool, typer.Option("--migrate", help="Apply missing migrations to the configured database first.")]
_MOMENTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]
HoldNumber = Annotated[int, typer.Argument(metavar="N", help="Number of the hold.", min=1)]
PlanNumber = Annotated[int, typer.Argument(metavar="N", help="Number of the plan.", min=1)]
UnusedDays = Annotated[
    int, typer.Option("--unused-days", help="Days for which nothing may have wanted an asset.", min=1)
]
ConflictNumber = Annotated[int, typer.Argument(metavar="N", help="Number of the conflict.", min=1)]


def main() -> None:
    """Run the command line and end the process with its exit code."""
    failures.end_on_sigterm()
    try:
        app(prog_name="media-pipeline")
    except Exception as error:
        # The last line of defence: whatever it is, a person gets a sentence and a script gets a code.
        sys.exit(failures.explain(error))


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"media-pipeline {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001  read by its callback
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show where an error comes from.")] = False,
    log_level: Annotated[
        str | None, typer.Option(help="debug, info, warning or error; beats MEDIA_PIPELINE_LOG_LEVEL.")
    ] = None,
) -> None:
    manner.is_verbose = verbose
    context.obj = {} if log_level is None else {"log_level": log_level}


@app.command()
def sync(
    context: typer.Context,
    full: Annotated[bool, typer.Option("--full", help="List the whole cloud: the default.")] = False,
    recent: Annotated[
        bool, typer.Option("--recent", help="Only what was created or changed since the last look; no deletions.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only look what would be found; nothing is written.")
    ] = False,
    migrate: Migrate = False,
    json: Json = False,
) -> None:
    """Bring Postgres up to date with the cloud, once.

    Starts what is missing on this machine: an embedded Postgres, an emulator where CLOUDINARY_URL is not set.
    Ends with 3 if something waits for your approval, with 1 if a part of the cloud could not be listed.
    """
    if recent and (full or dry_run):
        raise typer.BadParameter("goes with neither --full nor --dry-run", param_hint="--recent")
    settings = _begin(context, is_json=json)
    from media_pipeline.cli import sync as work

    code = work.command(settings, is_recent=recent, is_dry=dry_run, may_migrate=migrate, is_json=json)
    raise typer.Exit(code)


@app.command()
def drain(context: typer.Context, migrate: Migrate = False, json: Json = False) -> None:
    """Take notifications out of the spool, and read the assets that they name.

    'media-pipeline up' does it by itself within seconds; this does it now. Ends with 3 if something waits for your
    approval, with 1 if reads had to pause.
    """
    settings = _begin(context, is_json=json)
    from media_pipeline.cli import drain as work

    raise typer.Exit(work.command(settings, may_migrate=migrate, is_json=json))


@app.command()
def alarm(
    context: typer.Context,
    every: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=1, help="Look again and again until Ctrl-C.")
    ] = None,
    json: Json = False,
) -> None:
    """Look whether changes still arrive; needs no Dagster.

    Ends with 1 where the last proof, or the oldest notification that waits, is older than
    MEDIA_PIPELINE_ALARM_AFTER_SECONDS; then it is logged, and sent to MEDIA_PIPELINE_ALARM_URLS (mail, chat).
    """
    settings = _begin(context, is_json=json)
    from media_pipeline.cli import alarm as work

    raise typer.Exit(work.command(settings, every_seconds=every, is_json=json))


@app.command()
def backfill(
    context: typer.Context,
    from_: Annotated[datetime, typer.Option("--from", formats=_MOMENTS, help="Its first day, or a time; UTC.")],
    to: Annotated[datetime, typer.Option("--to", formats=_MOMENTS, help="Its last day, or a time; UTC.")],
    migrate: Migrate = False,
    json: Json = False,
) -> None:
    """Repair what an outage of notifications left out: creations, changes and deletions of whole days.

    Reads again what was created or changed on these days, then lists the whole cloud, which finds what was deleted.
    Ends with 3 if something waits for your approval, with 1 if a part could not be read.
    """
    settings = _begin(context, is_json=json)
    from media_pipeline.cli import backfill as work

    raise typer.Exit(work.command(settings, from_.date(), to.date(), may_migrate=migrate, is_json=json))


@app.command()
def confirm(
    context: typer.Context,
    is_sure: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Let a database push that was restored from a dump, or that is another one than before.

    Reads every asset with unfinished operations again first. Until then such a database pushes nothing: it may hold
    edits as pending that were done, or taken back, since it was copied.
    """
    settings = _begin(context, is_json=json)
    from media_pipeline.cli import confirm as work

    raise typer.Exit(work.command(settings, is_sure=is_sure, is_json=json))


@app.command()
def metrics(
    context: typer.Context,
    textfile: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write them there, for the textfile collector of node_exporter.")
    ] = None,
) -> None:
    """Print the figures of this deployment in the format of Prometheus.

    Library, queue, spool, edits, holds, allowance, and how long changes take to arrive; all read from Postgres and the
    spool, without a call to Cloudinary. Ends with an error, and writes no file, where they cannot be read.
    """
    settings = _begin(context)
    from media_pipeline.cli import metrics as work

    raise typer.Exit(work.command(settings, textfile=textfile))


@app.command()
def quality(context: typer.Context, migrate: Migrate = False, json: Json = False) -> None:
    """Ask every expectation of the data, compare a sample with the cloud, and write the report.

    'media-pipeline up' does it after every full sync and every night. Prints suites, expectations and what is not met
    with the first rows and what to do; the page named at the end shows the same with its history. Changes nothing but
    the report. Ends with 1 where an expectation is not met.
    """
    settings = _begin(context, is_json=json)
    from media_pipeline.cli import quality as work

    raise typer.Exit(work.command(settings, may_migrate=migrate, is_json=json))


@app.command()
def push(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only look what would be planned; nothing is written.")
    ] = False,
    json: Json = False,
) -> None:
    """Bring edits of media_assets to the cloud, and read what was touched.

    Edit with SQL first: tags, context, metadata, display_name, asset_folder, public_id, access_control; set deleted_at
    to delete, to null to bring back. Ends with 3 if a plan waits for your approval, with 1 if the push had to pause.
    """
    settings = _begin(context, is_json=json)
    from media_pipeline.cli import push as work

    raise typer.Exit(work.command(settings, is_dry=dry_run, is_json=json))


@app.command()
def upload(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True, help="Files to upload.")],
    public_id: Annotated[str | None, typer.Option(help="Default: a UUID made here, which sorts by time.")] = None,
    folder: Annotated[str | None, typer.Option(help="Asset folder. Default: the top one.")] = None,
    display_name: Annotated[str | None, typer.Option(help="Default: the name of the file.")] = None,
    tags: Annotated[str, typer.Option(help="Tags, separated by commas.")] = "",
    kind: Annotated[str | None, typer.Option("--type", help="image, video or raw. Default: by the name.")] = None,
    delivery_type: Annotated[str, typer.Option(help="upload, private or authenticated.")] = "upload",
    json: Json = False,
) -> None:
    """Record uploads: the bytes go into the vault now and to the cloud with the next push. Nothing is overwritten."""
    settings = _begin(context, is_json=json)
    from media_pipeline.cli import uploads as work
    from media_pipeline.push.uploads import Wish
    from media_pipeline.vocabulary import ResourceType

    if kind is not None and kind not in {one.value for one in ResourceType}:
        raise typer.BadParameter("image, video or raw", param_hint="--type")
    wish = Wish(
        public_id=public_id,
        resource_type=None if kind is None else ResourceType(kind),
        delivery_type=delivery_type,
        asset_folder=folder,
        display_name=display_name,
        tags=[part.strip() for part in tags.split(",") if part.strip()],
    )
    raise typer.Exit(work.upload(settings, files, wish, is_json=json))


@app.command()
def replace(
    context: typer.Context,
    asset: Annotated[str, typer.Argument(help="asset_id, media_assets.id or the whole public_id.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The new bytes.")],
    json: Json = False,
) -> None:
    """Record other bytes for an asset; the next push keeps the old ones in the vault, then uploads the new ones."""
    settings = _begin(context, is_json=json)
    from media_pipeline.cli import uploads as work

    raise typer.Exit(work.replace(settings, asset, file, is_json=json))


@app.command()
def upkeep(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would go; nothing is removed.")] = False,
    json: Json = False,
) -> None:
    """Remove what is done with, archive old months of the log, forget old runs of Dagster.

    Nothing that is unprocessed, held or needed goes, and Cloudinary is asked nothing. While 'up' runs it is done every
    night. Ends with 1 if a month of the log should have been archived and was not.
    """
    settings = _begin(context, is_json=json)
    from media_pipeline.cli import upkeep as work

    raise typer.Exit(work.command(settings, is_dry=dry_run, is_json=json))


@app.command()
def status(context: typer.Context, json: Json = False) -> None:
    """Show what is mirrored, how fresh it is, what waits and who is at work."""
    settings = _begin(context, is_json=json)
    from media_pipeline.cli import status as work

    raise typer.Exit(work.command(settings, is_json=json))


@app.command()
def doctor(context: typer.Context, json: Json = False) -> None:
    """Find out why it does not work, and what to do; ends with 78 if a check fails."""
    from media_pipeline import logs

    manner.is_json = json
    logs.configure(level="error")
    from media_pipeline.cli import doctor as work

    raise typer.Exit(work.command(context.obj, is_json=json))


@app.command()
def drift(context: typer.Context, json: Json = False) -> None:
    """Compare every mirrored field with the cloud, by code of its own; ends with 5 if anything differs.

    Costs one Admin API call for 500 assets, one for 500 folders and one for the metadata fields.
    """
    settings = _begin(context, is_json=json)
    from media_pipeline.cli import drift as work

    raise typer.Exit(work.command(settings, is_json=json))


@app.command()
def explain(
    context: typer.Context,
    asset: Annotated[str, typer.Argument(help="asset_id, media_assets.id or the whole public_id.")],
    json: Json = False,
) -> None:
    """Tell in order of time everything that happened to one asset."""
    settings = _begin(context, is_json=json)
    from media_pipeline.cli import explain as work

    raise typer.Exit(work.command(settings, asset, is_json=json))


@app.command()
def revert(
    context: typer.Context,
    to: Annotated[
        datetime,
        typer.Option(formats=_MOMENTS, help="The time to return to, in UTC."),
    ],
    folder: Annotated[str | None, typer.Option(help="Only what lay in this folder or below it.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Return assets to how they were at a time, as edits that are planned, guarded and pushed like any other."""
    settings = _begin(context)
    from media_pipeline.cli import revert as work

    raise typer.Exit(work.command(settings, to, folder=folder, is_dry_run=dry_run, is_agreed=yes))


@app.command()
def migrate(
    context: typer.Context,
    sql: Annotated[bool, typer.Option("--sql", help="Print all migrations as one script for an SQL editor.")] = False,
) -> None:
    """Bring the database's tables to the state that this program needs."""
    settings = _begin(context)
    from media_pipeline.cli import migrations as work

    raise typer.Exit(work.command(settings, is_script=sql))


@app.command()
def up(context: typer.Context, migrate: Migrate = False) -> None:
    """Run database, emulator and Dagster on this machine until Ctrl-C."""
    settings = _begin(context)
    from media_pipeline.cli import up as work

    work.command(settings, may_migrate=migrate)


@app.command()
def demo(context: typer.Context) -> None:
    """Show everything with a sample library, in a home of its own: sync, outside changes, sync, comparison."""
    settings = _begin(context)
    from media_pipeline.cli import demo as work

    raise typer.Exit(work.command(settings))


@app.command()
def emulator(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="0: the one of the last time if free, else any.", min=0, max=65535)] = 0,
    state: Annotated[
        Path | None, typer.Option(help="Directory of a library of its own. Default: the one that 'sync' and 'up' use.")
    ] = None,
    cloud: Annotated[
        str, typer.Option(help="Name of the cloud; gets the prefix emu- unless it has it. Only with --state.")
    ] = "demo",
    sample: Annotated[bool, typer.Option("--sample", help="Upload the sample library through the API.")] = False,
    bulk: Annotated[int, typer.Option(help="Insert so many made-up assets at once.", min=0)] = 0,
    json: Json = False,
) -> None:
    """Serve an emulator of Cloudinary in the foreground until Ctrl-C.

    With --json the object is printed as soon as it accepts connections; an upload of the sample goes on after it.
    """
    settings = _begin(context, is_json=json)
    from media_pipeline.cli import emulator as work

    code = work.command(settings, port=port, state=state, cloud=cloud, with_sample=sample, bulk=bulk, is_json=json)
    raise typer.Exit(code)


@holds_app.command("list")
def list_holds(
    context: typer.Context,
    all_: Annotated[bool, typer.Option("--all", help="Decided and replaced ones as well.")] = False,
) -> None:
    """List what waits for a decision."""
    settings = _begin(context)
    from media_pipeline.cli import holds as work

    raise typer.Exit(work.list_all(settings, with_decided=all_))


@holds_app.command("show")
def show_hold(context: typer.Context, number: HoldNumber) -> None:
    """Show one hold and its assets."""
    settings = _begin(context)
    from media_pipeline.cli import holds as work

    raise typer.Exit(work.show(settings, number))


@holds_app.command("approve")
def approve_hold(
    context: typer.Context,
    number: HoldNumber,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the number of assets.")] = False,
) -> None:
    """Approve exactly this set of assets."""
    settings = _begin(context)
    from media_pipeline.cli import holds as work

    raise typer.Exit(work.approve(settings, number, is_agreed=yes))


@holds_app.command("reject")
def reject_hold(context: typer.Context, number: HoldNumber) -> None:
    """Reject a hold."""
    settings = _begin(context)
    from media_pipeline.cli import holds as work

    raise typer.Exit(work.reject(settings, number))


@plan_app.command("list")
def list_plans(context: typer.Context, json: Json = False) -> None:
    """List the newest plans."""
    settings = _begin(context, is_json=json)
    from media_pipeline.cli import plans as work

    raise typer.Exit(work.list_all(settings, is_json=json))


@plan_app.command("show")
def show_plan(context: typer.Context, number: PlanNumber, json: Json = False) -> None:
    """Show one plan: each operation, what it costs, why it is held."""
    settings = _begin(context, is_json=json)
    from media_pipeline.cli import plans as work

    raise typer.Exit(work.show(settings, number, is_json=json))


@plan_app.command("approve")
def approve_plan(
    context: typer.Context,
    number: PlanNumber,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the number of operations.")] = False,
) -> None:
    """Approve exactly these operations; the next push does them."""
    settings = _begin(context)
    from media_pipeline.cli import plans as work

    raise typer.Exit(work.approve(settings, number, is_agreed=yes))


@plan_app.command("reject")
def reject_plan(context: typer.Context, number: PlanNumber) -> None:
    """Withdraw the operations of a held plan; nothing happens in the cloud."""
    settings = _begin(context)
    from media_pipeline.cli import plans as work

    raise typer.Exit(work.reject(settings, number))


@conflicts_app.command("list")
def list_conflicts(context: typer.Context, json: Json = False) -> None:
    """List what changed on both sides."""
    settings = _begin(context, is_json=json)
    from media_pipeline.cli import conflicts as work

    raise typer.Exit(work.list_all(settings, is_json=json))


@conflicts_app.command("show")
def show_conflict(context: typer.Context, number: ConflictNumber) -> None:
    """Show one conflict: what it was, what is wanted here, what the cloud has."""
    settings = _begin(context)
    from media_pipeline.cli import conflicts as work

    raise typer.Exit(work.show(settings, number))


@conflicts_app.command("resolve")
def resolve_conflict(
    context: typer.Context,
    number: ConflictNumber,
    local: Annotated[bool, typer.Option("--local", help="Our value is pushed over the cloud's.")] = False,
    remote: Annotated[bool, typer.Option("--remote", help="The cloud's value stays; ours goes.")] = False,
) -> None:
    """Decide who wins; give exactly one of --local and --remote."""
    if local is remote:
        raise typer.BadParameter("give exactly one of --local and --remote")
    settings = _begin(context)
    from media_pipeline.cli import conflicts as work
    from media_pipeline.vocabulary import ConflictState

    winner = ConflictState.LOCAL_WINS if local else ConflictState.REMOTE_WINS
    raise typer.Exit(work.resolve(settings, number, winner))


@orphans_app.command("list")
def list_orphans(context: typer.Context, unused_days: UnusedDays = 30, json: Json = False) -> None:
    """List assets that are used nowhere, in no collection and untouched, and what has no partner on the other side."""
    settings = _begin(context, is_json=json)
    from media_pipeline.cli import orphans as work

    raise typer.Exit(work.list_all(settings, unused_days=unused_days, is_json=json))


@orphans_app.command("plan")
def plan_orphans(
    context: typer.Context,
    unused_days: UnusedDays = 30,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be recorded.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Record the deletion of every orphan, as edits that are planned, guarded and pushed like any other."""
    if json and not (yes or dry_run):
        raise typer.BadParameter("--json asks nothing: give --yes or --dry-run with it")
    settings = _begin(context, is_json=json)
    from media_pipeline.cli import orphans as work

    raise typer.Exit(work.plan(settings, unused_days=unused_days, is_dry_run=dry_run, is_agreed=yes, is_json=json))


@vault_app.command("status")
def show_vault(context: typer.Context, json: Json = False) -> None:
    """Show how much of the library has a copy, in assets and bytes."""
    settings = _begin(context, is_json=json)
    from media_pipeline.cli import vault as work

    raise typer.Exit(work.show_status(settings, is_json=json))


@vault_app.command("fill")
def fill_vault(
    context: typer.Context,
    limit_mb: Annotated[float | None, typer.Option("--limit-mb", help="Stop before more than this.", min=0)] = None,
    json: Json = False,
) -> None:
    """Fetch the originals that are missing; stopped at any time, it goes on where it was."""
    settings = _begin(context, is_json=json)
    from media_pipeline.cli import vault as work

    limit = None if limit_mb is None else int(limit_mb * 1_000_000)
    raise typer.Exit(work.fill(settings, limit_bytes=limit, is_json=json))


@vault_app.command("get")
def get_original(
    context: typer.Context,
    asset: Annotated[str, typer.Argument(metavar="ASSET", help="asset_id, media_assets.id or public_id.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", dir_okay=False, help="Default: the last part of its public_id.")
    ] = None,
    json: Json = False,
) -> None:
    """Write the bytes of an asset to a file: from Cloudinary, or from the vault where it cannot be reached.

    Works for deleted assets, too, as long as the vault has a copy.
    """
    settings = _begin(context, is_json=json)
    from media_pipeline.cli import vault as work

    raise typer.Exit(work.get(settings, asset, output, is_json=json))


@vault_app.command("verify")
def verify_vault(context: typer.Context, json: Json = False) -> None:
    """Read every kept file again and name those that are damaged; ends with 1 if there are any."""
    settings = _begin(context, is_json=json)
    from media_pipeline.cli import vault as work

    raise typer.Exit(work.verify(settings, is_json=json))


@audit_app.command("verify")
def verify_audit(
    context: typer.Context,
    anchor: Annotated[
        str | None,
        typer.Option(metavar="DIGEST", help="Digest of a seal that was noted elsewhere; it must be in the chain."),
    ] = None,
    json: Json = False,
) -> None:
    """Compute every entry, every seal and their chain again, and name what was changed; ends with 1 if anything was.

    Prints the digest of the newest seal. Noted elsewhere and given later as --anchor, it also finds somebody who may
    write everything here and made all of it anew.
    """
    if anchor is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", anchor):
        raise typer.BadParameter("a digest is 64 hexadecimal digits", param_hint="--anchor")
    settings = _begin(context, is_json=json)
    from media_pipeline.cli import audit as work

    raise typer.Exit(work.verify(settings, anchor=anchor, is_json=json))
