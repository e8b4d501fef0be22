"""Postgres stops in the middle of a page, or its disk is full."""

from __future__ import annotations

import re
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
from sqlalchemy import event

from media_pipeline.db.embedded import EmbeddedServer
from media_pipeline.db.engine import create_engine
from media_pipeline.db.migrate import upgrade
from media_pipeline.emulator.config import Endpoints
from media_pipeline.emulator.control import ControlClient
from media_pipeline.errors import DatabaseFull, DatabaseUnreachable
from media_pipeline.ops import holds
from media_pipeline_tests.mirror.conftest import Rig
from media_pipeline_tests.scenarios.both_sides import falsely_deleted, require_equal

TABLES = ["landing.listing_page", "mirror.remote_asset", "public.media_assets"]
"""Where a page, its content and its rows are written: the three steps of a sync."""


def work_of_an_outsider(rig: Rig) -> None:
    """A little of everything, so that every step has something to write."""
    ids = rig.upload_many(6, prefix="new")
    rig.upload("p0003", colour=950, tags=["overwritten"])
    with rig.client() as outsider:
        outsider.delete_assets([*ids[:1], rig.upload("p0002", colour=2)])


@contextmanager
def before_the_next_write(rig: Rig, table: str, act: Callable[[], None]) -> Iterator[None]:
    """Act once, in the transaction that is about to write *table*."""
    writes = re.compile(rf"\b(insert into|update) {re.escape(table)}\b")
    lock = threading.Lock()
    acted: list[str] = []

    def look(_: Any, __: Any, statement: str, *___: Any) -> None:
        if writes.search(statement):
            with lock:
                if not acted:
                    acted.append(statement)
                    act()

    event.listen(rig.engine, "before_cursor_execute", look)
    try:
        yield
    finally:
        event.remove(rig.engine, "before_cursor_execute", look)
    assert acted


def crash(home: Path) -> None:
    """The server stops at once, as with the power; what it has not synced to its log is lost."""
    postmaster = psutil.Process(int((home / "postgres" / "postmaster.pid").read_text().split()[0]))
    postmaster.send_signal(signal.SIGQUIT)
    postmaster.wait(timeout=60)


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES)
def test_a_server_that_crashes_in_mid_work_and_comes_back_has_lost_nothing(
    cloud: Endpoints, control: ControlClient, rig: Rig, table: str
) -> None:
    # The server of the other tests must live on, and does not sync.
    with tempfile.TemporaryDirectory(prefix="mp-crash-") as place:
        home = Path(place)
        with EmbeddedServer(home) as server:
            engine = create_engine(server.url, pool_size=4)
            upgrade(engine)
            ours = Rig(engine, cloud, control, rig.settings)
            ours.upload_many(12)
            ours.sync()
            work_of_an_outsider(ours)

            with (
                before_the_next_write(ours, table, lambda: crash(home)),
                pytest.raises(DatabaseUnreachable),
            ):
                ours.sync()
            with EmbeddedServer(home):
                assert falsely_deleted(ours) == []
                ours.sync()
                require_equal(ours)
                assert holds.list_holds(engine) == []
            engine.dispose()


@contextmanager
def full_disk_under(rig: Rig, table: str) -> Iterator[None]:
    """The kernel answers 'No space left on device' to each write of *table*: its file leads to ``/dev/full``.

    So the error is Postgres's own, of class 53100, on the road of a real one. The table has to be empty.
    """
    found = rig.query(
        "select current_setting('data_directory'), pg_relation_filepath(%(name)s::regclass),"
        " pg_relation_size(%(name)s::regclass)",
        name=table,
    )
    ((directory, path, size),) = found
    assert size == 0
    file = Path(directory, path)
    aside = file.with_name(f"{file.name}.aside")
    rig.engine.dispose()
    file.rename(aside)
    file.symlink_to("/dev/full")
    try:
        yield
    finally:
        rig.engine.dispose()
        file.unlink()
        aside.rename(file)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /dev/full")
@pytest.mark.parametrize("table", TABLES)
def test_a_full_disk_stops_with_its_reason_and_the_next_sync_goes_on_when_there_is_room(
    rig: Rig, request: pytest.FixtureRequest, table: str
) -> None:
    if request.node.callspec.params["postgres"] != "embedded":
        pytest.skip("the files of that server are out of reach")
    rig.upload_many(12)

    with full_disk_under(rig, table):
        for _ in range(2):
            with pytest.raises(DatabaseFull, match="No space left on device") as stopped:
                rig.sync()

            assert "Make room" in stopped.value.hint

    # What was not kept is no absence.
    assert (rig.live(), rig.deleted(), holds.list_holds(rig.engine)) == ({}, set(), [])
    rig.sync()
    assert len(rig.live()) == 12
    require_equal(rig)
