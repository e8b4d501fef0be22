"""``media-pipeline up``: everything on this machine, until it is stopped.

Belongs here: database, emulator, receiver or poller, reports, alarm, Dagster's web page and daemon as one; where they
are; ending them together.
Not here: child processes in general (``cli.children``), what Dagster runs (``orchestration``).

    <home>/up.lock    locked as long as it is up
    <home>/up.url     address of Dagster's web page while it is
"""

from __future__ import annotations

import fcntl
import shlex
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final, NoReturn

import httpx
from rich.console import Console
from sqlalchemy import Engine, select

from media_pipeline import triggers
from media_pipeline.cli import local, screen
from media_pipeline.cli.children import Child
from media_pipeline.cli.emulator_host import is_serving
from media_pipeline.cli.failures import Terminated
from media_pipeline.db import embedded
from media_pipeline.db.engine import place_of, read_only
from media_pipeline.errors import ActivityBusy, ConfigurationError, DatabaseError, MediaPipelineError
from media_pipeline.intake.receiver import PATH
from media_pipeline.orchestration.instance import prepare_home
from media_pipeline.settings import Settings, child_environment

_HOST: Final = "127.0.0.1"
_PORTS_TO_TRY: Final = 20
_START_SECONDS: Final = 180
_LOOK_SECONDS: Final = 0.5
_LOOKS_PER_DATABASE_LOOK: Final = 10
_RECEIVER_PORT: Final = 3080
_ALARM_SECONDS: Final = 60
_OURS: Final = (sys.executable, "-m", "media_pipeline")


def command(settings: Settings, *, may_migrate: bool) -> None:
    """Start all of it, say where it is, and wait for Ctrl-C or SIGTERM.

    Raises:
        ActivityBusy: it is up already.
        ConfigurationError: no port is free.
        MediaPipelineError: something that was started died; the rest is stopped.
    """
    console = screen.out()
    with _only_one(settings.home), local.running(settings) as started, local.database(started) as engine:
        local.bring_up_to_date(engine, settings, may_migrate=may_migrate, tell=console.print)
        live = _showing(settings, _hearing(settings, started))
        environment = child_environment(**prepare_home(live, local.database_url(live)))
        dagster_home = Path(environment["DAGSTER_HOME"])
        workspace = ("-w", str(dagster_home / "workspace.yaml"))
        port = _free_port(settings.dagster_port, "MEDIA_PIPELINE_DAGSTER_PORT")
        url = f"http://{_HOST}:{port}"
        page = (sys.executable, "-m", "dagster_webserver", "-h", _HOST, "-p", str(port), *workspace)
        daemon = (sys.executable, "-m", "dagster._daemon", "run", *workspace)
        with ExitStack() as running:

            def start(name: str, command: tuple[str, ...], log: Path) -> Child:
                return running.enter_context(Child(name, command, environment=environment, log=log))

            parts = [
                start(name, (*_OURS, *command), live.home / f"{command[0]}.log")
                for name, command in _parts(settings, live)
            ]
            console.print("Starting Dagster …", style="dim")
            parts.append(start("Dagster's web page", page, dagster_home / "web.log"))
            parts.append(start("Dagster's daemon", daemon, dagster_home / "daemon.log"))
            watch = _Watch(settings, engine, tuple(parts))
            if settings.cloudinary_url is None:
                # Nobody else uses this cloud, so that what it tells may be ours.
                watch.wait_for(f"http://{live.receiver_host}:{live.receiver_port}/healthz", parts[0])
                with local.client(live) as client:
                    triggers.apply(client, live)
            watch.wait_for(f"{url}/server_info", parts[-2])
            (settings.home / "up.url").write_text(url, encoding="ascii")
            _show(console, settings, live, url)
            try:
                watch.wait()
            except (KeyboardInterrupt, Terminated):
                console.print("Stopping …", style="dim")
    console.print("Stopped.")


def _hearing(settings: Settings, live: Settings) -> Settings:
    """With the emulator, the settings under which a receiver of ours hears all of it."""
    if settings.cloudinary_url is not None:
        return live
    port = _free_port(settings.receiver_port or _RECEIVER_PORT, "MEDIA_PIPELINE_RECEIVER_PORT")
    address = f"http://{_HOST}:{port}{PATH}"
    update = {"receiver_host": _HOST, "receiver_port": port, "notification_url": address}
    return live.model_copy(update=update)


def _showing(settings: Settings, live: Settings) -> Settings:
    """Where nobody serves the reports, the settings under which we do, so that Dagster's pages lead to them."""
    if settings.reports_url is not None:
        return live
    port = _free_port(settings.reports_port, "MEDIA_PIPELINE_REPORTS_PORT")
    return live.model_copy(update={"reports_port": port, "reports_url": f"http://{_HOST}:{port}"})


def _parts(settings: Settings, live: Settings) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Commands of ours that run beside Dagster, each with a name for people."""
    if live.notification_url is not None:
        yield "The receiver", ("receive",)
    if live.poll_channel is not None:
        yield "The poller", ("poll",)
    if settings.reports_url is None:
        yield "The reports", ("reports", "serve")
    yield "The alarm", ("alarm", "--every", str(_ALARM_SECONDS))


def dagster_address(home: Path) -> str | None:
    """Where Dagster's web page is, if ``up`` runs in *home*."""
    try:
        with (home / "up.lock").open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return (home / "up.url").read_text(encoding="ascii")
    except FileNotFoundError:
        pass
    return None


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """Hold the lock of this home."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        opened = (home / "up.lock").open("ab")
    except OSError as error:
        raise ConfigurationError(
            f"{home} cannot be written: {error.strerror}.", hint="Set MEDIA_PIPELINE_HOME to a directory of your own."
        ) from error
    with opened as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            where = dagster_address(home)
            raise ActivityBusy("media-pipeline up", f"another process{f' at {where}' if where else ''}", None) from None
        try:
            yield
        finally:
            (home / "up.url").unlink(missing_ok=True)


class _Watch:
    """Looks after what was started."""

    def __init__(self, settings: Settings, engine: Engine, children: tuple[Child, ...]) -> None:
        self._settings = settings
        self._engine = engine
        self._children = children
        self._never = threading.Event()

    def wait_for(self, url: str, part: Child) -> None:
        """Return once *part* answers at *url*.

        Raises:
            MediaPipelineError: something died, or it takes too long.
        """
        for _ in range(int(_START_SECONDS / _LOOK_SECONDS)):
            self._look()
            with suppress(httpx.HTTPError):
                if httpx.get(url, timeout=_START_SECONDS, trust_env=False).status_code == 200:
                    return
            self._never.wait(_LOOK_SECONDS)
        raise MediaPipelineError(
            f"{part.name} does not answer at {url} after {_START_SECONDS} s.", hint=f"Its log is {part.log}."
        )

    def wait(self) -> NoReturn:
        """Wait until something dies.

        Raises:
            MediaPipelineError: naming what died.
        """
        looks = 0
        while True:
            self._look()
            if looks % _LOOKS_PER_DATABASE_LOOK == 0:
                self._look_at_database()
            looks += 1
            self._never.wait(_LOOK_SECONDS)

    def _look(self) -> None:
        for child in self._children:
            if child.has_ended:
                raise MediaPipelineError(child.last_words, hint="Everything else was stopped.")
        if self._settings.cloudinary_url is None and not is_serving(self._settings.home):
            log = self._settings.home / "emulator.log"
            raise MediaPipelineError(
                f"The emulator ended. Its messages are in {log}.", hint="Everything else was stopped."
            )

    def _look_at_database(self) -> None:
        """The embedded server belongs to us; a configured one may be away for a while."""
        if self._settings.database_url is not None:
            return
        try:
            with read_only(self._engine) as connection:
                connection.execute(select(1))
        except DatabaseError as error:
            raise MediaPipelineError(
                f"The embedded Postgres ended: {error}", hint="Everything else was stopped."
            ) from error


def _free_port(wanted: int, variable: str) -> int:
    for port in range(wanted, min(wanted + _PORTS_TO_TRY, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind((_HOST, port))
                return port
    raise ConfigurationError(f"The ports from {wanted} on are all taken.", hint=f"Set {variable} to a free one.")


def _show(console: Console, settings: Settings, live: Settings, url: str) -> None:
    console.print("Media Pipeline is up.", style="bold green")
    console.print(f"  Dagster     {url}")
    if settings.database_url is None:
        console.print(f"  Database    {psql_line(local.database_url(live))}", markup=False)
    else:
        console.print(f"  Database    {place_of(local.database_url(live))}", markup=False)
    cloud = local.credentials(live)
    if settings.cloudinary_url is None:
        console.print(f"  Cloud       {cloud.cloud_name}, the emulator at {cloud.upload_prefix}", markup=False)
        console.print(f"              CLOUDINARY_URL='{local.cloudinary_url(live)}'", markup=False)
    else:
        console.print(f"  Cloud       {cloud.cloud_name}", markup=False)
    if live.notification_url is not None:
        console.print(f"  Webhooks    {live.notification_url}", markup=False)
    if live.poll_channel is not None:
        console.print(f"  Polling     {live.poll_channel}", markup=False)
    console.print(f"  Reports     {live.reports_url}", markup=False)
    if not live.hears:
        console.print("  Hearing     nothing: changes are found every five minutes (docs/cli.md, triggers)")
    console.print("Ctrl-C stops all of it.")


def psql_line(url: str) -> str:
    """The line that opens the embedded database in psql."""
    return f"{shlex.quote(str(embedded.binaries() / 'psql'))} {shlex.quote(url)}"
