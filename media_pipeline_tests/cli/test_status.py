"""``status``: the empty state, and what a mirrored cloud shows."""

from __future__ import annotations

from pathlib import Path

from media_pipeline.db import locks, statements
from media_pipeline.db.engine import transaction
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline_tests.cli.conftest import SAMPLE_COUNT, Call, Deployment


def test_nothing_at_all_teaches_the_first_step_and_makes_nothing(call: Call, tmp_path: Path) -> None:
    home = tmp_path / "nothing"
    ended = call("status", home=home)
    assert ended.code == 0
    assert "Nothing is mirrored yet" in ended.out
    assert "media-pipeline sync" in ended.out
    assert not home.exists()


def test_an_empty_database_teaches_the_first_step(call: Call, tmp_path: Path, empty_database_url: str) -> None:
    ended = call("status", home=tmp_path, database_url=empty_database_url)
    assert "Nothing is mirrored yet" in ended.out
    report = call("status", "--json", home=tmp_path, database_url=empty_database_url).json
    assert report["database"]["state"] == "empty"
    assert report["status"] is None


def test_json_holds_every_part(call: Call, mirrored: Deployment) -> None:
    report = call("status", "--json", **mirrored.variables).json
    assert report["database"] == {
        "place": report["database"]["place"],
        "is_embedded": False,
        "state": "ready",
    }
    status = report["status"]
    assert status["cloud"] == {"cloud_name": "emu-tests", "is_emulator": True, "folder_mode": "dynamic"}
    assert status["statistics"]["asset_count"] == SAMPLE_COUNT
    assert [(run["kind"], run["state"], run["actor"]) for run in status["runs"]] == [
        ("full_sync", "succeeded", "cli:tests")
    ]
    assert len(status["slices"]) == 9
    assert sum(one["asset_count"] for one in status["slices"]) == SAMPLE_COUNT
    assert status["queue"]["asset_count"] == 0
    assert status["quarantine"] == {"record_count": 0, "newest": []}
    assert report["holds"] == []
    assert report["dagster_url"] is None


def test_the_page_for_people_tells_the_same(call: Call, mirrored: Deployment) -> None:
    out = call("status", **mirrored.variables).out
    assert "emu-tests (emulator)" in out
    assert f"{SAMPLE_COUNT} assets" in out
    assert "image/upload" in out
    assert "cli:tests" in out


def test_a_full_sync_that_is_wanted_is_told_until_one_was_done(call: Call, mirrored: Deployment) -> None:
    assert call("status", "--json", **mirrored.variables).json["listing_wish"] is None
    with transaction(mirrored.engine) as connection:
        statements.run(connection, "listing/160_wish_listing", reason="outage")
    wished = call("status", "--json", **mirrored.variables).json["listing_wish"]
    assert (wished["reason"], wished["is_due"]) == ("outage", True)
    assert "A full sync is wanted: the days of an outage were read again" in call("status", **mirrored.variables).out

    mirrored.sync()
    assert call("status", "--json", **mirrored.variables).json["listing_wish"] is None


def test_who_is_at_work_shows_only_while_the_lock_is_held(call: Call, mirrored: Deployment) -> None:
    with locks.activity(mirrored.engine, "apply", holder="somebody on another host"):
        activities = call("status", "--json", **mirrored.variables).json["status"]["activities"]
        assert [(one["activity"], one["holder"]) for one in activities] == [("apply", "somebody on another host")]
        assert "somebody on another host" in call("status", **mirrored.variables).out
    # The fence still names its last holder; nobody holds the lock.
    assert call("status", "--json", **mirrored.variables).json["status"]["activities"] == []


def test_a_broken_slice_shows_beside_its_last_complete_listing(call: Call, mirrored: Deployment) -> None:
    mirrored.control.add_faults(Rule(Kind.STATUS, path="/resources/raw/upload*", status=503))
    mirrored.sync()
    slices = call("status", "--json", **mirrored.variables).json["status"]["slices"]
    raw = next(one for one in slices if (one["resource_type"], one["delivery_type"]) == ("raw", "upload"))
    assert raw["complete_at"] is not None
    assert raw["last_state"] == "open"


def test_a_deletion_in_the_queue_and_the_allowance_show(call: Call, mirrored: Deployment) -> None:
    with transaction(mirrored.engine) as connection:
        statements.run(connection, "mirror/080_hint", asset_ids=["a" * 32], reason="manual")
        statements.run(
            connection, "ops/060_observe_budget", limit_count=500, remaining_count=123, reset_at="2999-01-01T00:00:00Z"
        )
    status = call("status", "--json", **mirrored.variables).json["status"]
    assert (status["queue"]["asset_count"], status["queue"]["due_count"]) == (1, 1)
    assert (status["allowance"]["limit_count"], status["allowance"]["remaining_count"]) == (500, 123)
    assert "123 of 500 left" in call("status", **mirrored.variables).out


def test_an_allowance_whose_hour_is_over_counts_as_given_anew(call: Call, mirrored: Deployment) -> None:
    with transaction(mirrored.engine) as connection:
        statements.run(
            connection, "ops/060_observe_budget", limit_count=500, remaining_count=0, reset_at="2001-01-01T00:00:00Z"
        )
    allowance = call("status", "--json", **mirrored.variables).json["status"]["allowance"]
    assert allowance["remaining_count"] == 500


def test_missing_migrations_show_as_such(call: Call, mirrored: Deployment) -> None:
    with transaction(mirrored.engine, role=None) as connection:
        connection.exec_driver_sql("delete from ops.migration where file = (select max(file) from ops.migration)")
    ended = call("status", **mirrored.variables)
    assert ended.code == 0
    assert "media-pipeline migrate" in ended.out
