"""A log with entries in several months, and a hand that may write everything.

Not here: databases (``media_pipeline_tests.database``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, Engine

from media_pipeline import audit
from media_pipeline.db.engine import transaction
from media_pipeline_tests.database import wait_for_older_transactions

ENTRY = """
  insert into public.media_sync_log (
    recorded_at, action, cause, actor, asset_id, media_asset_id, row_version, after, digest)
  select
    t.at, 'updated', 'test', 'cli:test', lpad(n::text, 32, '0'), gen_random_uuid(), 1, jsonb_build_object('n', n),
    sha256('')
  from generate_series(%(first)s::int, %(last)s::int) as n cross join (select %(at)s::timestamptz as at) as t
  order by n
"""
DIGESTS = """
  update public.media_sync_log as l
  set digest = audit.entry_digest(
    action, cause, actor, run_id, asset_id, media_asset_id, row_version, fingerprint, before, after, recorded_at)
  where cause = 'test' and digest = sha256('')
"""


@contextmanager
def tampering(engine: Engine) -> Iterator[Connection]:
    """A transaction of somebody whom no trigger stops."""
    with engine.begin() as connection:
        connection.exec_driver_sql("set local session_replication_role = 'replica'")
        yield connection


@dataclass(frozen=True, slots=True)
class Log:
    """A log that a test fills."""

    engine: Engine

    def make_partitions(self, *months: str) -> None:
        """Partitions of past months, as ``audit.ensure_partitions`` made them in their time."""
        with self.engine.begin() as connection:
            for month in months:
                year, number = map(int, month.split("-"))
                end = f"{year + number // 12}-{number % 12 + 1:02}-01 00:00:00+00"
                name = f"audit.media_sync_log_{year}_{number:02}"
                connection.exec_driver_sql(
                    f"create table {name} partition of public.media_sync_log"
                    f" for values from ('{month}-01 00:00:00+00') to ('{end}')"
                )
                connection.exec_driver_sql(f"alter table {name} enable row level security")

    def append(self, count: int, at: datetime | None = None, *, first: int = 1) -> None:
        """Entries of one transaction, as of a time, each of an asset of its own: ``first`` to ``first + count - 1``."""
        with tampering(self.engine) as connection:
            connection.exec_driver_sql(
                ENTRY, {"first": first, "last": first + count - 1, "at": at or datetime.now(UTC)}
            )
            connection.exec_driver_sql(DIGESTS)

    def seal(self) -> int:
        """Seal all of it; returns how many entries."""
        wait_for_older_transactions(self.engine)
        return audit.seal(self.engine, holder="a test")


@pytest.fixture
def log(engine: Engine) -> Log:
    with transaction(engine) as connection:
        audit.prepare(connection)
    return Log(engine)


def asset(number: int) -> str:
    """The asset_id of the entry with a number."""
    return f"{number:032}"
