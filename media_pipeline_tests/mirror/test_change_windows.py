"""What the search says was created or changed: hinted at page by page, never believed, never taken for absence."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from media_pipeline import diff, listing, mirror
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.errors import CursorRejected, RateLimited, RemoteMalformed
from media_pipeline.listing import WindowResult
from media_pipeline.ops import binding, runs
from media_pipeline.progress import Silent
from media_pipeline.remote.calls import TagCommand
from media_pipeline.remote.identity import identify
from media_pipeline.vocabulary import ResourceType, RunKind, RunState
from media_pipeline_tests.mirror.conftest import Rig

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
FAR_AHEAD = datetime(2101, 1, 1, tzinfo=UTC)
SEARCH: dict[str, Any] = {"method": "POST", "path": "/resources/search"}
IMAGES: dict[str, Any] = {"resource_type": ResourceType.IMAGE, "delivery_type": "upload"}


@pytest.fixture
def rig(rig: Rig) -> Rig:
    """Its cloud lives ten days ago, so that time can pass there: Cloudinary takes no signature older than an hour."""
    rig.control.set_clock_offset(-10 * 86400)
    return rig


def recent(rig: Rig, **changes: Any) -> WindowResult:
    """One incremental sync, from the question who the cloud is to media_assets."""
    settings = rig.settings.model_copy(update=changes)
    with (
        rig.client(**changes) as client,
        runs.running(rig.engine, RunKind.INCREMENTAL_SYNC, actor="cli:test", dagster_run_id=None) as run_id,
    ):
        binding.bind(rig.engine, identify(client), actor="cli:test", run_id=run_id)
        found = listing.walk_recent(rig.engine, client, settings, run_id=run_id, progress=Silent())
        mirror.refresh(rig.engine, client, settings, run_id=run_id, progress=Silent())
        diff.compute(rig.engine, settings, run_id=run_id)
        diff.apply(rig.engine, settings, run_id=run_id, progress=Silent())
        runs.finish(rig.engine, run_id, RunState.SUCCEEDED)
    return found


def outage(rig: Rig, low_at: datetime = LONG_AGO, high_at: datetime = FAR_AHEAD) -> WindowResult:
    """Only the walk: what it hints at waits."""
    with rig.client() as client:
        return listing.walk_outage(
            rig.engine, client, rig.settings, low_at, high_at, run_id=None, progress=Silent(), sleep=rig.nap
        )


def tag(rig: Rig, *names: str, word: str = "new") -> None:
    with rig.client() as client:
        client.change_tags(TagCommand.ADD, [word], public_ids=list(names), **IMAGES)


def tags(rig: Rig) -> dict[str, list[str]]:
    return dict(rig.query("select public_id, tags from media_assets where deleted_at is null"))


def admin_calls(rig: Rig) -> list[str]:
    return [f"{one.method} {one.path.split('/', 3)[-1]}" for one in rig.control.journal()]


def wishes(rig: Rig) -> set[str]:
    return {row[0] for row in rig.query("select reason from landing.listing_wish")}


def cloud_now(rig: Rig) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=rig.control.settings().clock_offset_seconds)


def let_time_pass(rig: Rig, seconds: float) -> None:
    """By Cloudinary's clock; ours stays."""
    rig.control.set_clock_offset(rig.control.settings().clock_offset_seconds + seconds)


def test_before_the_first_full_sync_it_only_wishes_for_one(rig: Rig) -> None:
    rig.upload("a")
    found = recent(rig)

    assert (found.is_left_to_listing, found.is_complete, found.low_at) == (True, False, None)
    assert wishes(rig) == {"first"}
    assert rig.live() == {}
    assert "POST resources/search" not in " ".join(admin_calls(rig))


def test_nothing_changed_costs_two_calls_and_three_the_first_time(rig: Rig) -> None:
    rig.upload_many(7)
    rig.sync()
    # What was uploaded before the listing began lies further back than the overlap.
    let_time_pass(rig, 3600)
    for expected in (3, 2, 2):
        rig.control.clear_journal()
        found = recent(rig)
        assert found.is_complete
        assert found.found_count == 0
        assert len(rig.control.journal()) == expected
        let_time_pass(rig, 300)


def test_what_was_uploaded_edited_renamed_and_overwritten_is_read_again(rig: Rig) -> None:
    ids = rig.upload_many(12)
    rig.sync()
    let_time_pass(rig, 3600)
    recent(rig)
    let_time_pass(rig, 300)
    rig.upload("new")
    rig.upload("p0001", colour=999)
    tag(rig, "p0002")
    with rig.client() as client:
        client.rename("p0003", "renamed", **IMAGES)
        client.update(ids[4], asset_folder="elsewhere")
    found = recent(rig)

    assert (found.found_count, found.hinted_count, found.missing_count) == (5, 5, 0)
    assert {"new", "renamed"} <= set(rig.live())
    assert tags(rig)["p0002"] == ["new"]
    assert rig.query("select asset_folder from media_assets where public_id = 'p0004'") == [("elsewhere",)]


def test_what_is_not_shown_is_not_absent(rig: Rig) -> None:
    rig.upload_many(8)
    rig.sync()
    rig.control.add_faults(Rule(Kind.EMPTY_PAGE, **SEARCH))
    found = recent(rig)

    assert (found.is_complete, found.found_count) == (True, 0)
    assert len(rig.live()) == 8
    assert rig.query("select count(*) from mirror.asset_sighting where state <> 'live'") == [(0,)]


def test_an_index_that_lags_hides_nothing_for_longer_than_the_overlap(rig: Rig) -> None:
    ids = rig.upload_many(3)
    rig.sync()
    let_time_pass(rig, 3600)
    recent(rig)
    let_time_pass(rig, 300)
    rig.control.change_settings(search_lag_seconds=60)
    rig.upload("new")
    with rig.client() as client:
        client.delete_assets(ids[:1])
    # The index shows what was: the new one is not found, and the deleted one not as changed.
    let_time_pass(rig, 50)
    assert recent(rig).found_count == 0
    assert "new" not in rig.live()
    assert "p0000" in rig.live()

    let_time_pass(rig, 100)
    recent(rig)
    assert "new" in rig.live()


def test_a_deleted_asset_that_the_index_still_shows_stays_deleted(rig: Rig) -> None:
    rig.upload_many(3, "old")
    let_time_pass(rig, 3600)
    ids = rig.upload_many(3)
    rig.sync()
    rig.control.change_settings(search_lag_seconds=3600)
    with rig.client() as client:
        client.delete_assets(ids[:1])
    rig.sync()
    assert rig.deleted() == {"p0000"}

    # It was uploaded within the window, and the index still shows it.
    assert recent(rig).hinted_count == 3
    assert rig.deleted() == {"p0000"}
    assert rig.query("select count(*) from mirror.verify_queue") == [(0,)]


def test_an_index_in_flux_is_asked_again_from_the_same_moment(rig: Rig) -> None:
    rig.upload_many(3)
    rig.sync()
    let_time_pass(rig, 3600)
    before = recent(rig)
    let_time_pass(rig, 600)
    rig.upload("new")
    # It counts four and shows none: far behind, and it says so.
    rig.control.add_faults(Rule(Kind.LAGGING_SEARCH, seconds=900, times=1, **SEARCH))
    in_flux = recent(rig)
    assert (in_flux.found_count, in_flux.missing_count) == (0, 1)

    let_time_pass(rig, 600)
    after = recent(rig)
    assert after.low_at == in_flux.low_at
    assert after.low_at is not None
    assert before.high_at is not None
    assert after.low_at == before.high_at - timedelta(seconds=rig.settings.search_overlap_seconds)
    assert "new" in rig.live()


def test_windows_follow_cloudinarys_clock_whatever_ours_says(rig: Rig) -> None:
    rig.upload_many(2)
    rig.sync()
    rig.upload("new")
    found = recent(rig)

    assert found.high_at is not None
    assert abs(found.high_at - cloud_now(rig)) < timedelta(minutes=1)
    assert "new" in rig.live()


def test_a_record_without_an_id_is_set_aside_and_the_rest_goes_on(rig: Rig) -> None:
    rig.upload("a")
    rig.sync()
    asset_id = rig.live()["a"]
    records = [{"public_id": "odd"}, {"asset_id": 7}, {"asset_id": asset_id}]
    poison = json.dumps({"resources": records, "total_count": 3})
    rig.control.add_faults(Rule(Kind.STATUS, status=200, body=poison, times=1, **SEARCH))
    found = recent(rig)

    assert (found.found_count, found.hinted_count, found.quarantined_count) == (3, 1, 2)
    assert rig.query("select reason, asset_id from mirror.quarantine") == [("no_asset_id", None)] * 2
    assert recent(rig).is_complete


@pytest.mark.parametrize("kind", [Kind.ERROR_WITH_200, Kind.HTML, Kind.TRUNCATED_JSON])
def test_an_answer_that_is_none_leads_to_nothing_and_the_next_look_goes_on(rig: Rig, kind: Kind) -> None:
    rig.upload_many(12)
    rig.sync()
    tag(rig, *rig.live())
    rig.control.add_faults(Rule(kind, status=200, first=2, times=rig.settings.retries + 1, **SEARCH))
    with pytest.raises(RemoteMalformed):
        recent(rig)
    assert rig.query("select state, page_count from landing.change_window") == [("open", 1)]

    rig.control.clear_journal()
    found = recent(rig)
    assert (found.page_count, found.found_count, found.is_complete) == (3, 12, True)
    assert sum("search" in one for one in admin_calls(rig)) == 2
    assert set(map(tuple, tags(rig).values())) == {("new",)}


def test_a_cursor_that_expired_leads_back_to_the_first_page(rig: Rig) -> None:
    rig.upload_many(12)
    rig.control.add_faults(Rule(Kind.EXPIRED_CURSOR, times=1, **SEARCH))
    found = outage(rig)

    assert (found.restart_count, found.found_count, found.missing_count) == (1, 12, 0)
    assert rig.query("select count(*) from mirror.verify_queue") == [(12,)]

    rig.control.add_faults(Rule(Kind.EXPIRED_CURSOR, **SEARCH))
    with pytest.raises(CursorRejected):
        outage(rig)
    assert rig.query("select state from landing.change_window order by id") == [("complete",), ("broken",)]


def test_a_cursor_that_comes_again_ends_the_walk(rig: Rig) -> None:
    rig.upload_many(12)
    rig.control.add_faults(Rule(Kind.REPEATED_CURSOR, **SEARCH))
    with pytest.raises(RemoteMalformed, match="a second time"):
        outage(rig)

    rig.control.clear_faults()
    assert outage(rig).found_count == 12


def test_a_spent_allowance_is_a_pause_and_the_next_look_goes_on_at_the_cursor(rig: Rig) -> None:
    rig.upload_many(12)
    rig.sync()
    tag(rig, *rig.live())
    rig.control.add_faults(Rule(Kind.QUOTA, first=2, times=1, **SEARCH))
    paused = recent(rig)
    assert not paused.is_complete
    assert paused.page_count == 1
    assert "Rate Limit" in (paused.paused_reason or "")

    rig.nap(0)
    found = recent(rig)
    assert (found.is_complete, found.page_count, found.found_count) == (True, 3, 12)
    assert found.low_at == paused.low_at
    assert found.high_at == paused.high_at


def test_a_listing_that_used_up_its_share_does_not_keep_recent_changes_waiting(rig: Rig) -> None:
    rig.control.set_clock_offset(0)
    rig.upload("a")
    rig.sync()
    with rig.engine.begin() as connection:
        connection.exec_driver_sql("update ops.api_call set call_count = 4000 where purpose = 'listing'")
    assert recent(rig).is_complete

    # Days of an outage may be many pages, so they share with the listings.
    rig.settings = rig.settings.model_copy(update={"rate_limit_wait_seconds": 0.0})
    with pytest.raises(RateLimited, match="share"):
        outage(rig)


def test_an_outage_waits_for_a_new_allowance_without_its_lock_and_goes_on(rig: Rig) -> None:
    rig.control.set_clock_offset(0)
    rig.upload_many(12)
    rig.control.add_faults(Rule(Kind.QUOTA, first=2, times=1, **SEARCH))
    found = outage(rig)
    assert len(rig.naps) == 1
    assert (found.page_count, found.found_count) == (3, 12)

    rig.control.clear_faults()
    rig.control.add_faults(Rule(Kind.QUOTA, first=2, times=1, **SEARCH))
    rig.settings = rig.settings.model_copy(update={"rate_limit_wait_seconds": 0.0})
    with pytest.raises(RateLimited):
        outage(rig, LONG_AGO + timedelta(days=1))
    rig.nap(0)
    assert outage(rig, LONG_AGO + timedelta(days=1)).page_count == 3


def test_assets_that_change_while_pages_are_read_are_not_skipped(rig: Rig) -> None:
    rig.upload_many(12)
    let_time_pass(rig, 3600)

    class Meanwhile(Silent):
        """After each page somebody touches the first assets and adds one."""

        count = 0

        def advance(self, step: str, *, done: int = 0, total: int | None = None, **counts: int) -> None:
            self.count += 1
            if self.count < 4:
                tag(rig, "p0000", "p0006", word=f"w{self.count}")
                rig.upload(f"q{self.count}", colour=self.count)

    with rig.client() as client:
        low_at, high_at = cloud_now(rig) - timedelta(days=1), cloud_now(rig) + timedelta(days=1)
        listing.walk_outage(rig.engine, client, rig.settings, low_at, high_at, run_id=None, progress=Meanwhile())
    hinted = {row[0] for row in rig.query("select asset_id from mirror.verify_queue")}
    rig.sync()

    assert {rig.live()[f"p{number:04d}"] for number in range(12)} <= hinted


def test_only_the_time_that_was_asked_for_is_looked_at(rig: Rig) -> None:
    rig.upload("before")
    let_time_pass(rig, 3600)
    low_at = cloud_now(rig) - timedelta(seconds=10)
    rig.upload("within")
    let_time_pass(rig, 3600)
    high_at = cloud_now(rig) - timedelta(seconds=10)
    rig.upload("after")
    rig.upload("another", resource_type=ResourceType.RAW, content=b"a")
    rig.settings = rig.settings.model_copy(update={"resource_types": (ResourceType.IMAGE,)})

    assert outage(rig, low_at, high_at).found_count == 1
    assert outage(rig, high_at).found_count == 1
    assert outage(rig).found_count == 3


def test_a_flood_becomes_a_wish_for_a_full_listing(rig: Rig) -> None:
    rig.upload_many(12)
    with rig.engine.begin() as connection:
        connection.exec_driver_sql(
            "insert into mirror.verify_queue (asset_id, reason, hint_touch) "
            "select lpad(to_hex(n), 32, '0'), 'search', 0 from generate_series(1, 49998) as n"
        )
    found = outage(rig)

    # The page during which the queue was filled is hinted at whole; what comes after it waits for the listing.
    assert (found.page_count, found.hinted_count, found.missing_count) == (2, 5, 0)
    assert found.is_left_to_listing
    assert wishes(rig) == {"flood", "outage"}
    rig.hint([rig.upload("by hand")])
    assert rig.query("select count(*) from mirror.verify_queue where reason = 'manual'") == [(1,)]
