"""``media-pipeline emulator``: an emulator in the foreground.

Belongs here: which one, filling it, saying where it listens, waiting.
Not here: sharing one between commands (``cli.emulator_host``), the emulator itself.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]

from media_pipeline.cli import sample_library, screen, watch
from media_pipeline.cli.emulator_host import is_serving, shared_emulator
from media_pipeline.cli.failures import Terminated
from media_pipeline.emulator.config import EmulatorConfig, Endpoints
from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.server import EmulatorProcess
from media_pipeline.errors import ConfigurationError, ExitCode, MediaPipelineError
from media_pipeline.remote.calls import UnlimitedBudget
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.settings import CloudCredentials, Environment, Settings

_LOOK_SECONDS: Final = 0.5
_HOST: Final = "127.0.0.1"


def command(
    settings: Settings, *, port: int, state: Path | None, cloud: str, with_sample: bool, bulk: int, is_json: bool
) -> ExitCode:
    """Serve until interrupted.

    Args:
        state: library of an emulator of its own; None is the one of the home directory, which other commands
            that need an emulator use at the same time.

    Raises:
        ConfigurationError: the port is taken, or this is a production environment.
        MediaPipelineError: the emulator ended by itself.
    """
    if settings.environment is Environment.PRODUCTION:
        raise ConfigurationError("The emulator does not run in production.", hint="Set CLOUDINARY_URL to your cloud.")
    tell = screen.teller(is_json=is_json)
    with _home_emulator(settings, port) if state is None else _own_emulator(port, state, cloud) as running:
        endpoints, wait = running
        try:
            _announce(endpoints, is_json=is_json)
            if bulk:
                with ControlClient(endpoints) as control:
                    made = control.bulk(bulk)
                tell(f"{made.assets:,} made-up assets in {made.seconds:.1f} s.")
            if with_sample:
                tell(_upload_sample(settings, endpoints))
            wait()
        except (KeyboardInterrupt, Terminated):
            return ExitCode.OK
    raise MediaPipelineError("The emulator ended by itself.")


_Running = tuple[Endpoints, Callable[[], None]]
"""Where it listens, and a function that returns when it has ended."""


@contextmanager
def _home_emulator(settings: Settings, port: int) -> Iterator[_Running]:
    with shared_emulator(settings.home, port=port or settings.emulator_port) as endpoints:

        def wait() -> None:
            never = threading.Event()
            while is_serving(settings.home):
                never.wait(_LOOK_SECONDS)

        yield endpoints, wait


@contextmanager
def _own_emulator(port: int, state: Path, cloud: str) -> Iterator[_Running]:
    if port:
        _require_free(port)
    with EmulatorProcess(EmulatorConfig(state.resolve(), cloud, port, host=_HOST)) as emulator:
        yield emulator.endpoints, psutil.Process(emulator.pid).wait


def _announce(endpoints: Endpoints, *, is_json: bool) -> None:
    if is_json:
        screen.print_json(endpoints)
        return
    console = screen.out()
    console.print(f"The emulator stands in for the cloud {endpoints.cloud_name}.")
    for name, value in (
        ("CLOUDINARY_URL", endpoints.cloudinary_url),
        ("API", endpoints.base_url),
        ("Delivery", endpoints.delivery_url),
        ("Control token", endpoints.control_token),
    ):
        console.print(f"  {name:<15} {value}", markup=False)
    console.print("Ctrl-C ends it; what it holds stays for the next time.")


def _upload_sample(settings: Settings, endpoints: Endpoints) -> str:
    credentials = CloudCredentials.parse(endpoints.cloudinary_url)
    with (
        CloudinaryClient(credentials, settings=settings, budget=UnlimitedBudget(), refuse_emulator=False) as client,
        watch.progress() as progress,
    ):
        done = sample_library.upload(client, progress=progress)
    return (
        f"Sample library: {screen.plural(done.assets, 'asset')} uploaded, {done.existing:,} were there already; "
        f"{screen.size(done.size_bytes)}."
    )


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise ConfigurationError(
                f"Port {port} cannot be used: {error.strerror}.", hint="Choose another one with --port, or 0 for any."
            ) from error
