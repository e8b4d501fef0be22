"""The canary: made, touched, heard of, proved; and what its silence says."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Engine

from media_pipeline import canary
from media_pipeline.canary import PUBLIC_ID, Touch
from media_pipeline.db.engine import read_only, transaction
from media_pipeline.errors import ConfigurationError
from media_pipeline.reads.lag import Gap, Lag, list_gaps, read_lag
from media_pipeline.vocabulary import ResourceType
from media_pipeline_tests.arriving.conftest import HearingRig


def touch(rig: HearingRig) -> Touch:
    with rig.client() as client:
        return canary.touch(rig.engine, client, rig.settings, run_id=None)


def lag_of(rig: HearingRig) -> Lag:
    canary.settle(rig.engine)
    with read_only(rig.engine) as connection:
        return read_lag(connection)


def bring(rig: HearingRig) -> None:
    rig.receive(rig.messages())
    rig.drain()
    rig.read()


def test_a_touch_makes_the_canary_and_the_whole_way_back_proves_it(rig: HearingRig) -> None:
    rig.sync()
    rig.listen()

    first = touch(rig)
    assert first.is_new
    assert lag_of(rig).last_proved_at is None

    bring(rig)
    second = touch(rig)
    assert (second.is_new, second.asset_id) == (False, first.asset_id)
    bring(rig)

    lag = lag_of(rig)
    assert (lag.touch_count, lag.applied_count, lag.notified_count) == (2, 2, 2)
    assert lag.last_proved_at is not None
    assert lag.last_proved_at == lag.last_touched_at
    assert lag.applied_p95_seconds is not None
    assert lag.notified_p95_seconds is not None
    assert 0 < lag.notified_p95_seconds < lag.applied_p95_seconds
    assert rig.query("select context from media_assets where public_id = %(p)s", p=PUBLIC_ID) == [
        ({"touched": str(second.id)},)
    ]


def test_a_change_that_is_not_read_proves_nothing(rig: HearingRig) -> None:
    rig.sync()
    rig.listen()
    touch(rig)
    rig.receive(rig.messages())
    rig.drain()

    lag = lag_of(rig)
    assert (lag.notified_count, lag.applied_count, lag.last_proved_at) == (1, 0, None)


def test_a_later_touch_proves_those_before_it(rig: HearingRig) -> None:
    rig.sync()
    for _ in range(3):
        touch(rig)

    rig.sync()

    lag = lag_of(rig)
    assert (lag.applied_count, lag.notified_count) == (3, 0)


def test_a_canary_that_somebody_deleted_comes_back(rig: HearingRig) -> None:
    rig.sync()
    first = touch(rig)
    rig.sync()
    with rig.client() as client:
        client.delete_assets([first.asset_id])

    again = touch(rig)
    rig.sync()

    assert again.is_new
    assert lag_of(rig).last_proved_at == lag_of(rig).last_touched_at


def test_where_its_slice_is_not_mirrored_it_says_so(rig: HearingRig) -> None:
    settings = rig.settings.model_copy(update={"resource_types": (ResourceType.IMAGE,)})

    with rig.client() as client, pytest.raises(ConfigurationError) as error:
        canary.touch(rig.engine, client, settings, run_id=None)

    assert "MEDIA_PIPELINE_CANARY=false" in error.value.hint
    assert rig.query("select count(*) from ops.canary_touch") == [(0,)]


def write_touches(engine: Engine, *rows: tuple[int, bool]) -> None:
    """Touches so many minutes ago, notified or not."""
    with transaction(engine) as connection:
        for minutes, is_notified in rows:
            connection.exec_driver_sql(
                "insert into ops.canary_touch (asset_id, touched_at, is_sent, notified_at)"
                " select repeat('a', 32), t.at, true, case when %(heard)s then t.at end"
                " from (select now() - make_interval(mins => %(minutes)s) as at) as t",
                {"minutes": minutes, "heard": is_notified},
            )


def gaps(engine: Engine) -> list[tuple[int, int | None, int]]:
    """Minutes ago from and to, and lost touches."""
    with read_only(engine) as connection:
        now = datetime.now(UTC)

        def minutes(at: datetime) -> int:
            return round((now - at).total_seconds() / 60)

        return [
            (minutes(gap.from_at), None if gap.to_at is None else minutes(gap.to_at), gap.lost_count)
            for gap in list_gaps(connection, is_wanted=True)
        ]


def test_touches_that_all_come_back_leave_no_gap(engine: Engine) -> None:
    assert gaps(engine) == []
    write_touches(engine, (40, True), (30, True), (20, True), (10, False))
    assert gaps(engine) == []


def test_lost_notifications_are_a_gap_between_two_proofs(engine: Engine) -> None:
    write_touches(engine, (70, True), (60, False), (50, False), (40, True), (30, True), (20, True), (5, True))

    assert gaps(engine) == [(70, 40, 2)]


def test_a_gap_goes_on_until_something_is_heard(engine: Engine) -> None:
    write_touches(engine, (60, True), (50, True), (40, False), (30, False), (10, False))

    assert gaps(engine) == [(50, None, 2)]


def test_a_long_silence_is_a_gap_even_if_nothing_was_lost(engine: Engine) -> None:
    write_touches(engine, (300, True), (100, True), (60, True), (30, True), (1, True))

    assert gaps(engine) == [(300, 100, 0)]


def test_notifications_that_never_worked_are_a_gap_from_the_first_touch_on(engine: Engine) -> None:
    write_touches(engine, (50, False), (40, False), (10, False))

    assert gaps(engine) == [(50, None, 2)]


def test_where_nothing_was_ever_heard_and_nobody_wants_to_hear_there_is_no_gap(engine: Engine) -> None:
    write_touches(engine, (50, False), (40, False), (10, False))

    with read_only(engine) as connection:
        assert list_gaps(connection) == ()


@pytest.mark.parametrize(("started", "is_repaired"), [(45, False), (20, True)])
def test_a_full_sync_that_began_after_a_gap_repairs_it(engine: Engine, started: int, is_repaired: bool) -> None:
    write_touches(engine, (70, True), (60, False), (40, True), (20, True), (10, True))
    with transaction(engine) as connection:
        connection.exec_driver_sql(
            "insert into ops.run (kind, actor, state, started_at, finished_at)"
            " values ('full_sync', 'cli:test', 'succeeded', now() - make_interval(mins => %(m)s), now())",
            {"m": started},
        )

    assert bool(gaps(engine)) is not is_repaired


def test_a_gap_names_its_days() -> None:
    gap = Gap(datetime(2026, 3, 1, 23, 50, tzinfo=UTC), datetime(2026, 3, 3, 0, 5, tzinfo=UTC), 3)
    assert gap.days(date(2026, 4, 1)) == (date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3))

    open_gap = Gap(datetime(2026, 3, 1, 23, 50, tzinfo=UTC), None, 3)
    assert open_gap.days(date(2026, 3, 2)) == (date(2026, 3, 1), date(2026, 3, 2))
