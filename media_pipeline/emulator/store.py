"""The emulator's memory: one SQLite database in WAL mode, written by one connection at a time.

Belongs here: connections, transactions, small named facts. Not here: what tables mean.
"""

# ruff: noqa: S608 -- statements are put together from names this package writes itself; values are bound.

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

from media_pipeline.emulator.errors import StartRefused

_TABLES = (
    "asset_tag", "derived", "coordinates", "asset", "backup", "folder", "metadata_field", "transformation",
    "delete_token", "registered", "related", "notification_trigger", "message",
)  # fmt: skip

# The bulk generator needs the pages of its indexes; there are as many readers as calls under way.
_WRITER_CACHE_KB = 65_536
_READER_CACHE_KB = 16_384
_MOST_COUNTS = 256


class Store:
    """Transactions over the state; a write excludes other writes, reads go on beside it.

    Raises:
        StartRefused: The state is of another version of the emulator; it stays as it is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = self._connect(_WRITER_CACHE_KB)
        self._writing = threading.RLock()
        self._readers: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self._generation = 0
        self._counts: dict[tuple[object, ...], int] = {}
        # Called after every commit, still in its order.
        self.after_commit: Callable[[], None] = lambda: None
        self._create_tables()

    def _create_tables(self) -> None:
        schema = resources.files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")
        # The database notes by which tables it was made: SQLite would take others for the same.
        version = zlib.crc32(schema.encode()) & 0x7FFF_FFFF
        (found,), (tables,) = (
            self._writer.execute(statement).fetchone()
            for statement in ("PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
        )
        if tables and found != version:
            self._writer.close()
            raise StartRefused(
                f"{self._path.parent} holds the state of another version of the emulator: "
                "choose another directory, or remove this one"
            )
        self._writer.executescript(f"{schema}; PRAGMA user_version = {version};")

    def _connect(self, cache_kb: int = _READER_CACHE_KB) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30)
        connection.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;"
            # No memory mapping: how much of a large library a process holds must not depend on the library.
            f"PRAGMA cache_size = -{cache_kb}; PRAGMA mmap_size = 0;"
        )
        return connection

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction, committed at the end of the block and rolled back by any exception."""
        with self._writing:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")
            self._forget_counts()
            self.after_commit()

    def commit_part(self, db: sqlite3.Connection) -> None:
        """Make what a long write has done so far permanent, and go on without letting others write.

        The journal of a single large transaction would hold every page of an index again and again.
        """
        db.execute("COMMIT")
        self._forget_counts()
        db.execute("BEGIN IMMEDIATE")

    def truncate_journal(self) -> None:
        """Give the disk back that the journal of a large write took."""
        with self._writing:
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One consistent view of what is committed."""
        try:
            connection = self._readers.get_nowait()
        except queue.Empty:
            connection = self._connect()
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")
            self._readers.put(connection)

    def count(self, db: sqlite3.Connection, rows: str, values: tuple[object, ...]) -> int:
        """How many rows there are (a table and a condition), remembered until something changes.

        Counting a large library costs as much as reading it, and every page of a search tells the count of the whole.
        """
        # Read before counting: what another thread commits meanwhile makes the number useless, not wrong.
        key = (self._generation, rows, values)
        found = self._counts.get(key)
        if found is None:
            (found,) = db.execute(f"SELECT count(*) FROM {rows}", values).fetchone()
            if len(self._counts) >= _MOST_COUNTS:
                self._counts = {}
            self._counts[key] = found
        return found

    def _forget_counts(self) -> None:
        self._generation += 1
        self._counts = {}

    def copy_to(self, path: Path) -> None:
        """Write everything that is committed to another file."""
        path.unlink(missing_ok=True)
        with self._writing, contextlib.closing(sqlite3.connect(path)) as target:
            self._writer.backup(target)

    def copy_from(self, path: Path) -> None:
        """Replace everything by the content of another file."""
        with self._writing, contextlib.closing(sqlite3.connect(path)) as source:
            source.backup(self._writer)
            self._forget_counts()

    def clear(self) -> None:
        """Forget everything but the facts."""
        with self.write() as db:
            for table in _TABLES:
                db.execute(f"DELETE FROM {table}")

    def close(self) -> None:
        """Close all connections."""
        while not self._readers.empty():
            self._readers.get_nowait().close()
        with self._writing:
            self._writer.execute("PRAGMA optimize")
            self._writer.close()


def fact(db: sqlite3.Connection, name: str) -> str | None:
    """A named fact; None if nobody noted it."""
    row = db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def set_fact(db: sqlite3.Connection, name: str, value: str) -> None:
    """Note a named fact."""
    db.execute("INSERT INTO fact VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (name, value))
