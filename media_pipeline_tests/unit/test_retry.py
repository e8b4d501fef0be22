"""How long a read waits before it is tried again."""

from __future__ import annotations

import pytest

from media_pipeline.errors import RemoteUnavailable
from media_pipeline.remote.retry import repeating


def pauses(tries: int) -> list[float]:
    """The pauses of a read that never gets better, on a clock that does not run."""
    waited: list[float] = []

    def fail() -> None:
        raise RemoteUnavailable("away", call="ping")

    with pytest.raises(RemoteUnavailable):
        repeating("ping", retries=tries, base_seconds=1).copy(sleep=waited.append)(fail)
    return waited


def test_pauses_are_random_below_a_bound_that_doubles_up_to_thirty_seconds() -> None:
    bounds = [1, 2, 4, 8, 16, 30, 30, 30]
    rounds = [pauses(len(bounds)) for _ in range(200)]

    for bound, waited in zip(bounds, zip(*rounds, strict=True), strict=True):
        assert 0 <= min(waited) < bound / 4
        assert bound * 3 / 4 < max(waited) <= bound


def test_many_readers_do_not_come_back_at_the_same_moment() -> None:
    assert len({tuple(pauses(3)) for _ in range(50)}) == 50
