"""Running an emulator: blocking, in a thread of this process, or as a child process.

Belongs here: the address it listens on, start and stop. Not here: what it answers, see app.
"""

from __future__ import annotations

import contextlib
import fcntl
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from types import TracebackType
from typing import BinaryIO, Self, TextIO, cast

import msgspec
import uvicorn

from media_pipeline.emulator.app import create_app
from media_pipeline.emulator.clock import Clock
from media_pipeline.emulator.config import EmulatorConfig, Endpoints
from media_pipeline.emulator.emulator import Emulator
from media_pipeline.emulator.errors import StartRefused

__all__ = ["EmulatorConfig", "EmulatorProcess", "EmulatorThread", "Endpoints", "StartRefused", "serve"]

_START_TIMEOUT_SECONDS = 30
_STOP_TIMEOUT_SECONDS = 10
_PORT_FILE = "port"


def serve(config: EmulatorConfig, on_ready: Callable[[Endpoints], None]) -> None:
    """Run an emulator until SIGINT or SIGTERM; `on_ready` is called once it accepts connections.

    Raises:
        StartRefused: The host is no loopback address, the environment is production, or the state is in use or of
            another version.
        OSError: A port was asked for and is taken.
    """
    _Running(config).run(on_ready)


class _Running:
    """An emulator with its socket bound and its server ready to run."""

    def __init__(self, config: EmulatorConfig, clock: Clock | None = None) -> None:
        refuse_unsafe(config)
        config.state_directory.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as undo:
            self._lock = undo.enter_context(_locked(config))
            self.socket = undo.enter_context(_bound(config))
            self.emulator = Emulator(config, clock)
            undo.pop_all()
        port = int(self.socket.getsockname()[1])
        (config.state_directory / _PORT_FILE).write_text(str(port), encoding="ascii")
        self.endpoints = Endpoints.of(config, port, self.emulator.control_token)
        self.emulator.library.documents.base_url = self.endpoints.base_url
        self.emulator.reset_connection = self._reset_connection
        self.server = _Server(
            uvicorn.Config(
                create_app(self.emulator),
                lifespan="off",
                access_log=False,
                log_config=None,
                timeout_graceful_shutdown=2,
                date_header=False,
            )
        )

    def run(self, on_ready: Callable[[Endpoints], None]) -> None:
        # Listening comes before the call: connections wait in the backlog until the loop turns.
        self.socket.listen(2048)
        on_ready(self.endpoints)
        try:
            self.server.run(sockets=[self.socket])
        finally:
            self.socket.close()
            self.emulator.close()
            self._lock.close()

    def _reset_connection(self, client: tuple[str, int]) -> None:
        for connection in list(self.server.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None and getattr(connection, "client", None) == client:
                # Closing with a linger of zero sends a reset instead of an orderly end.
                transport.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
                transport.abort()


def refuse_unsafe(config: EmulatorConfig) -> None:
    """Refuse any address but loopback, and any production environment.

    Raises:
        StartRefused: With the reason.
    """
    if config.environment.strip().lower() == "production":
        raise StartRefused("The emulator does not run in a production environment; set a real CLOUDINARY_URL")
    try:
        is_loopback = ip_address(config.host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise StartRefused(f"The emulator binds loopback addresses only, not {config.host}")


def _locked(config: EmulatorConfig) -> TextIO:
    """An open file whose lock keeps a second emulator away from the state; the system frees it in any case."""
    lock = (config.state_directory / "lock").open("w", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StartRefused(f"Another emulator is running on {config.state_directory}; stop it first") from None
    return lock


def _bound(config: EmulatorConfig) -> socket.socket:
    """A bound socket: the port that was asked for, else the last one if it is free, else any."""
    if config.port:
        return _try_bind(config.host, config.port)
    with contextlib.suppress(OSError, ValueError):
        last = int((config.state_directory / _PORT_FILE).read_text(encoding="ascii"))
        return _try_bind(config.host, last)
    return _try_bind(config.host, 0)


def _try_bind(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


class _Server(uvicorn.Server):
    """Stops on SIGINT and SIGTERM as uvicorn does, but lets the caller finish instead of dying of the signal."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        former = {sign: signal.signal(sign, self.handle_exit) for sign in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for sign, handler in former.items():
                signal.signal(sign, handler)


class EmulatorThread:
    """An emulator in a daemon thread of this process, for tests.

    Example:
        ``with EmulatorThread(EmulatorConfig(tmp_path, "tests")) as emulator: emulator.endpoints.cloudinary_url``
    """

    endpoints: Endpoints

    def __init__(self, config: EmulatorConfig, clock: Clock | None = None) -> None:
        self._config = config
        self._clock = clock

    def __enter__(self) -> Self:
        self._running = _Running(self._config, self._clock)
        self.endpoints = self._running.endpoints
        ready = threading.Event()
        self._thread = threading.Thread(
            target=self._running.run, args=(lambda _: ready.set(),), name="emulator", daemon=True
        )
        self._thread.start()
        ready.wait(_START_TIMEOUT_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.server.should_exit = True
        self._thread.join(_STOP_TIMEOUT_SECONDS)


class EmulatorProcess:
    """An emulator in a child process that ends when its parent ends, for demonstrations and benches.

    Attributes:
        endpoints: Where it is reached; set once it accepts connections.
        pid: Its process id.
        exit_code: Set when it has stopped; 0 is a clean end.
    """

    endpoints: Endpoints
    pid: int
    exit_code: int

    def __init__(self, config: EmulatorConfig) -> None:
        refuse_unsafe(config)
        self._config = config

    def __enter__(self) -> Self:
        # The child reads its configuration from standard input and ends when that closes, however the parent ends.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "media_pipeline.emulator", "--child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.pid = self._process.pid
        self._input, output = cast(BinaryIO, self._process.stdin), cast(BinaryIO, self._process.stdout)
        self._input.write(msgspec.json.encode(self._config, enc_hook=str) + b"\n")
        self._input.flush()
        with output:
            line = output.readline()
        if not line:
            raise RuntimeError(f"The emulator ended at its start with code {self._process.wait()}; see its messages")
        self.endpoints = msgspec.json.decode(line, type=Endpoints)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self.exit_code = self._process.wait(_STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self.exit_code = self._process.wait()
        self._input.close()
