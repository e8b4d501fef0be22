"""``media-pipeline demo``: all of it once, on this machine alone, from nothing to a proved comparison.

Belongs here: the story and its home directory.
Not here: the parts, which are those of the other commands.

    <home>/demo                everything of the demo; made anew at each start
    <home>/demo/.demo          marks the directory as the demo's own: nothing else is ever removed
"""

from __future__ import annotations

import shlex
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from sqlalchemy import Engine

from media_pipeline import triggers
from media_pipeline.cli import drain, drift, local, push, sample_library, screen, sync, watch
from media_pipeline.cli.emulator_host import has_users, is_serving, shared_emulator
from media_pipeline.db import migrate, statements
from media_pipeline.db.embedded import EmbeddedServer
from media_pipeline.db.engine import read_only, transaction
from media_pipeline.errors import ActivityBusy, ConfigurationError, ExitCode
from media_pipeline.intake.configured import spool_of
from media_pipeline.intake.receiver import PATH
from media_pipeline.intake.server import Receiver
from media_pipeline.intake.spool import Spool
from media_pipeline.remote.calls import TagCommand, UnlimitedBudget
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.settings import Environment, Settings
from media_pipeline.vocabulary import ResourceType

_MARK: Final = ".demo"
_EXAMPLES: Final = 5
_TOLD: Final = "maps/cycle-routes"
_WEBHOOK_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 0.02
_EDITS: Final = (
    "demo/010_edit_tags_and_context",
    "demo/020_edit_title_and_folder",
    "demo/030_rename",
    "demo/040_delete",
    "demo/050_undo_deletion",
)
"""What an editor does here, in this order."""


def command(settings: Settings) -> ExitCode:
    """Tell the story; the last line is the comparison's.

    Raises:
        ConfigurationError: this is production, or the demo's directory is not its own.
        ActivityBusy: the demo's home is in use.
    """
    if settings.environment is Environment.PRODUCTION:
        raise ConfigurationError("The demo does not run in production.", hint="It fills an emulator; use another home.")
    own = _own_settings(settings)
    console = screen.out()
    console.print("[bold]Media Pipeline demo[/bold]  a sample library, this machine alone, no network")
    if settings.database_url is not None or settings.cloudinary_url is not None:
        console.print("Your configured database and cloud are left alone.", style="dim")
    _make_home(own.home)
    story = _Story(console)
    with ExitStack() as started:
        with story.chapter("Start") as told:
            live = started.enter_context(local.running(own))
            engine = started.enter_context(local.database(live))
            migrate.upgrade(engine)
            with read_only(engine) as connection:
                version = ".".join(str(part) for part in connection.dialect.server_version_info or ())
            cloud = local.credentials(live)
            told(f"an embedded Postgres {version} and an emulator of Cloudinary, cloud {cloud.cloud_name}")
        outsider = started.enter_context(
            CloudinaryClient(cloud, settings=live, budget=UnlimitedBudget(), refuse_emulator=False)
        )
        with story.chapter("Fill the cloud") as told, watch.progress() as progress:
            filled = sample_library.upload(outsider, progress=progress)
            told(
                f"{screen.plural(filled.assets, 'asset')} ({screen.size(filled.size_bytes)}) and "
                f"{screen.plural(filled.metadata_fields, 'metadata field')}, uploaded with Cloudinary's own SDK"
            )
        first = _sync(story, "First sync, as a run of Dagster", engine, live)
        with story.chapter("Somebody else works in the cloud") as told:
            done: list[str] = []
            count = sample_library.change(outsider, lambda what, name: done.append(f"{what} {name}"))
            told(f"{screen.plural(count, 'change')} that nobody tells us of")
        for line in done:
            console.print(f"     {line}", markup=False)
        second = _sync(story, "Second sync", engine, live)
        _hear(story, engine, live, outsider)
        with story.chapter("Somebody edits here, with plain SQL") as told:
            count = sum(_edit(engine, name) for name in _EDITS)
            told(f"{screen.plural(count, 'row')} edited; nothing is in the cloud yet, and a deletion can be undone")
        for name in _EDITS:
            _show_statement(name, console)
        with (
            story.chapter("Push, as a run of Dagster, and read what was touched") as told,
            watch.progress() as progress,
        ):
            # A deletion could be undone for a quarter of an hour; the story does not wait for it.
            pushed = push.run(engine, live.model_copy(update={"undo_seconds": 0.0}), progress=progress)
            told(f"{screen.plural(pushed.confirmed, 'operation')} done in the cloud")
        push.show(pushed, console)
        with story.chapter("Compare every mirrored field with the cloud, by code of its own") as told:
            report = drift.compare(cloud, engine)
            told(f"{report.folders:,} folders and {report.metadata_fields:,} metadata fields as well")
        _where_to_look(console, own)
        drift.show(report, lambda text: console.print(text, markup=False))
    return ExitCode.DRIFT if report.drifted else first.exit_code or second.exit_code or pushed.exit_code


def _sync(story: _Story, title: str, engine: Engine, live: Settings) -> sync.SyncReport:
    with story.chapter(title), watch.progress() as progress:
        report = sync.run(engine, live, progress=progress, examples=_EXAMPLES)
    sync.show(report, story.console)
    return report


def _hear(story: _Story, engine: Engine, live: Settings, outsider: CloudinaryClient) -> None:
    """One change of which the cloud tells us; ``up`` keeps receiver and drain running."""
    with (
        story.chapter("Somebody changes an asset, and the cloud tells us by webhook") as told,
        _receiving(live) as spool,
    ):
        started = time.monotonic()
        outsider.change_tags(
            TagCommand.ADD,
            ["told-by-webhook"],
            public_ids=[_TOLD],
            resource_type=ResourceType.IMAGE,
            delivery_type="upload",
        )
        for _ in range(int(_WEBHOOK_SECONDS / _LOOK_SECONDS)):
            if spool.depth().file_count:
                break
            time.sleep(_LOOK_SECONDS)
        on_disk = time.monotonic() - started
        with watch.progress() as progress:
            report = drain.run(engine, live, progress=progress)
        seconds = time.monotonic() - started
        told(f"on disk after {on_disk * 1000:.0f} ms, in media_assets after {seconds:.1f} s")
    sync.show(report, story.console)


@contextmanager
def _receiving(live: Settings) -> Iterator[Spool]:
    """A receiver to which the cloud sends everything, for the length of the block."""
    receiver = Receiver(live.model_copy(update={"receiver_port": 0}))
    ready = threading.Event()
    thread = threading.Thread(target=receiver.run, args=(ready.set,), name="receiver")
    thread.start()
    address = f"http://{live.receiver_host}:{receiver.port}{PATH}"
    try:
        ready.wait(_WEBHOOK_SECONDS)
        with local.client(live) as client:
            triggers.apply(client, live.model_copy(update={"notification_url": address}))
            yield spool_of(live)
            triggers.apply(client, live.model_copy(update={"notification_url": None}))
    finally:
        receiver.stop()
        thread.join()


def _edit(engine: Engine, name: str) -> int:
    """Run an editor's statement as the user who logged in; returns the rows it met."""
    with transaction(engine, role=None) as connection:
        return len(statements.run(connection, name).all())


def _show_statement(name: str, console: Console) -> None:
    lines = statements.source(name).strip().splitlines()
    console.print("\n".join([f"     {lines[0]}", *(f"       {line}" for line in lines[1:])]), markup=False)


class _Story:
    """Numbered chapters, each with the time it took."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._number = 0

    @contextmanager
    def chapter(self, title: str) -> Iterator[Callable[[str], None]]:
        """Time the block; it tells its outcome in a few words."""
        self._number += 1
        outcome: list[str] = []
        started = time.monotonic()
        yield outcome.append
        seconds = time.monotonic() - started
        text = f": {outcome[0]}" if outcome else ""
        self.console.print(f"\n[bold]{self._number}  {title}[/bold]{text} [dim]({seconds:.1f} s)[/dim]")


def _own_settings(settings: Settings) -> Settings:
    """The settings with a home of the demo's own, its own database and its own cloud."""
    own = {"home": settings.home / "demo", "database_url": None, "dagster_database_url": None, "cloudinary_url": None}
    return settings.model_copy(update=own)


def _make_home(home: Path) -> None:
    """An empty home; what an earlier demo left is removed."""
    if home.exists():
        if any(home.iterdir()) and not (home / _MARK).is_file():
            raise ConfigurationError(
                f"{home} holds something that is not of a demo; nothing was removed.",
                hint="Move it away, or set MEDIA_PIPELINE_HOME to another directory.",
            )
        if has_users(home):
            raise ActivityBusy("media-pipeline demo", "another process", None)
        _stop_what_was_left(home)
        shutil.rmtree(home)
    home.mkdir(parents=True, mode=0o700)
    (home / _MARK).touch()


def _stop_what_was_left(home: Path) -> None:
    """Servers outlive a demo that was killed; whoever uses them last stops them."""
    with ExitStack() as using:
        if is_serving(home):
            using.enter_context(shared_emulator(home))
        if (home / "postgres" / "postmaster.pid").exists():
            using.enter_context(EmbeddedServer(home))


def _where_to_look(console: Console, own: Settings) -> None:
    console.print("\n[bold]Look around[/bold]")
    home = f"MEDIA_PIPELINE_HOME={shlex.quote(str(own.home))}"
    console.print(f"  {home} media-pipeline up      Dagster's page with all runs; prints the psql line", markup=False)
    console.print(f"  {home} media-pipeline status", markup=False)
    console.print(f"  {home} media-pipeline quality  what must hold in the data, as a page", markup=False)
    console.print(f"  {home} media-pipeline drift\n", markup=False)
