"""The floor: COPY of the raw pages into a staging table and one MERGE, by one connection, and nothing else.

Belongs here: the statements in ``sql/``, in their order.
Not here: requests, checks, history, anything that makes a sync safe; that is what a floor leaves out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import psycopg

from bench import contract
from bench.contract import Stopwatch, Task

_SQL = Path(__file__).resolve().parent / "sql"


def work(task: Task, stopwatch: Stopwatch) -> None:
    """COPY and MERGE in one transaction."""
    with psycopg.connect(task.database_url) as connection, connection.cursor() as cursor:
        cursor.execute(_statement("020_empty_staging"))
        with cursor.copy(_statement("030_copy_pages")) as copy:
            for piece in _binary_rows(Path(task.pages)):
                copy.write(piece)
        stopwatch.lap("copy")
        cursor.execute(_statement("040_merge_pages"))
        connection.commit()
        stopwatch.lap("merge")


def make_table(database_url: str) -> None:
    """A table shaped like ``public.media_assets`` of a migrated database, with the same indexes."""
    with psycopg.connect(database_url) as connection:
        connection.execute(_statement("010_make_tables"))


def _statement(name: str) -> bytes:
    return (_SQL / f"{name}.sql").read_bytes()


def _binary_rows(pages: Path) -> Iterator[bytes]:
    """The pages in the binary form of COPY, a page a row: no byte of them is looked at here."""
    yield b"PGCOPY\n\xff\r\n\x00" + struct.pack("!ii", 0, 0)
    for page in sorted(pages.iterdir()):
        body = page.read_bytes()
        yield struct.pack("!hi", 1, len(body))
        yield body
    yield struct.pack("!h", -1)


if __name__ == "__main__":
    contract.serve(work)
