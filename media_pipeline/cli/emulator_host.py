"""The emulator of a home directory: one process, shared by all commands that use it at the same time.

Belongs here: starting, finding and leaving it.
Not here: the emulator itself, one that a person starts by hand (``cli.emulator``).

    <home>/emulator           its library
    <home>/emulator.users     every user process holds a shared lock on it; who can lock it alone is the last
    <home>/emulator.starting  locked by whoever looks whether it runs, and starts it
    <home>/emulator.serving   locked by the emulator as long as it lives
    <home>/emulator.json      where it listens; readable by its owner only

Two emulators over one library would give every asset two addresses. The locks vanish with their processes, so
nothing goes stale: the emulator ends when its last user has ended, however that was.

    python -m media_pipeline.cli.emulator_host HOME    is the process itself
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

import msgspec

from media_pipeline.emulator.config import EmulatorConfig, Endpoints
from media_pipeline.errors import ConfigurationError

CLOUD_NAME: Final = "demo"

_OUTPUT_LINES: Final = 5
_LOOK_SECONDS: Final = 1.0


class _Address(msgspec.Struct):
    pid: int
    endpoints: Endpoints


@contextmanager
def shared_emulator(home: Path, *, port: int = 0) -> Iterator[Endpoints]:
    """Use the emulator of *home* for the length of the block, starting it if nobody did.

    Args:
        port: where it is to listen if it has to be started; 0 takes the port of the last time, or any free one.

    Raises:
        ConfigurationError: it cannot run here.
    """
    home = home.resolve()
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        users = (home / "emulator.users").open("ab")
    except OSError as error:
        raise ConfigurationError(
            f"{home} cannot be written: {error.strerror}.", hint="Set MEDIA_PIPELINE_HOME to a directory of your own."
        ) from error
    with users:
        fcntl.flock(users, fcntl.LOCK_SH)
        with (home / "emulator.starting").open("ab") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            address = _read_address(home) if is_serving(home) else _launch(home, port)
        try:
            yield address.endpoints
        finally:
            _stop_if_last(home, users.fileno(), address.pid)


def is_serving(home: Path) -> bool:
    """Whether an emulator of *home* is alive."""
    with (home / "emulator.serving").open("ab") as serving:
        try:
            fcntl.flock(serving, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def has_users(home: Path) -> bool:
    """Whether a process uses the emulator of *home* at this moment."""
    with (home / "emulator.users").open("ab") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def _launch(home: Path, port: int) -> _Address:
    log = home / "emulator.log"
    with log.open("wb") as messages:
        # A session of its own: Ctrl-C at the terminal must not end it before those who use it.
        process = subprocess.Popen(
            [sys.executable, "-m", "media_pipeline.cli.emulator_host", str(home), str(port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=messages,
            start_new_session=True,
        )
    with cast(BinaryIO, process.stdout) as output:
        is_ready = output.readline() == b"ready\n"
    if not is_ready:
        process.wait()
        said = log.read_text(errors="replace").strip().splitlines()[-_OUTPUT_LINES:]
        raise ConfigurationError("The emulator does not start.", hint="\n".join([f"Its messages are in {log}:", *said]))
    # Whoever is the last to leave ends it; if that is not us, our own end must not leave a zombie to report.
    threading.Thread(target=process.wait, daemon=True, name="emulator").start()
    return _read_address(home)


def _read_address(home: Path) -> _Address:
    return msgspec.json.decode((home / "emulator.json").read_bytes(), type=_Address)


def _stop_if_last(home: Path, users: int, pid: int) -> None:
    try:
        # Whoever starts in this moment waits for the shared lock until the emulator has ended.
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    if not is_serving(home):
        return
    os.kill(pid, signal.SIGTERM)
    with (home / "emulator.serving").open("ab") as serving:
        fcntl.flock(serving, fcntl.LOCK_SH)


def _serve(home: Path, port: int) -> None:
    """The process: serve until the last user is gone or SIGTERM comes."""
    from media_pipeline.emulator.server import serve

    with (home / "emulator.serving").open("ab") as serving:
        fcntl.flock(serving, fcntl.LOCK_EX)

        def announce(endpoints: Endpoints) -> None:
            fresh = home / "emulator.json.new"
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode(_Address(os.getpid(), endpoints)))
            fresh.replace(home / "emulator.json")
            threading.Thread(target=_end_with_last_user, args=(home,), daemon=True).start()
            sys.stdout.write("ready\n")
            sys.stdout.flush()

        serve(EmulatorConfig(home / "emulator", CLOUD_NAME, port), announce)


def _end_with_last_user(home: Path) -> None:
    with (home / "emulator.users").open("ab") as users:
        while True:
            try:
                # Asked again and again instead of waited for: a waiter would be served in the moment in which the
                # last user looks whether it is the last.
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(_LOOK_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)
        # The lock is held until this process has ended, so that the next user waits and then starts a new one.
        threading.Event().wait()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), int(sys.argv[2]))
