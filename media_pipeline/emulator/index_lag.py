"""The lag of the index behind search and folder lists: for a while they show what was before a change.

Belongs here: remembering former states, and when they are over. Not here: searching, see search; lists, see folders.

An asset (or folder) shows its former state until its last change is as old as the lag.
"""

# ruff: noqa: S608 -- statements are put together from names this package writes itself; values are bound.

from __future__ import annotations

from media_pipeline.emulator.clock import Clock
from media_pipeline.emulator.config import Settings
from media_pipeline.emulator.store import Store

# The key of each table that lags.
_KEYS = {"asset": "seq", "folder": "external_id"}
_NOW = "emulator_now"


class IndexLag:
    """Follows the settings: without a lag nothing is remembered, and nothing costs anything."""

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._following: set[str] = set()
        with store.write() as db:
            for table in _KEYS:
                db.execute(f"DELETE FROM {table}_stale")
                db.execute(f"DELETE FROM {table}_former")

    def follow_settings(self) -> None:
        """Begin or end to remember former states."""
        for table in _KEYS:
            if (self._lag(table) > 0) != (table in self._following):
                self._toggle(table)

    def table(self, table: str) -> str:
        """What to read a lagging table from, as SQL; call it before reading, it drops what is over."""
        if table not in self._following:
            return table
        key, until = _KEYS[table], self._clock.now() - self._lag(table)
        over = f"SELECT {key} FROM {table}_stale WHERE changed_at <= ?"
        with self._store.write() as db:
            db.execute(f"DELETE FROM {table}_former WHERE {key} IN ({over})", (until,))
            db.execute(f"DELETE FROM {table}_stale WHERE changed_at <= ?", (until,))
        return f"{table}_indexed AS {table}"

    def _lag(self, table: str) -> float:
        return self._settings.search_lag_seconds if table == "asset" else self._settings.folder_lag_seconds

    def _toggle(self, table: str) -> None:
        key = _KEYS[table]
        with self._store.write() as db:
            if table in self._following:
                for event in ("insert", "update", "delete"):
                    db.execute(f"DROP TRIGGER lag_{table}_{event}")
                db.execute(f"DELETE FROM {table}_stale")
                db.execute(f"DELETE FROM {table}_former")
                self._following.remove(table)
                return
            db.create_function(_NOW, 0, self._clock.now)
            # Triggers of this connection alone, which is the only one that writes.
            mark = (
                f"INSERT INTO {table}_stale VALUES ({{row}}.{key}, {_NOW}())"
                f" ON CONFLICT ({key}) DO UPDATE SET changed_at = excluded.changed_at;"
            )
            keep = (
                f"INSERT INTO {table}_former SELECT * FROM {table} WHERE {key} = OLD.{key}"
                f" AND NOT EXISTS (SELECT 1 FROM {table}_stale WHERE {key} = OLD.{key});"
            )
            for event, when, body in (
                ("insert", "AFTER", mark.format(row="NEW")),
                ("update", "BEFORE", keep + mark.format(row="OLD")),
                ("delete", "BEFORE", keep + mark.format(row="OLD")),
            ):
                db.execute(f"CREATE TEMP TRIGGER lag_{table}_{event} {when} {event} ON main.{table} BEGIN {body} END")
            self._following.add(table)
