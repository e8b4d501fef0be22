"""One holder an activity, and nobody writes after it was taken over."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import psycopg
import pytest
from sqlalchemy import Engine, text

from media_pipeline.db.engine import create_engine, transaction
from media_pipeline.db.locks import Fence, activity
from media_pipeline.errors import ActivityBusy, Fenced
from media_pipeline.settings import child_environment

_HOLD_UNTIL_KILLED = """
import sys, time
from media_pipeline.db.engine import create_engine
from media_pipeline.db.locks import activity

with activity(create_engine(sys.argv[1]), "apply", holder="doomed"):
    print("held", flush=True)
    sys.stdin.read()
"""


def _kill_the_lock_session(engine: Engine) -> None:
    with transaction(engine, role=None) as connection:
        connection.execute(
            text(
                "select pg_terminate_backend(pid, 5000) from pg_locks where locktype = 'advisory' and granted"
                " and database = (select oid from pg_database where datname = current_database())"
            )
        )


def test_a_taken_activity_names_its_holder(engine: Engine) -> None:
    with (
        activity(engine, "apply", holder="first"),
        pytest.raises(ActivityBusy) as refused,
        activity(engine, "apply", holder="second"),
    ):
        pass

    assert refused.value.holder == "first"
    assert refused.value.since is not None
    assert refused.value.since.utcoffset() is not None


def test_who_has_patience_waits_for_the_other_to_end(engine: Engine) -> None:
    is_held, entered = threading.Event(), threading.Event()

    def hold() -> None:
        with activity(engine, "apply", holder="first"):
            is_held.set()
            assert not entered.wait(0.6)

    first = threading.Thread(target=hold)
    first.start()
    assert is_held.wait(10)
    with activity(engine, "apply", holder="second", wait_seconds=30):
        entered.set()
    first.join(10)
    assert not first.is_alive()


def test_different_activities_do_not_meet(engine: Engine) -> None:
    with (
        activity(engine, "listing image/upload", holder="a"),
        activity(engine, "listing raw/upload", holder="b"),
    ):
        pass


def test_an_activity_can_be_taken_again_at_once_with_a_greater_fence(engine: Engine) -> None:
    with activity(engine, "apply", holder="first") as before:
        pass
    with activity(engine, "apply", holder="second") as after:
        assert after.number > before.number


def test_the_activity_is_released_when_its_block_fails(engine: Engine) -> None:
    with pytest.raises(LookupError), activity(engine, "apply", holder="first"):
        raise LookupError
    with activity(engine, "apply", holder="second"):
        pass


def test_the_lock_takes_no_connection_of_the_pool(database_url: str) -> None:
    small = create_engine(database_url, pool_size=1)
    with activity(small, "apply", holder="only") as fence, transaction(small) as connection:
        fence.check(connection)
    small.dispose()


def test_a_valid_fence_lets_its_holder_write(engine: Engine) -> None:
    with activity(engine, "apply", holder="first") as fence, transaction(engine) as connection:
        fence.check(connection)


def test_a_holder_that_was_taken_over_writes_nothing(engine: Engine) -> None:
    def write_late(fence: Fence) -> None:
        with transaction(engine) as connection:
            connection.execute(text("insert into ops.setting (name, value, changed_by) values ('late', '1', 'test')"))
            fence.check(connection)

    with activity(engine, "apply", holder="first") as stale:
        _kill_the_lock_session(engine)
        with activity(engine, "apply", holder="second"), pytest.raises(Fenced) as refused:
            write_late(stale)

    assert refused.value.fence == stale.number
    with transaction(engine) as connection:
        assert connection.execute(text("select count(*) from ops.setting")).scalar_one() == 0


def test_a_fence_of_an_activity_that_was_never_taken_is_refused(engine: Engine) -> None:
    with pytest.raises(Fenced), transaction(engine) as connection:
        Fence("unknown", 1, "nobody").check(connection)


def test_a_new_holder_waits_for_a_transaction_that_checked_the_earlier_fence(engine: Engine) -> None:
    order: list[str] = []
    taken = threading.Event()

    def take_over() -> None:
        with activity(engine, "apply", holder="second"):
            order.append("taken over")
            taken.set()

    with activity(engine, "apply", holder="first") as fence:
        with transaction(engine) as connection:
            fence.check(connection)
            _kill_the_lock_session(engine)
            thread = threading.Thread(target=take_over)
            thread.start()
            _wait_for_a_blocked_session(engine)
            order.append("committed")
        thread.join(30)

    assert order == ["committed", "taken over"]
    assert taken.is_set()


def test_a_new_holder_does_not_wait_for_ever_for_such_a_transaction(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = "select set_config('lock_timeout', '50ms', false)"
    with activity(engine, "apply", holder="first") as fence, transaction(engine) as connection:
        fence.check(connection)
        _kill_the_lock_session(engine)
        monkeypatch.setattr("media_pipeline.db.engine.source", lambda name: impatient)
        with pytest.raises(ActivityBusy) as refused, activity(engine, "apply", holder="second"):
            pass
        monkeypatch.undo()

    assert refused.value.holder == "first"
    with activity(engine, "apply", holder="second"):
        pass


def _wait_for_a_blocked_session(engine: Engine) -> None:
    blocked = text(
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    )
    for _ in range(1000):
        with transaction(engine, role=None) as connection:
            if connection.execute(blocked).scalar_one():
                return
            connection.execute(text("select pg_sleep(0.01)"))
    pytest.fail("nobody waits")


def test_the_activity_is_free_after_its_process_was_killed(engine: Engine, database_url: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD_UNTIL_KILLED, database_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=child_environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(ActivityBusy) as refused, activity(engine, "apply", holder="heir"):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        _wait_until_no_advisory_lock(database_url)

    assert refused.value.holder == "doomed"
    with activity(engine, "apply", holder="heir"):
        pass


def _wait_until_no_advisory_lock(database_url: str) -> None:
    held = """
      select count(*) from pg_locks
      where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())
    """
    with psycopg.connect(database_url, autocommit=True) as connection:
        for _ in range(1000):
            row = connection.execute(held).fetchone()
            if row == (0,):
                return
            connection.execute("select pg_sleep(0.01)")
    pytest.fail("the lock outlived its process")
