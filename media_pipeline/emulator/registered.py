"""Objects that Cloudinary only keeps under a name: upload presets, upload mappings, streaming profiles.

Belongs here: storing, finding and paging them. Not here: what one kind means, see presets, mappings and
streaming_profiles.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import msgspec

from media_pipeline.emulator.cursors import NEWEST, Cursors
from media_pipeline.emulator.documents import Document
from media_pipeline.emulator.errors import ApiError
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.naming import random_hex
from media_pipeline.emulator.params import Params

_PAGE_DEFAULT = 10
_PAGE_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Registered:
    """One object: its name, Cloudinary's id for it, and what it says."""

    name: str
    external_id: str
    body: Document


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object; `title` names it in refusals, `absent` begins the one for an unknown name."""

    kind: str
    title: str
    absent: str = ""

    def find(self, db: sqlite3.Connection, name: str) -> Registered | None:
        """The object with a name; None if there is none."""
        row = db.execute(
            "SELECT name, external_id, body FROM registered WHERE kind = ? AND name = ?", (self.kind, name)
        ).fetchone()
        return None if row is None else _of_row(row)

    def get(self, db: sqlite3.Connection, name: str) -> Registered:
        """As `find`, but 404 if there is none."""
        found = self.find(db, name)
        if found is None:
            raise ApiError(404, f"{self.absent or f'{self.title} not found -'} {name}")
        return found

    def page(self, library: Library, params: Params) -> tuple[list[Registered], str | None]:
        """One page, newest first, and the cursor of the next."""
        limit = params.integer("max_results", _PAGE_DEFAULT, 1, _PAGE_LIMIT)
        cursors = Cursors(library.config.api_secret, self.kind, params.values)
        (before,) = cursors.open(params.text("next_cursor")) or (NEWEST,)
        with library.store.read() as db:
            rows = db.execute(
                "SELECT name, external_id, body, seq FROM registered WHERE kind = ? AND seq < ?"
                " ORDER BY seq DESC LIMIT ?",
                (self.kind, before, limit + 1),
            ).fetchall()
        following = cursors.seal(rows[limit - 1][-1]) if len(rows) > limit else None
        return [_of_row(row[:-1]) for row in rows[:limit]], following

    def create(self, db: sqlite3.Connection, name: str, body: Document) -> Registered:
        """Keep a new object.

        Raises:
            ApiError: 409 if the name is taken.
        """
        if self.find(db, name) is not None:
            raise ApiError(409, f"{self.title} {name} already exists")
        created = Registered(name, random_hex(), body)
        self.save(db, created)
        return created

    def save(self, db: sqlite3.Connection, registered: Registered) -> None:
        """Keep an object in place of the one with its name."""
        db.execute(
            "INSERT INTO registered (kind, name, external_id, body) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET body = excluded.body",
            (self.kind, registered.name, registered.external_id, msgspec.json.encode(registered.body).decode()),
        )

    def delete(self, db: sqlite3.Connection, name: str) -> None:
        """Forget an object; 404 if there is none."""
        self.get(db, name)
        db.execute("DELETE FROM registered WHERE kind = ? AND name = ?", (self.kind, name))


def _of_row(row: tuple[str, str, str]) -> Registered:
    name, external_id, body = row
    return Registered(name, external_id, msgspec.json.decode(body, type=dict[str, object]))
