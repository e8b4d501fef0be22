"""Proving that nobody has changed the log.

Belongs here: computing digests of entries, seals and their chain again, and naming each that is not what it was.
Not here: writing the log (``log``), the archive of old months (``upkeep``).

    entry ──digest──▶ seal over the digests of a stretch ──digest──▶ next seal ──▶ … ──▶ newest seal ──▶ noted elsewhere

A changed entry breaks its own digest; one that got a new digest, is missing or was added breaks its seal; a seal that
was changed or removed breaks the chain. Whoever may write everything can make all of it anew: only a digest that was
noted elsewhere finds that.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Engine

from media_pipeline.db import statements
from media_pipeline.db.engine import read_only
from media_pipeline.progress import Progress, Silent

_BATCH_ENTRIES: Final = 100_000
"""Entries that one statement reads; a seal is never divided."""

_NAMED: Final = 1000
"""Problems of a kind that are named one by one; all are counted."""

_PIECE_BYTES: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the log, by its place and what it tells of."""

    id: int
    xid: str
    recorded_at: datetime
    action: str
    asset_id: str | None
    media_asset_id: UUID | None


@dataclass(frozen=True, slots=True)
class BrokenSeal:
    """A seal that the entries under it do not give again.

    Attributes:
        problem: in words: how many are missing or were added, or that one is not what was sealed.
        after: where its stretch begins, as ``xid:id`` of the last entry before it.
        through: its last entry, as ``xid:id``.
        first_recorded_at: of the entries that are there now; null where none is, like *last_recorded_at*.
    """

    seal_id: int
    sealed_at: datetime
    problem: str
    sealed_count: int
    found_count: int
    after: str
    through: str
    first_recorded_at: datetime | None
    last_recorded_at: datetime | None


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """A place where the chain of seals is broken; entries between *after* and *through* are proved by no seal."""

    seal_id: int
    sealed_at: datetime
    problem: str
    after: str
    through: str


@dataclass(frozen=True, slots=True)
class BrokenArchive:
    """An archived month whose file is not what was recorded."""

    month: str
    file_name: str
    problem: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What computing the log again has shown.

    Attributes:
        entry_count: entries whose own digest was computed again.
        seal_count: all seals; the chain of all of them was computed again.
        computed_seal_count: those of them whose entries were, too.
        unsealed_count: entries behind the newest seal: nothing is wrong with them, but nothing proves their place yet.
        archived_count: entries in archived months, which only their seals and the file's SHA-256 prove.
        newest_seal_id: null before the first seal, as *newest_sealed_at* and *newest_digest* (hexadecimal).
        problem_count: of all kinds. Of each kind the first thousand are named.
        changed: entries that are not what their own digest says.
        added: entries in a place of which everything was archived.
        lost_anchor: a digest that was noted elsewhere and is not in the chain; null where it is, or none was given.
    """

    entry_count: int
    seal_count: int
    computed_seal_count: int
    unsealed_count: int
    archived_count: int
    newest_seal_id: int | None
    newest_sealed_at: datetime | None
    newest_digest: str | None
    problem_count: int
    changed: tuple[Entry, ...]
    added: tuple[Entry, ...]
    seals: tuple[BrokenSeal, ...]
    links: tuple[BrokenLink, ...]
    archives: tuple[BrokenArchive, ...]
    lost_anchor: str | None

    @property
    def is_whole(self) -> bool:
        """Whether nothing speaks against the log."""
        return not self.problem_count


def verify(
    engine: Engine,
    *,
    newest_entries: int | None = None,
    archive: Path | None = None,
    anchor: str | None = None,
    progress: Progress | None = None,
) -> Verification:
    """Compute the log again, in one snapshot, a batch of seals at a time; writes nothing.

    Args:
        newest_entries: about so many entries are looked at, the newest ones, in whole seals; None: all that are in the
            log. The chain of seals is always computed whole.
        archive: directory of archived months. Each file must be there with its size and, unless *newest_entries* bounds
            the work, its SHA-256. None: files are not looked at.
        anchor: digest of a seal that was noted elsewhere, hexadecimal; it must be in the chain.
        progress: told of entries as they are read.
    """
    told = progress or Silent()
    snapshot = engine.execution_options(isolation_level="REPEATABLE READ")
    with read_only(snapshot) as connection:
        start = statements.run(connection, "audit/100_find_first_seal", newest_entries=newest_entries).one()
        found = _Found()
        found.check_chain(connection)
        newest = statements.run(connection, "audit/150_read_newest_seal", after_seal_id=start.after_seal_id).first()
        after, computed = int(start.after_seal_id), 0
        while (through := _next_seal(connection, after)) is not None:
            computed += found.check_seals(connection, after, through, told)
            after = through
        unsealed = found.check_entries(connection, after, None, told)
        found.check_added(connection, int(start.settled_seal_id))
        months = statements.run(connection, "audit/170_list_archived_months").all()
        seal = statements.run(connection, "audit/180_find_seal", digest=anchor).first() if anchor is not None else None
    lost_anchor = anchor if seal is None else None
    found.problem_count += lost_anchor is not None
    for month in months:
        if not month.is_anchored:
            found.add_archive(month, "the seal over its last entry is not in the chain")
        problem = None if archive is None else _problem_of(archive, month, is_whole=newest_entries is None)
        if problem is not None:
            found.add_archive(month, problem)
    return Verification(
        entry_count=computed + unsealed,
        seal_count=0 if newest is None else newest.seal_count,
        computed_seal_count=0 if newest is None else newest.computed_count,
        unsealed_count=unsealed,
        archived_count=sum(month.entry_count for month in months),
        newest_seal_id=None if newest is None else newest.seal_id,
        newest_sealed_at=None if newest is None else newest.sealed_at,
        newest_digest=None if newest is None else newest.digest,
        problem_count=found.problem_count,
        changed=tuple(found.changed),
        added=tuple(found.added),
        seals=tuple(found.seals),
        links=tuple(found.links),
        archives=tuple(found.archives),
        lost_anchor=lost_anchor,
    )


class _Found:
    """Problems as they are found: all counted, the first of each kind named."""

    def __init__(self) -> None:
        self.problem_count = 0
        self.changed: list[Entry] = []
        self.added: list[Entry] = []
        self.seals: list[BrokenSeal] = []
        self.links: list[BrokenLink] = []
        self.archives: list[BrokenArchive] = []

    def check_chain(self, connection: Connection) -> None:
        rows = statements.run(connection, "audit/140_find_broken_links", row_limit=_NAMED).all()
        self.problem_count += rows[0].total_count if rows else 0
        for row in rows:
            problem = "it is not what its digest says" if row.is_changed else "it does not follow the seal before it"
            self.links.append(
                BrokenLink(
                    row.seal_id,
                    row.sealed_at,
                    problem,
                    f"{row.from_xid}:{row.from_id}",
                    f"{row.through_xid}:{row.through_id}",
                )
            )

    def check_seals(self, connection: Connection, after: int, through: int, progress: Progress) -> int:
        """Seals behind one and through another, and their entries; returns how many entries."""
        count = self.check_entries(connection, after, through, progress)
        rows = statements.run(
            connection, "audit/130_find_broken_seals", after_seal_id=after, through_seal_id=through
        ).all()
        self.problem_count += len(rows)
        for row in rows[: _NAMED - len(self.seals)]:
            self.seals.append(
                BrokenSeal(
                    seal_id=row.seal_id,
                    sealed_at=row.sealed_at,
                    problem=_in_words(row.sealed_count, row.found_count),
                    sealed_count=row.sealed_count,
                    found_count=row.found_count,
                    after=f"{row.from_xid}:{row.from_id}",
                    through=f"{row.through_xid}:{row.through_id}",
                    first_recorded_at=row.first_recorded_at,
                    last_recorded_at=row.last_recorded_at,
                )
            )
        return count

    def check_entries(self, connection: Connection, after: int, through: int | None, progress: Progress) -> int:
        row = statements.run(connection, "audit/120_check_entries", after_seal_id=after, through_seal_id=through).one()
        changed: list[Any] = row.changed or []
        self.problem_count += len(changed)
        self.changed += msgspec.convert(changed[: _NAMED - len(self.changed)], list[Entry])
        progress.advance("verify", done=int(row.entry_count))
        return int(row.entry_count)

    def check_added(self, connection: Connection, settled_seal_id: int) -> None:
        rows = statements.run(
            connection, "audit/160_find_added_entries", settled_seal_id=settled_seal_id, row_limit=_NAMED
        ).all()
        self.problem_count += rows[0].total_count if rows else 0
        self.added += [
            Entry(row.id, row.xid, row.recorded_at, row.action, row.asset_id, row.media_asset_id) for row in rows
        ]

    def add_archive(self, month: Any, problem: str) -> None:
        self.problem_count += 1
        self.archives.append(BrokenArchive(month.month, month.file_name, problem))


def _next_seal(connection: Connection, after: int) -> int | None:
    found = statements.run(connection, "audit/110_find_next_seal", after_seal_id=after, entry_limit=_BATCH_ENTRIES)
    seal_id = found.scalar_one()
    return None if seal_id is None else int(seal_id)


def _in_words(sealed_count: int, found_count: int) -> str:
    if found_count < sealed_count:
        return f"{sealed_count - found_count:,} of its entries missing"
    if found_count > sealed_count:
        return f"{found_count - sealed_count:,} more than its entries there"
    return "an entry is not the one that was sealed"


def _problem_of(archive: Path, month: Any, *, is_whole: bool) -> str | None:
    """What is wrong with the file of a month, if anything is."""
    try:
        with (archive / month.file_name).open("rb") as file:
            if file.seek(0, 2) != month.file_size_bytes:
                return "the file has another size"
            if not is_whole:
                return None
            file.seek(0)
            digest = hashlib.sha256()
            while piece := file.read(_PIECE_BYTES):
                digest.update(piece)
    except FileNotFoundError:
        return "the file is missing"
    except OSError as error:
        return f"the file cannot be read: {error.strerror}"
    return None if digest.hexdigest() == month.file_sha256 else "the file was changed"
