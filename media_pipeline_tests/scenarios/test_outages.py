"""Days of which nobody was told anything: what was created, changed, renamed and deleted then comes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from media_pipeline import diff, listing, mirror
from media_pipeline.progress import Silent
from media_pipeline.remote.calls import TagCommand
from media_pipeline.vocabulary import ResourceType
from media_pipeline_tests.mirror.conftest import Rig
from media_pipeline_tests.scenarios.both_sides import differences, require_equal

DAY = 86400


def read_again(rig: Rig, first: datetime, days: int) -> None:
    """The days of an outage and what follows by itself, but for the full sync that is wished for."""
    with rig.client() as client:
        listing.walk_outage(
            rig.engine, client, rig.settings, first, first + timedelta(days=days), run_id=None, progress=Silent()
        )
        mirror.refresh(rig.engine, client, rig.settings, run_id=None, progress=Silent())
    diff.compute(rig.engine, rig.settings, run_id=None)
    diff.apply(rig.engine, rig.settings, run_id=None, progress=Silent())


def test_days_without_any_notification_are_made_good_by_reading_them_again(rig: Rig) -> None:
    rig.control.set_clock_offset(-9 * DAY)
    ids = rig.upload_many(20)
    rig.sync()
    first = datetime.now(UTC) - timedelta(days=6)
    with rig.client() as outsider:
        slice_: dict[str, Any] = {"resource_type": ResourceType.IMAGE, "delivery_type": "upload"}
        rig.control.set_clock_offset(-5 * DAY)
        outsider.change_tags(TagCommand.ADD, ["edited"], public_ids=["p0001", "p0002"], **slice_)
        outsider.rename("p0003", "renamed", **slice_)
        rig.upload("new", colour=500)
        rig.control.set_clock_offset(-4 * DAY)
        rig.upload("p0004", colour=501)
        outsider.update(ids[5], asset_folder="elsewhere")
        # Renamed onto the name of a deleted one, and deleted at last.
        outsider.delete_assets([ids[6], ids[7]])
        outsider.rename("p0008", "p0006", **slice_)
        rig.upload("short-lived", colour=502)
        outsider.delete_assets([rig.upload("short-lived", colour=502)])
        rig.control.set_clock_offset(0)

    read_again(rig, first, 4)
    gone = {one.key for one in differences(rig)}
    assert gone == {ids[6], ids[7]}

    rig.sync()
    require_equal(rig)


def test_a_backfill_of_the_wrong_days_hurts_nothing_and_the_right_ones_repair_it(rig: Rig) -> None:
    rig.control.set_clock_offset(-9 * DAY)
    rig.upload_many(6)
    rig.sync()
    rig.control.set_clock_offset(-3 * DAY)
    rig.upload("new", colour=500)
    rig.control.set_clock_offset(0)

    read_again(rig, datetime.now(UTC) - timedelta(days=8), 4)
    assert len(rig.live()) == 6
    read_again(rig, datetime.now(UTC) - timedelta(days=4), 4)
    require_equal(rig)
