"""The spool: change files that hold notifications from their arrival until Postgres has them.

Belongs here: making a change file durable, claiming, setting aside, taking back.
Not here: its form (``intake.change_file``), who sends notifications (``intake.receiver``, ``polling``), what they say
(``intake.drain``). No database.

    <spool>/tmp/          being written; nobody looks there
    <spool>/new/          waiting
    <spool>/cur/<worker>/ claimed by a worker
    <spool>/quarantine/   set aside, each with <name>.reason.json

    tmp -> new                put, by link(2): nothing is ever replaced
           new -> cur         claim
                  cur -> gone          done, after what it holds is committed in Postgres
                  cur -> new           working, when the worker that had it died
    new or cur -> quarantine           claim finds no plain file; set_aside
                  quarantine -> new    replay by a person
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from media_pipeline.errors import SpoolFileUnknown, SpoolFull, SpoolUnavailable, TornFile
from media_pipeline.intake.change_file import Notification, decoded, encoded

_SUFFIX: Final = ".evt"
_REASON: Final = ".reason.json"
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_RECOUNT_SECONDS: Final = 1.0
_LEFT_BEHIND_SECONDS: Final = 3600
"""Age from which a file in tmp/ belongs to nobody any more: a put takes seconds."""
_NAME_LENGTH: Final = 180
"""Of a name in quarantine; file systems take 255 bytes, and the name of its reason is longer."""
_WORKERS: Final = tuple("12345678")
"""Drains that may be at work at once; more would wait for the same database."""
_WORKER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")


@dataclass(frozen=True, slots=True)
class ChangeFile:
    """A claimed file."""

    path: Path


@dataclass(frozen=True, slots=True)
class SpoolDepth:
    """What is in the spool: files that wait or are claimed, and apart from them those in quarantine.

    Attributes:
        oldest_at: arrival of the oldest file that waits or is claimed, UTC.
    """

    file_count: int
    size_bytes: int
    oldest_at: datetime | None
    quarantined_count: int


@dataclass(frozen=True, slots=True)
class QuarantinedFile:
    """A file that was set aside."""

    name: str
    reason: str
    quarantined_at: datetime
    size_bytes: int


class _Reason(msgspec.Struct):
    reason: str
    quarantined_at: datetime


class Spool:
    """The change files of one directory; safe to use from several processes and threads at once.

    Args:
        file_limit: files that may wait before ``put`` refuses more.
        reserve_bytes: room on the disk that ``put`` leaves free.
    """

    def __init__(self, directory: Path, *, file_limit: int, reserve_bytes: int) -> None:
        self.directory = directory
        self.file_limit = file_limit
        self._reserve_bytes = reserve_bytes
        self._tmp = directory / "tmp"
        self._new = directory / "new"
        self._cur = directory / "cur"
        self._quarantine = directory / "quarantine"
        self._waiting = 0
        self._counted_at = -_RECOUNT_SECONDS

    def prepare(self) -> None:
        """Make the directories, and remove what a writer that was killed left in tmp/.

        Raises:
            SpoolUnavailable: the directory cannot be made or written.
        """
        with _speaking_of_the_spool():
            for one in (self._tmp, self._new, self._quarantine, *(self._cur / worker for worker in _WORKERS)):
                one.mkdir(mode=0o750, parents=True, exist_ok=True)
            # A file is as durable as the directories that lead to it.
            _force_directory(self.directory)
            _force_directory(self.directory.parent)
            for entry in _entries(self._tmp):
                if time.time() - entry.stat(follow_symlinks=False).st_mtime <= _LEFT_BEHIND_SECONDS:
                    continue
                Path(entry.path).unlink(missing_ok=True)

    # Writing

    def put(self, notifications: Sequence[Notification]) -> Path:
        """Write one change file; file and directory entry are on disk when it returns.

        A file that could be written, but whose entry could not be forced to disk, stays in new/ although this
        fails: it is whole, and the message, sent once more, is merged with it.

        Raises:
            SpoolFull: too many files wait, or the disk has too little room; nothing was written.
            SpoolUnavailable: the directory is missing, read-only or in trouble.
        """
        path = self._keep(notifications, self._new)
        self._waiting += 1
        return path

    def put_aside(self, notifications: Sequence[Notification], reason: str) -> Path:
        """Write one change file straight to quarantine, as durable as ``put`` does: a person may still replay it.

        Raises:
            SpoolFull, SpoolUnavailable: as ``put``.
        """
        path = self._keep(notifications, self._quarantine)
        with _speaking_of_the_spool():
            _note(path, reason)
        return path

    def _keep(self, notifications: Sequence[Notification], directory: Path) -> Path:
        content = encoded(notifications)
        arrived = notifications[0].received_at.astimezone(UTC)
        name = f"{arrived:%Y%m%dT%H%M%S%f}-{secrets.token_hex(8)}{_SUFFIX}"
        temporary, target = self._tmp / name, directory / name
        with _speaking_of_the_spool():
            self._require_room(len(content))
            try:
                _write(temporary, content)
                os.link(temporary, target)
            finally:
                temporary.unlink(missing_ok=True)
            _force_directory(directory)
        return target

    def require_room(self) -> None:
        """See whether a small file could be put now.

        Raises:
            SpoolFull, SpoolUnavailable: as ``put`` would.
        """
        with _speaking_of_the_spool():
            self._require_room(0)
            if not os.access(self._new, os.W_OK | os.X_OK):
                raise SpoolUnavailable("it may not be written")

    def _require_room(self, size_bytes: int) -> None:
        if self._free_bytes() < size_bytes:
            raise SpoolFull("the disk has too little room left")
        now = time.monotonic()
        if now - self._counted_at >= _RECOUNT_SECONDS:
            # Names alone, and once a second: with 50,000 of them a count takes longer than a write.
            self._waiting, self._counted_at = len(_names(self._new)), now
        if self._waiting >= self.file_limit:
            raise SpoolFull(f"{self._waiting:,} change files wait")

    def _free_bytes(self) -> int:
        found = os.statvfs(self._new)
        return found.f_bavail * found.f_frsize - self._reserve_bytes

    # Looking

    def free_bytes(self) -> int:
        """Room that is left above the reserve; below zero where the disk has less.

        Raises:
            SpoolUnavailable: the directory cannot be read.
        """
        with _speaking_of_the_spool():
            return self._free_bytes()

    def depth(self) -> SpoolDepth:
        """How much is there; cheap, also while others write.

        Raises:
            SpoolUnavailable: the directory cannot be read.
        """
        count = size = quarantined = 0
        oldest = float("inf")
        with _speaking_of_the_spool():
            for directory in (self._new, *self._workers()):
                for entry in _entries(directory):
                    try:
                        found = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    count, size, oldest = count + 1, size + found.st_size, min(oldest, found.st_mtime)
            quarantined = sum(not entry.name.endswith(_REASON) for entry in _entries(self._quarantine))
        return SpoolDepth(count, size, datetime.fromtimestamp(oldest, UTC) if count else None, quarantined)

    # Taking

    def claim(self, worker: str, limit: int) -> list[ChangeFile]:
        """Take up to *limit* waiting files for *worker*, the oldest first.

        What others took meanwhile is skipped. What is no plain file, is empty or hidden goes to quarantine and is
        never opened.

        Raises:
            SpoolUnavailable: the directory cannot be read or written.
        """
        own = self._cur / _named(worker)
        claimed: list[ChangeFile] = []
        with _speaking_of_the_spool():
            own.mkdir(mode=0o750, exist_ok=True)
            for name in sorted(_names(self._new)):
                if len(claimed) >= limit:
                    break
                path = self._new / name
                try:
                    oddity = _oddity(path)
                    if oddity is not None:
                        self._set_aside(path, oddity)
                        continue
                    path.rename(own / name)
                except FileNotFoundError:
                    continue
                claimed.append(ChangeFile(own / name))
        return claimed

    def read(self, file: ChangeFile) -> list[Notification]:
        """The notifications of a claimed file, in the order of their arrival.

        Raises:
            TornFile: its length, a digest or a head is not what was written, or it is no plain file.
            SpoolUnavailable: it cannot be read.
        """
        with _speaking_of_the_spool():
            # A link or a pipe that took the file's place must neither be followed nor waited for.
            try:
                descriptor = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENXIO):
                    raise TornFile(file.path.name, "it is no plain file") from error
                raise
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise TornFile(file.path.name, "it is no plain file")
                with os.fdopen(descriptor, "rb", closefd=False) as opened:
                    return decoded(opened.read(), file.path.name)
            finally:
                os.close(descriptor)

    def done(self, files: Sequence[ChangeFile]) -> None:
        """Remove claimed files; called only after what they hold is committed in Postgres.

        Raises:
            SpoolUnavailable: one cannot be removed; it will be landed once more, which changes nothing.
        """
        with _speaking_of_the_spool():
            for file in files:
                file.path.unlink(missing_ok=True)

    @contextmanager
    def working(self) -> Iterator[str]:
        """Be a worker: its name, which is alive as long as the block, and no longer than the process.

        What dead workers had claimed waits again, and so does what this one leaves behind. No directory is made for
        it: on a full disk none can be, and the drain is what makes room.

        Raises:
            SpoolUnavailable: the directory cannot be used, or as many workers as there may be are at work.
        """
        descriptor = None
        with _speaking_of_the_spool():
            for worker in _WORKERS:
                found = self._lock(worker)
                if found is None:
                    continue
                self._take_back(worker)
                if descriptor is None:
                    descriptor, own = found, worker
                else:
                    os.close(found)
        if descriptor is None:
            raise SpoolUnavailable(f"{len(_WORKERS)} drains are at work")
        try:
            yield own
            with _speaking_of_the_spool():
                self._take_back(own)
        finally:
            os.close(descriptor)

    def _lock(self, worker: str) -> int | None:
        """A descriptor that keeps the worker's lock while it is open; None where somebody else has it."""
        descriptor = os.open(self._cur / worker, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def _take_back(self, worker: str) -> None:
        """Return what a worker had claimed to new/; called with its lock."""
        for entry in list(_entries(self._cur / worker)):
            Path(entry.path).rename(_free(self._new, entry.name))

    # Quarantine

    def set_aside(self, file: ChangeFile, reason: str) -> None:
        """Move a claimed file to quarantine, with the reason beside it.

        Raises:
            SpoolUnavailable: it cannot be moved.
        """
        with _speaking_of_the_spool():
            self._set_aside(file.path, reason)

    def list_quarantined(self) -> list[QuarantinedFile]:
        """Everything in quarantine, the oldest first."""
        found = []
        with _speaking_of_the_spool():
            for entry in _entries(self._quarantine):
                if entry.name.endswith(_REASON):
                    continue
                status = entry.stat(follow_symlinks=False)
                try:
                    note = msgspec.json.decode(Path(f"{entry.path}{_REASON}").read_bytes(), type=_Reason)
                except (FileNotFoundError, msgspec.MsgspecError):
                    note = _Reason("not known", datetime.fromtimestamp(status.st_mtime, UTC))
                found.append(QuarantinedFile(entry.name, note.reason, note.quarantined_at, status.st_size))
        return sorted(found, key=lambda one: (one.quarantined_at, one.name))

    def replay(self, name: str) -> None:
        """Return a file from quarantine to new/.

        Raises:
            SpoolFileUnknown: no file in quarantine has this name.
            SpoolUnavailable: it cannot be moved.
        """
        with _speaking_of_the_spool():
            if name not in {one.name for one in self.list_quarantined()}:
                raise SpoolFileUnknown(name)
            source = self._quarantine / name
            source.rename(_free(self._new, name))
            Path(f"{source}{_REASON}").unlink(missing_ok=True)

    def _set_aside(self, path: Path, reason: str) -> None:
        target = _free(self._quarantine, _plain(path.name))
        # First, so that nothing lies in quarantine without its reason; a full disk, though, must not stop the others.
        with suppress(OSError):
            _note(target, reason)
        try:
            path.rename(target)
        except OSError:
            Path(f"{target}{_REASON}").unlink(missing_ok=True)
            raise

    def _workers(self) -> list[Path]:
        return [Path(entry.path) for entry in _entries(self._cur) if entry.is_dir(follow_symlinks=False)]


def _write(path: Path, content: bytes) -> None:
    """Write a new file and force it to disk.

    After a failed fsync the kernel may have dropped the pages and report success the next time, so it is
    never asked again: the file is given up.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _force_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _note(path: Path, reason: str) -> Path:
    """Write why *path* is in quarantine, beside it."""
    note = Path(f"{path}{_REASON}")
    note.write_bytes(msgspec.json.encode(_Reason(reason, datetime.now(UTC))))
    return note


def _names(directory: Path) -> list[str]:
    return os.listdir(directory)  # noqa: PTH208  50,000 names, of which no paths are to be made


def _entries(directory: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(directory) as found:
        yield from found


def _oddity(path: Path) -> str | None:
    """Why a thing in new/ is no change file that may be opened; None if nothing speaks against it."""
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        return "it is no plain file"
    if path.name.startswith("."):
        return "its name is hidden"
    return None if found.st_size else "it is empty"


def _plain(name: str) -> str:
    """A name for the quarantine that is neither hidden, nor too long, nor that of a reason."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip(".")[:_NAME_LENGTH] or "unnamed"
    return f"{plain}.file" if plain.endswith(_REASON) else plain


def _free(directory: Path, name: str) -> Path:
    """A path in *directory* that nothing has."""
    path = directory / name
    return directory / f"{secrets.token_hex(4)}-{name}" if os.path.lexists(path) else path


def _named(worker: str) -> str:
    if not _WORKER.fullmatch(worker):
        raise ValueError(f"{worker!r} cannot be the name of a directory of a worker")
    return worker


@contextmanager
def _speaking_of_the_spool() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        kind = SpoolFull if error.errno in _FULL else SpoolUnavailable
        raise kind(error.strerror or str(error)) from error
