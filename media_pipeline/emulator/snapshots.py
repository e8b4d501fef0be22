"""Snapshots: the whole state under a name, to come back to.

Belongs here: saving, restoring, listing, dropping. Not here: an empty cloud, see Emulator.reset.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from media_pipeline.emulator.config import Settings
from media_pipeline.emulator.errors import ApiError, bad_request
from media_pipeline.emulator.faults import RuleState
from media_pipeline.emulator.store import Store

_NAME = re.compile(r"[A-Za-z0-9][\w-]{0,63}")
_ORIGINALS = (
    "SELECT original FROM asset WHERE original IS NOT NULL UNION SELECT original FROM backup WHERE original IS NOT NULL"
    " UNION SELECT original FROM derived"
)


class Surroundings(msgspec.Struct, frozen=True):
    """What belongs to the state but lives outside of the database."""

    settings: Settings
    quota_used: int
    faults: list[RuleState]


class Snapshots:
    """A directory of copies of the database, each with its surroundings."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def names(self) -> list[str]:
        """The snapshots there are."""
        return sorted(path.stem for path in self._directory.glob("*.json"))

    def save(self, name: str, store: Store, surroundings: Surroundings) -> None:
        """Keep the state under a name, in place of an older one.

        Raises:
            ApiError: 400 for a name that is no file name.
        """
        if not _NAME.fullmatch(name):
            raise bad_request(f"A snapshot cannot be called {name}: use letters, digits, _ and -")
        store.copy_to(self._database(name))
        self._surroundings(name).write_bytes(msgspec.json.encode(surroundings))

    def restore(self, name: str, store: Store) -> Surroundings:
        """Put the database back; the caller puts the surroundings back.

        Raises:
            ApiError: 404 for a name nobody saved.
        """
        self._check(name)
        store.copy_from(self._database(name))
        return msgspec.json.decode(self._surroundings(name).read_bytes(), type=Surroundings)

    def drop(self, name: str) -> None:
        """Forget a snapshot; 404 for a name nobody saved."""
        self._check(name)
        self._surroundings(name).unlink()
        self._database(name).unlink()

    def originals(self) -> set[str]:
        """Digests of the files that snapshots need."""
        needed: set[str] = set()
        for name in self.names():
            with closing(sqlite3.connect(self._database(name))) as db:
                needed |= originals_in(db)
        return needed

    def _check(self, name: str) -> None:
        if name not in self.names():
            raise ApiError(404, f"No snapshot is called {name}")

    def _database(self, name: str) -> Path:
        return self._directory / f"{name}.sqlite"

    def _surroundings(self, name: str) -> Path:
        return self._directory / f"{name}.json"


def originals_in(db: sqlite3.Connection) -> set[str]:
    """Digests of the files that a database refers to."""
    return {str(digest) for (digest,) in db.execute(_ORIGINALS)}
