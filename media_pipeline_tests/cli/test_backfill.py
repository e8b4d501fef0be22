"""``backfill`` and ``sync --recent`` as people call them: what they print, and how they end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from media_pipeline.errors import ExitCode
from media_pipeline.remote.calls import TagCommand
from media_pipeline.vocabulary import ResourceType
from media_pipeline_tests.cli.conftest import Call, Deployment

TODAY = datetime.now(UTC).date()


@pytest.mark.parametrize(
    ("first", "last"),
    [("2026-02-02", "2026-02-01"), ("2001-01-01", "2001-01-02"), ("2099-01-01", "2099-01-02"), ("yesterday", "today")],
)
def test_days_that_cannot_be_read_again_are_told(call: Call, first: str, last: str) -> None:
    ended = call("backfill", "--from", first, "--to", last)

    assert ended.code == ExitCode.USAGE
    assert ended.out == ""


@pytest.mark.parametrize("other", ["--full", "--dry-run"])
def test_recent_changes_go_with_nothing_else(call: Call, other: str) -> None:
    assert call("sync", "--recent", other).code == ExitCode.USAGE


@pytest.mark.slow
def test_an_outage_is_repaired_in_one_go(run: Call, deployment: Deployment) -> None:
    refused = run("sync", "--recent", **deployment.variables)
    assert refused.code == ExitCode.FAILED
    assert "a full sync comes first" in refused.out

    deployment.control.set_clock_offset(-5 * 86400)
    ids = [
        deployment.client.upload(
            b"a", public_id=f"r{n}", resource_type=ResourceType.RAW, delivery_type="upload", overwrite=True
        ).asset_id
        for n in range(3)
    ]
    deployment.sync()
    deployment.control.set_clock_offset(-3 * 86400)
    deployment.client.change_tags(
        TagCommand.ADD, ["edited"], public_ids=["r0"], resource_type=ResourceType.RAW, delivery_type="upload"
    )
    deployment.client.delete_assets(ids[2:])
    deployment.control.set_clock_offset(0)

    days = ("--from", f"{TODAY - timedelta(days=4)}", "--to", f"{TODAY - timedelta(days=2)}T12:00:00")
    repaired = run("backfill", *days, "--json", **deployment.variables)
    assert repaired.code == 0
    report = repaired.json
    assert (report["first_day"], report["last_day"]) == (str(TODAY - timedelta(days=4)), str(TODAY - timedelta(days=2)))
    assert {one["kind"]: one["change_count"] for one in report["window"]["changes"]} == {"updated": 1}
    assert {one["kind"]: one["change_count"] for one in report["full_sync"]["changes"]} == {"deleted": 1}
    assert report["window"]["counts"]["outage_window"]["hinted_count"] == 1
    assert run("drift", **deployment.variables).code == 0

    again = run("backfill", *days, **deployment.variables)
    assert again.code == 0
    assert "1 change shown by the search" in again.out
    assert "Nothing differs: the mirror is as the cloud is." in again.out

    looked = run("sync", "--recent", "--json", **deployment.variables)
    assert looked.code == 0
    assert looked.json["state"] == "succeeded"
