"""One holder an activity: an advisory lock while a process lives, a fence against one that was given up.

Belongs here: taking, checking and releasing an activity.
Not here: row locks and leases (each room), which activities exist.
Tables: writes ops.fence.

The lock lives in a session of its own, so it is free again the moment its process dies, even by ``kill -9``.
A process that only lost that session does not notice; its next writing transaction finds a greater fence
and writes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from media_pipeline.db import statements
from media_pipeline.db.engine import ENGINE_ROLE, own_connection, sqlstate, take_role
from media_pipeline.errors import ActivityBusy, Fenced

_LOCK_NOT_AVAILABLE: Final = "55P03"
_POLL_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class Fence:
    """The right to write for one activity."""

    activity: str
    number: int
    holder: str

    def check(self, connection: Connection) -> None:
        """Call first in every writing transaction of the activity; a new holder then waits for its end.

        Raises:
            Fenced: someone else holds the activity; roll back.
        """
        found = statements.run(connection, "ops/140_check_fence", activity=self.activity, fence=self.number)
        if found.first() is None:
            raise Fenced(self.activity, self.number)


@contextmanager
def activity(engine: Engine, name: str, *, holder: str, wait_seconds: float = 0.0) -> Iterator[Fence]:
    """Hold the activity *name* for the length of the block.

    Args:
        engine: tells the database; the lock uses a connection of its own beside the pool.
        name: e.g. ``listing image/upload``, ``apply``.
        holder: who we are, for the person who finds it busy: host, process, run.
        wait_seconds: how long to wait for another holder to end.

    Raises:
        ActivityBusy: another session holds it, and did so all that time.
        DatabaseUnreachable: no connection.
    """
    with own_connection(engine, f"media-pipeline {name}") as connection:
        give_up_at = time.monotonic() + wait_seconds
        while not _try(connection, name):
            if time.monotonic() >= give_up_at:
                with connection.begin():
                    take_role(connection, ENGINE_ROLE)
                    raise _busy(connection, name)
            time.sleep(_POLL_SECONDS)
        try:
            yield Fence(name, _take_fence(connection, name, holder), holder)
        finally:
            # A broken session has released it already, and must not hide what ended the block.
            with suppress(DBAPIError), connection.begin():
                statements.run(connection, "ops/150_release_activity", activity=name)


def _try(connection: Connection, name: str) -> bool:
    with connection.begin():
        take_role(connection, ENGINE_ROLE)
        return bool(statements.run(connection, "ops/110_try_activity", activity=name).scalar_one())


def _take_fence(connection: Connection, name: str, holder: str) -> int:
    try:
        with connection.begin():
            take_role(connection, ENGINE_ROLE)
            taken = statements.run(connection, "ops/120_take_fence", activity=name, holder=holder)
            return int(taken.scalar_one())
    except DBAPIError as error:
        if sqlstate(error) != _LOCK_NOT_AVAILABLE:
            raise
        # The earlier holder lost its session but is still inside a transaction that checked its fence.
        with connection.begin():
            take_role(connection, ENGINE_ROLE)
            raise _busy(connection, name) from error


def _busy(connection: Connection, name: str) -> ActivityBusy:
    row = statements.run(connection, "ops/130_read_holder", activity=name).first()
    return (
        ActivityBusy(name, "another process", None) if row is None else ActivityBusy(name, row.holder, row.acquired_at)
    )
