"""A sync that is stopped anywhere loses nothing, and two at once never write over each other."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest
from sqlalchemy import Connection, Engine, event

from media_pipeline.db import locks
from media_pipeline.errors import ActivityBusy
from media_pipeline_tests.mirror.conftest import Rig


class Crash(BaseException):
    """The process dies here."""


@contextmanager
def crash_after_commit(engine: Engine, number: int) -> Iterator[list[int]]:
    """Die in the *number*-th transaction when all its work is done and its commit is about to be sent.

    Yields:
        A list whose length is the number of transactions seen.
    """
    seen: list[int] = []
    lock = threading.Lock()

    def count(_: Connection) -> None:
        with lock:
            seen.append(1)
            if len(seen) >= number:
                raise Crash

    event.listen(engine, "commit", count)
    try:
        yield seen
    finally:
        event.remove(engine, "commit", count)


def outsider_works(rig: Rig, round_: int) -> None:
    """Creates, overwrites and deletes a little, so that every step has something to do."""
    names = [f"r{round_}-{number}" for number in range(3)]
    ids = [rig.upload(name, colour=round_ * 10 + number) for number, name in enumerate(names)]
    rig.upload("constant", colour=round_)
    with rig.client() as outsider:
        outsider.delete_assets(ids[:1])


def expected(rig: Rig) -> set[str]:
    """Names that the cloud itself lists."""
    with rig.client() as client:
        found = client.search("resource_type:image", fields=["public_id"], sort_by=[], cursor=None, max_results=500)
    return {item["public_id"] for item in msgspec.json.decode(found.body)["resources"]}


@pytest.mark.slow
def test_a_sync_stopped_around_each_of_its_transactions_converges_with_the_next(rig: Rig) -> None:
    rig.upload_many(6)
    rig.sync()
    crashes = 0
    for number in itertools.count(1):
        outsider_works(rig, number)
        with crash_after_commit(rig.engine, number) as seen:
            try:
                rig.sync()
            except Crash:
                crashes += 1
        if len(seen) < number:
            break
        if number % 5 == 0:
            rig.sync()
            assert set(rig.live()) == expected(rig)
    rig.sync()

    assert crashes > 20
    assert set(rig.live()) == expected(rig)
    assert "constant" in rig.live()
    assert rig.query(
        "select count(*) from media_assets m where row_version <>"
        " (select count(*) from media_sync_log l where l.asset_id = m.asset_id)"
    ) == [(0,)]


KILLED = textwrap.dedent("""
    import os, signal, sys
    from sqlalchemy import event
    from media_pipeline import diff, listing, mirror, settings as settings_module
    from media_pipeline.budget import Ledger
    from media_pipeline.db.engine import create_engine
    from media_pipeline.ops import runs
    from media_pipeline.progress import Silent
    from media_pipeline.remote.client import CloudinaryClient
    from media_pipeline.vocabulary import RunKind

    engine = create_engine(sys.argv[1], pool_size=4)
    left = [int(sys.argv[2])]

    def count(_):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(engine, "commit", count)
    settings = settings_module.load(listing_page_size=5, delivery_types="upload", deletion_limit_count=3)
    ledger = Ledger(engine, {})
    with CloudinaryClient(settings.cloud, settings=settings, budget=ledger, refuse_emulator=False) as client:
        with runs.running(engine, RunKind.FULL_SYNC, actor="cli:killed", dagster_run_id=None) as run_id:
            with mirror.taking_over(engine, settings, progress=Silent()) as taker:
                listing.walk(engine, client, settings, run_id=run_id, progress=Silent(), on_page=taker.take)
            mirror.refresh(engine, client, settings, run_id=run_id, progress=Silent())
            diff.compute(engine, settings, run_id=run_id)
            diff.apply(engine, settings, run_id=run_id, progress=Silent())
""")


@pytest.mark.slow
@pytest.mark.parametrize("transactions", [3, 8, 13, 18, 23, 28])
def test_a_killed_process_leaves_what_the_next_one_finishes(rig: Rig, database_url: str, transactions: int) -> None:
    rig.upload_many(12)
    environment = {**os.environ, "CLOUDINARY_URL": rig.endpoints.cloudinary_url}

    killed = subprocess.run(
        [sys.executable, "-c", KILLED, database_url, str(transactions)], env=environment, check=False, timeout=60
    )
    with rig.engine.begin() as connection:
        # A run of the last minute may be one that has just begun.
        connection.exec_driver_sql("update ops.run set started_at = started_at - interval '2 minutes'")
    rig.sync()

    assert killed.returncode == -signal.SIGKILL
    assert len(rig.live()) == 12
    assert rig.query("select state, error from ops.run where actor = 'cli:killed'") == [
        ("failed", "Its process ended without a word, e.g. it was killed.")
    ]


def test_two_syncs_at_once_do_not_overlap(rig: Rig) -> None:
    rig.upload_many(3)

    with (
        locks.activity(rig.engine, "listing image/upload", holder="the other sync"),
        pytest.raises(ActivityBusy, match="the other sync"),
    ):
        rig.sync()

    rig.sync()
    assert len(rig.live()) == 3


def test_two_syncs_that_race_end_equal_and_one_may_say_that_it_is_busy(rig: Rig) -> None:
    rig.upload_many(12)
    errors: list[BaseException] = []

    def one() -> None:
        try:
            rig.sync()
        except ActivityBusy as error:
            errors.append(error)

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert len(errors) < 3
    rig.sync()
    assert len(rig.live()) == 12
    assert rig.query("select count(*), count(distinct asset_id) from media_sync_log where asset_id is not null") == [
        (12, 12)
    ]
