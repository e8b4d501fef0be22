"""Two processes do the same work: at once, or one of them wakes up after it was given up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from media_pipeline.emulator.faults import Kind
from media_pipeline.errors import ActivityBusy, Fenced
from media_pipeline.remote.calls import RawPage
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.settings import child_environment
from media_pipeline.vocabulary import ResourceType, Slice
from media_pipeline_tests.mirror.conftest import Rig
from media_pipeline_tests.scenarios.both_sides import require_equal

SLEEPER = textwrap.dedent("""
    import signal, sys, threading

    from media_pipeline import diff, listing, mirror, settings as settings_module
    from media_pipeline.budget import Ledger
    from media_pipeline.db import locks
    from media_pipeline.db.engine import create_engine
    from media_pipeline.errors import Fenced
    from media_pipeline.listing import checkpoint
    from media_pipeline.ops import runs
    from media_pipeline.progress import Silent
    from media_pipeline.remote.client import CloudinaryClient
    from media_pipeline.vocabulary import RunKind

    url, sleeps_in, is_fenced = sys.argv[1], sys.argv[2], sys.argv[3] == "fenced"

    def sleep():
        # To this thread, so that it does not get one step further.
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)

    break_run = checkpoint.break_run
    check = locks.Fence.check
    checks_of_apply = []

    def sleep_and_break(*arguments):
        sleep()
        break_run(*arguments)

    def sleep_and_check(fence, connection):
        if fence.activity == "apply":
            checks_of_apply.append(fence)
            # The first one is that of the comparison; now the first batch is about to be applied.
            if len(checks_of_apply) == 2:
                sleep()
        check(fence, connection)

    if sleeps_in == "listing":
        checkpoint.break_run = sleep_and_break
        if not is_fenced:
            locks.Fence.check = lambda fence, connection: None
    else:
        locks.Fence.check = sleep_and_check

    engine = create_engine(url, pool_size=4)
    settings = settings_module.load(listing_page_size=5, delivery_types="upload", resource_types="image", retries=0)
    try:
        with CloudinaryClient(
            settings.cloud, settings=settings, budget=Ledger(engine, {}), refuse_emulator=False
        ) as client, runs.running(engine, RunKind.FULL_SYNC, actor="cli:sleeper", dagster_run_id=None) as run_id:
            listing.walk(engine, client, settings, run_id=run_id, progress=Silent())
            mirror.refresh(engine, client, settings, run_id=run_id, progress=Silent())
            diff.compute(engine, settings, run_id=run_id)
            diff.apply(engine, settings, run_id=run_id, progress=Silent())
    except Fenced:
        sys.exit(4)
""")
FENCED = 4


@contextmanager
def sleeper(
    rig: Rig, database_url: str, sleeps_in: str, *, is_fenced: bool = True
) -> Iterator[subprocess.Popen[bytes]]:
    """A sync in a process of its own that is paused in mid-work."""
    environment = child_environment(CLOUDINARY_URL=rig.endpoints.cloudinary_url)
    arguments = [database_url, sleeps_in, "fenced" if is_fenced else "not fenced"]
    with subprocess.Popen([sys.executable, "-c", SLEEPER, *arguments], env=environment) as process:
        try:
            deadline = time.monotonic() + 60
            while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:
                assert process.poll() is None, "it ended instead of being paused"
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield process
        finally:
            process.kill()


def lose_the_locks(rig: Rig) -> None:
    """The sessions that hold them end, as those of a machine do that nobody can reach any more."""
    with rig.engine.begin() as connection:
        connection.exec_driver_sql(
            "select pg_terminate_backend(pid, 5000) from pg_locks where locktype = 'advisory' and granted"
            " and database = (select oid from pg_database where datname = current_database())"
        )


def wake(process: subprocess.Popen[bytes]) -> int:
    """Let it go on to its end; returns its code."""
    os.kill(process.pid, signal.SIGCONT)
    return process.wait(timeout=60)


@contextmanager
def before_the_last_page(act: Any) -> Iterator[None]:
    """Act once, when our own walk of the images is in its middle."""
    list_page = CloudinaryClient.list_page
    acted: list[bool] = []

    def listed(client: CloudinaryClient, slice_: Slice, **paging: Any) -> RawPage:
        if slice_.resource_type is ResourceType.IMAGE and not acted:
            acted.append(True)
            act()
        return list_page(client, slice_, **paging)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CloudinaryClient, "list_page", listed)
        yield
    assert acted


def play_a_walk_that_wakes_up_in_the_middle_of_another(rig: Rig, database_url: str, *, is_fenced: bool) -> int:
    """Its second page was no good, so it is about to call the walk broken, which another process has taken over."""
    rig.upload_many(12)
    rig.break_lists(Kind.ERROR_WITH_200, first=2, times=1)
    with sleeper(rig, database_url, "listing", is_fenced=is_fenced) as paused:
        lose_the_locks(rig)
        codes: list[int] = []
        with before_the_last_page(lambda: codes.append(wake(paused))):
            synced = rig.sync()

    assert not synced.listing.problems
    assert rig.query("select state from landing.listing_run where resource_type = 'image'") == [("closed",)]
    require_equal(rig)
    return codes[0]


def test_a_walk_that_was_paused_past_its_lock_writes_nothing_when_it_wakes(rig: Rig, database_url: str) -> None:
    assert play_a_walk_that_wakes_up_in_the_middle_of_another(rig, database_url, is_fenced=True) == FENCED


def test_control_without_the_fence_it_breaks_the_walk_of_its_successor(rig: Rig, database_url: str) -> None:
    with pytest.raises((AssertionError, Fenced)):
        play_a_walk_that_wakes_up_in_the_middle_of_another(rig, database_url, is_fenced=False)
    assert ("broken",) in rig.query("select state from landing.listing_run where resource_type = 'image'")


def test_changes_that_were_found_before_a_pause_past_the_lock_are_not_applied_after_it(
    rig: Rig, database_url: str
) -> None:
    rig.upload_many(12)
    with sleeper(rig, database_url, "apply") as paused:
        lose_the_locks(rig)
        rig.upload("p0003", colour=900, tags=["newer"])
        rig.sync()
        before = rig.query("select asset_id, row_version, updated_at from media_assets order by 1")
        assert wake(paused) == FENCED

    assert rig.query("select asset_id, row_version, updated_at from media_assets order by 1") == before
    actors = "select distinct r.actor from media_sync_log l join ops.run r on r.id = l.run_id"
    assert rig.query(actors) == [("cli:test",)]
    require_equal(rig)


def test_a_second_process_is_told_who_is_at_work_and_nothing_waits_for_it(rig: Rig, database_url: str) -> None:
    """While the first one lives its lock holds, however long it is paused."""
    rig.upload_many(12)
    with sleeper(rig, database_url, "apply") as paused:
        with pytest.raises(ActivityBusy, match=f"process {paused.pid}"):
            rig.sync()
        assert wake(paused) == 0

    assert len(rig.live()) == 12
    require_equal(rig)
