"""The allowance is spent, the service stumbles or answers by drops, or the key is refused, in the middle of a walk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.errors import RemoteForbidden, RemoteRejectedKey
from media_pipeline_tests.mirror.conftest import Rig
from media_pipeline_tests.scenarios.both_sides import require_equal

MINUTES = 10


def told_by(how: str) -> dict[str, Any]:
    """An answer that says, or does not say, when there is a new allowance: in ten minutes."""
    reset_at = datetime.now(UTC) + timedelta(minutes=MINUTES)
    rate = {"X-FeatureRateLimit-Limit": "500", "X-FeatureRateLimit-Remaining": "0"}
    match how:
        case "header":
            return {"headers": rate | {"X-FeatureRateLimit-Reset": format_datetime(reset_at, usegmt=True)}}
        case "message":
            return {"message": f"Rate Limit Exceeded. Try again on {reset_at:%F %T} UTC"}
        case "retry-after":
            return {"headers": {"Retry-After": str(60 * MINUTES)}}
        case _:
            return {"message": "Too many requests"}


def walked_pages(rig: Rig) -> int:
    """Requests for pages of images since the journal was cleared."""
    return sum(entry.path.endswith("/resources/image/upload") for entry in rig.control.journal())


@pytest.mark.parametrize("status", [420, 429])
@pytest.mark.parametrize("how", ["header", "message", "retry-after", "nothing"])
def test_a_spent_allowance_is_waited_for_without_a_failure_and_without_reading_a_page_twice(
    rig: Rig, how: str, status: int
) -> None:
    rig.upload_many(12)
    rig.break_lists(Kind.STATUS, status=status, first=2, times=1, **told_by(how))
    rig.control.clear_journal()

    synced = rig.sync()

    assert not synced.listing.problems
    assert rig.naps
    longest = max(rig.naps)
    if how == "nothing":
        # Then it is the next full hour.
        assert 0 < longest <= 3601
    else:
        assert 60 * MINUTES - 60 < longest <= 60 * MINUTES + 2
    assert walked_pages(rig) == 3 + 1
    require_equal(rig)


def test_an_allowance_that_comes_too_late_ends_the_run_and_the_next_one_goes_on_at_the_checkpoint(rig: Rig) -> None:
    rig.upload_many(12)
    rig.settings = rig.settings.model_copy(update={"resource_types": rig.settings.resource_types[:1]})
    rig.break_lists(Kind.STATUS, status=420, first=3, times=1, **told_by("message"))
    with pytest.raises(Exception, match="Rate Limit Exceeded"):
        rig.sync(rate_limit_wait_seconds=1)
    assert rig.naps == []
    rig.nap(0)
    rig.control.clear_journal()

    rig.sync()

    assert walked_pages(rig) == 1
    require_equal(rig)


@pytest.mark.parametrize("retries", [0, 5])
def test_a_burst_of_server_errors_costs_a_slice_at_most_and_the_next_sync_completes_it(rig: Rig, retries: int) -> None:
    rig.upload_many(12)
    rig.sync()
    rig.upload("new", colour=99)
    for number, status in enumerate([500, 502, 503, 504]):
        rig.break_lists(Kind.STATUS, status=status, first=2 + number, times=1)

    synced = rig.sync(retries=retries)

    assert bool(synced.listing.problems) is (retries == 0)
    assert rig.deleted() == set()
    rig.sync()
    require_equal(rig)


def test_an_answer_that_comes_by_drops_is_given_up_and_asked_for_again(rig: Rig) -> None:
    rig.upload_many(12)
    rig.break_lists(Kind.SLOW_BODY, seconds=20, first=2, times=1)

    synced = rig.sync(read_timeout_seconds=0.5)

    assert [state.injected for state in rig.control.faults()] == [1]
    assert not synced.listing.problems
    require_equal(rig)


REFUSED: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "401": ({"kind": Kind.REVOKED_KEY}, RemoteRejectedKey),
    "403": ({"kind": Kind.STATUS, "status": 403, "message": "not allowed"}, RemoteForbidden),
}


@pytest.mark.parametrize("page", [1, 2, 3])
@pytest.mark.parametrize("status", REFUSED)
def test_a_key_that_is_refused_at_any_page_stops_the_run_which_goes_on_there_when_it_is_mended(
    rig: Rig, status: str, page: int
) -> None:
    rig.settings = rig.settings.model_copy(update={"resource_types": rig.settings.resource_types[:1]})
    gone, *_ = rig.upload_many(12)
    rig.sync()
    with rig.client() as outsider:
        outsider.delete_assets([gone])
    rig.upload("new", colour=99)
    before = rig.query("select asset_id, row_version, updated_at from media_assets order by 1")
    fault, error = REFUSED[status]
    rig.control.add_faults(Rule(**fault, method="GET", path="/resources/image/upload", first=page))
    with pytest.raises(error):
        rig.sync()
    assert rig.query("select asset_id, row_version, updated_at from media_assets order by 1") == before
    rig.control.clear_faults()
    rig.control.clear_journal()

    rig.sync()

    assert walked_pages(rig) == 3 - (page - 1)
    # What was changed behind the pages that were landed before is found by the walk after this one.
    rig.sync()
    require_equal(rig)
