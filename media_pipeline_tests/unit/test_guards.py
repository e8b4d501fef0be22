"""The rule for mass deletions: its limits to the number, and what holds for every number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pipeline.guards import DeletionLimit, Verdict, judge_absence, judge_deletions

DEFAULT = DeletionLimit(count=25, share=0.05)

counts = st.integers(min_value=0, max_value=10**9)
limits = st.builds(
    DeletionLimit, count=st.integers(min_value=0, max_value=10**7), share=st.floats(min_value=0, max_value=1)
)


@pytest.mark.parametrize(
    ("total", "expected"),
    [(0, 25), (1, 25), (499, 25), (500, 25), (519, 25), (520, 26), (1_000, 50), (1_000_000, 50_000)],
)
def test_the_limit_is_the_larger_of_count_and_share(total: int, expected: int) -> None:
    assert DEFAULT.of(total) == expected


@pytest.mark.parametrize("total", [0, 1, 24, 25, 26, 500, 520, 1_000, 999_999])
def test_the_limit_itself_passes_and_one_more_does_not(total: int) -> None:
    allowed = DEFAULT.of(total)

    assert judge_deletions(allowed, total, DEFAULT).passes
    assert not judge_deletions(allowed + 1, total, DEFAULT).passes


def test_a_limit_of_nothing_lets_nothing_through() -> None:
    nothing = DeletionLimit(count=0, share=0)

    assert judge_deletions(0, 1_000_000, nothing).passes
    assert not judge_deletions(1, 1_000_000, nothing).passes


def test_a_limit_of_everything_lets_everything_through_but_the_loss_of_a_whole_slice() -> None:
    everything = DeletionLimit(count=0, share=1)

    assert judge_deletions(7, 7, everything).passes
    assert judge_absence(6, 7, listed=1, limit=everything).passes
    assert not judge_absence(7, 7, listed=1, limit=everything).passes
    assert not judge_absence(7, 7, listed=0, limit=everything).passes


def test_what_passes_has_no_reason_and_what_is_stopped_says_the_figures() -> None:
    assert judge_deletions(25, 100, DEFAULT) == Verdict(passes=True, reason="")

    stopped = judge_deletions(60, 200, DEFAULT)

    assert "60 of 200" in stopped.reason
    assert "30%" in stopped.reason
    assert "at most 25" in stopped.reason


def test_deletions_out_of_nothing_are_told_as_all_of_it() -> None:
    assert "26 of 0 assets (100%)" in judge_deletions(26, 0, DEFAULT).reason


@pytest.mark.parametrize(("suspects", "listed", "passes"), [(0, 0, True), (1, 0, False), (1, 1, True), (3, 0, False)])
def test_one_missing_asset_of_an_empty_listing_is_enough_to_stop(suspects: int, listed: int, passes: bool) -> None:
    assert judge_absence(suspects, total=3, listed=listed, limit=DEFAULT).passes is passes


def test_a_listing_of_nothing_but_remnants_is_stopped_and_says_so() -> None:
    verdict = judge_absence(3, total=3, listed=3, limit=DEFAULT)

    assert not verdict.passes
    assert "none of the 3 that are live here" in verdict.reason
    assert "backups" in verdict.reason


def test_an_empty_listing_is_named_as_the_reason_with_what_it_would_cost() -> None:
    reason = judge_absence(3, total=3, listed=0, limit=DEFAULT).reason

    assert "empty" in reason
    assert "3 assets are live" in reason


@given(suspects=counts.filter(bool), total=counts, limit=limits)
def test_an_empty_listing_over_live_rows_never_passes(suspects: int, total: int, limit: DeletionLimit) -> None:
    assert not judge_absence(suspects, max(suspects, total), listed=0, limit=limit).passes


@given(fewer=counts, more=counts, total=counts, limit=limits)
def test_fewer_deletions_never_fare_worse(fewer: int, more: int, total: int, limit: DeletionLimit) -> None:
    fewer, more = sorted((fewer, more))

    assert judge_deletions(fewer, total, limit).passes >= judge_deletions(more, total, limit).passes


@given(deletions=counts, smaller=counts, larger=counts, limit=limits)
def test_a_larger_slice_never_fares_worse(deletions: int, smaller: int, larger: int, limit: DeletionLimit) -> None:
    smaller, larger = sorted((smaller, larger))

    assert judge_deletions(deletions, larger, limit).passes >= judge_deletions(deletions, smaller, limit).passes


@given(deletions=counts, total=counts, tighter=limits, wider=limits)
def test_a_tighter_limit_never_lets_more_through(
    deletions: int, total: int, tighter: DeletionLimit, wider: DeletionLimit
) -> None:
    wider = DeletionLimit(max(tighter.count, wider.count), max(tighter.share, wider.share))

    assert judge_deletions(deletions, total, tighter).passes <= judge_deletions(deletions, total, wider).passes


@given(suspects=counts, total=counts, listed=counts, limit=limits)
def test_absence_is_judged_at_least_as_strictly_as_deletions(
    suspects: int, total: int, listed: int, limit: DeletionLimit
) -> None:
    assert judge_absence(suspects, total, listed, limit).passes <= judge_deletions(suspects, total, limit).passes


@given(total=counts, limit=limits)
def test_no_more_is_allowed_than_the_count_or_the_share_says(total: int, limit: DeletionLimit) -> None:
    allowed = limit.of(total)

    assert allowed >= limit.count
    assert allowed <= max(limit.count, limit.share * total)
    assert allowed > limit.share * total - 1


@given(suspects=counts, total=counts, listed=counts, limit=limits)
def test_a_reason_is_given_exactly_when_something_is_stopped(
    suspects: int, total: int, listed: int, limit: DeletionLimit
) -> None:
    verdict = judge_absence(suspects, total, listed, limit)

    assert bool(verdict.reason) is not verdict.passes
