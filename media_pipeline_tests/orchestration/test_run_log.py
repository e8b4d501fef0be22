"""What a run's log tells of progress, and how often."""

from __future__ import annotations

import logging

import pytest

from media_pipeline.orchestration.run_log import RunLog


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(clock: Clock, caplog: pytest.LogCaptureFixture) -> RunLog:
    caplog.set_level(logging.INFO)
    return RunLog(logging.getLogger("a run"), clock=clock)


def test_a_quick_step_says_nothing(log: RunLog, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(100):
        clock.now += 0.09
        log.advance("listing", done=1, assets=500)

    assert caplog.messages == []


def test_a_slow_step_tells_its_sums_every_ten_seconds(
    log: RunLog, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    log.advance("listing", total=40)
    for _ in range(25):
        clock.now += 1
        log.advance("listing", done=1, assets=500)

    assert caplog.messages == ["listing: 10 of 40, 5000 assets", "listing: 20 of 40, 10000 assets"]


def test_a_note_is_told_at_once(log: RunLog, caplog: pytest.LogCaptureFixture) -> None:
    log.note("Waiting for a new allowance.")

    assert caplog.messages == ["Waiting for a new allowance."]
