"""Keeping the audit log: partitions ahead, old months as files.

Belongs here: the file of a month, the order of file and removal.
Not here: writing and proving the log (``audit``), the removal itself (``audit.archive_month`` in SQL, with its own
conditions).
Tables: writes audit.archived_month, audit.archived_entry and removes partitions, all through ``audit.archive_month``.

    whole log proved ──▶ month copied ──▶ file forced to disk ──▶ one transaction: recorded, digests kept, month removed

Killed before the transaction, the month is still in the log and is copied again; after it, all is done. A file is named
for its content, so nothing is ever written over.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from media_pipeline import audit
from media_pipeline.audit import Verification
from media_pipeline.db import locks, statements
from media_pipeline.db.engine import read_only, sqlstate, transaction
from media_pipeline.errors import ArchiveUnwritable
from media_pipeline.progress import Progress
from media_pipeline.upkeep.done_work import UPKEEP_ROLE

_ARRIVING: Final = ".arriving-"
_LEFT_BEHIND_SECONDS: Final = 86_400.0
"""Age from which an unfinished file belongs to nobody any more."""

_LOCK_NOT_AVAILABLE: Final = "55P03"


@dataclass(frozen=True, slots=True)
class DueMonth:
    """A month of the log that is old enough to be archived."""

    month: str
    entry_count: int
    unsealed_count: int


@dataclass(frozen=True, slots=True)
class ArchivedMonth:
    """A month that is a file now."""

    month: str
    file_name: str
    entry_count: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class LogKept:
    """What was done for the log, and how it stands.

    Attributes:
        through: the last month that has a partition, as ``2026-12``.
        due: months that should be archived by now and are not, with *problem*, which says why.
        unsealed_count: entries older than a day that no seal covers.
        other_count: entries of months without a partition of their own.
    """

    partitions_made: int
    through: str
    archived: tuple[ArchivedMonth, ...]
    due: tuple[str, ...]
    problem: str | None
    unsealed_count: int
    other_count: int


def list_due_months(engine: Engine, log_retention_days: int) -> tuple[DueMonth, ...]:
    """Months whose every entry is older than so many days, oldest first; writes nothing."""
    with read_only(engine, role=UPKEEP_ROLE) as connection:
        months = statements.run(connection, "upkeep/200_list_months", days=log_retention_days).all()
        found = []
        for one in months:
            if one.is_due:
                counted = statements.run(
                    connection, "upkeep/220_count_entries", from_at=one.from_at, end_at=one.end_at
                ).one()
                found.append(DueMonth(one.month, counted.entry_count, counted.unsealed_count))
        return tuple(found)


def keep_log(
    engine: Engine,
    archive: Path,
    *,
    log_retention_days: int,
    holder: str,
    progress: Progress,
    wait_seconds: float = 0.0,
) -> LogKept:
    """Seal, make partitions ahead, archive old months; stopped at any time, it goes on where it was.

    A month is archived only where the whole log was proved just before: what was tampered with stays to be looked at.

    Args:
        archive: directory of the files; made where it is missing.

    Raises:
        ActivityBusy: another process does it.
        ArchiveUnwritable: the file of a month cannot be written; the month stays in the log.
    """
    with locks.activity(engine, "upkeep of the log", holder=holder, wait_seconds=wait_seconds):
        with transaction(engine) as connection:
            made = audit.prepare(connection)
        audit.seal(engine, holder=holder)
        archived: list[ArchivedMonth] = []
        problem = None
        due = list_due_months(engine, log_retention_days)
        if due:
            problem = _doubt(audit.verify(engine, progress=progress))
        for one in due:
            if one.unsealed_count:
                problem = problem or f"entries of {one.month} that are not sealed: {one.unsealed_count:,}"
            if problem is not None:
                break
            try:
                archived.append(_archive(engine, archive, one.month, log_retention_days))
            except DBAPIError as error:
                if sqlstate(error) != _LOCK_NOT_AVAILABLE:
                    raise
                problem = "somebody was reading the log all the time; the next run tries again"
            progress.advance("archive", done=1, total=len(due))
        with read_only(engine, role=UPKEEP_ROLE) as connection:
            state = statements.run(connection, "upkeep/240_read_log").one()
            months = statements.run(connection, "upkeep/200_list_months", days=log_retention_days).all()
    return LogKept(
        partitions_made=made,
        through=months[-1].month,
        archived=tuple(archived),
        due=tuple(month.month for month in months if month.is_due),
        problem=problem,
        unsealed_count=state.unsealed_count,
        other_count=state.other_count,
    )


def _doubt(found: Verification) -> str | None:
    if found.is_whole:
        return None
    return f"places of the log that were tampered with: {found.problem_count:,} (media-pipeline audit verify)"


def _archive(engine: Engine, archive: Path, month: str, days: int) -> ArchivedMonth:
    file_name, sha256, size_bytes, entry_count = _write(engine, archive, month, days)
    with transaction(engine, role=UPKEEP_ROLE) as connection:
        statements.run(
            connection,
            "upkeep/230_archive_month",
            month=month,
            days=days,
            file_name=file_name,
            file_sha256=sha256,
            file_size_bytes=size_bytes,
            entry_count=entry_count,
        )
    return ArchivedMonth(month, file_name, entry_count, size_bytes)


def _write(engine: Engine, archive: Path, month: str, days: int) -> tuple[str, str, int, int]:
    """Copy a month to its file; returns name, SHA-256, size and entries once all of it is on disk."""
    with _speaking_of_the_archive():
        archive.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep(archive)
        with tempfile.NamedTemporaryFile(dir=archive, prefix=_ARRIVING, delete=False) as file:
            arriving = Path(file.name)
            try:
                hashing = _Hashing(file)
                entry_count = _copy(engine, month, days, hashing)
                file.flush()
                os.fsync(file.fileno())
                sha256 = hashing.digest.hexdigest()
                # Named for its content: a copy that was made before is replaced by itself.
                name = f"media_sync_log_{month}-{sha256[:16]}.csv.gz"
                arriving.replace(archive / name)
            except BaseException:
                arriving.unlink(missing_ok=True)
                raise
        _force_directory(archive)
        _force_directory(archive.parent)
    return name, sha256, hashing.size_bytes, entry_count


def _copy(engine: Engine, month: str, days: int, target: _Hashing) -> int:
    """The entries of a month in their order, as compressed CSV with a head; returns how many."""
    with (
        read_only(engine.execution_options(isolation_level="REPEATABLE READ"), role=UPKEEP_ROLE) as connection,
        # Without a name and a time in it, the same entries give the same bytes.
        gzip.GzipFile(filename="", mode="wb", fileobj=cast("IO[bytes]", target), mtime=0) as compressed,
    ):
        found = statements.run(connection, "upkeep/200_list_months", days=days)
        bounds: dict[str, Any] = next(
            {"from_at": one.from_at, "end_at": one.end_at} for one in found if one.month == month
        )
        entry_count = int(statements.run(connection, "upkeep/220_count_entries", **bounds).one().entry_count)
        for piece in statements.copy_out(connection, "upkeep/210_copy_month", **bounds):
            compressed.write(piece)
    return entry_count


class _Hashing:
    """A file that knows the digest and the size of what went through."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.size_bytes = 0

    def write(self, piece: bytes) -> int:
        self.digest.update(piece)
        self.size_bytes += len(piece)
        return self._file.write(piece)

    def flush(self) -> None:
        self._file.flush()


def _sweep(archive: Path) -> None:
    """Remove what a process that was killed had not finished."""
    for path in archive.glob(f"{_ARRIVING}*"):
        if time.time() - path.stat().st_mtime > _LEFT_BEHIND_SECONDS:
            path.unlink(missing_ok=True)


def _force_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _speaking_of_the_archive() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArchiveUnwritable(error.strerror or str(error)) from error
