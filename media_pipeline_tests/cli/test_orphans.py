"""``orphans``: nothing is concluded from silence, and a deletion is only recorded."""

from __future__ import annotations

import io

import pytest

from media_pipeline.errors import ExitCode
from media_pipeline_tests.cli.conftest import Call, Deployment


@pytest.fixture
def unused(mirrored: Deployment) -> Deployment:
    """A library that a website uses one asset of, all of it untouched for 40 days."""
    with mirrored.engine.begin() as connection:
        connection.exec_driver_sql(
            "insert into media_usage (media_asset_id, source_system, reference, usage_kind)"
            " select id, 'website', 'page', 'picture' from media_assets order by public_id limit 1"
        )
        # The trigger would write the time of the update.
        connection.exec_driver_sql("set local session_replication_role = replica")
        connection.exec_driver_sql("update media_assets set updated_at = now() - interval '40 days'")
    return mirrored


def recorded(deployment: Deployment) -> int:
    with deployment.engine.connect() as connection:
        return int(connection.exec_driver_sql("select count(*) from outbox.operation").scalar_one())


def test_without_reported_uses_nothing_is_an_orphan(call: Call, mirrored: Deployment) -> None:
    listed = call("orphans", "list", **mirrored.variables)
    planned = call("orphans", "plan", "--yes", "--json", **mirrored.variables)

    assert (listed.code, planned.code) == (0, ExitCode.FAILED)
    assert "Nothing reports where assets are used" in listed.out
    assert planned.json["error"]["kind"] == "UsageUnknown"
    assert recorded(mirrored) == 0


def test_the_typed_number_records_the_deletions_and_they_stay_in_the_cloud(
    call: Call, unused: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = call("orphans", "list", "--json", **unused.variables).json["orphan_count"]
    looked = call("orphans", "plan", "--dry-run", **unused.variables)
    monkeypatch.setattr("sys.stdin", io.StringIO("7\n"))
    mistyped = call("orphans", "plan", **unused.variables)

    assert count > 25
    assert f"{count} assets" in looked.out
    assert "nothing was recorded" in looked.out
    assert mistyped.code == ExitCode.FAILED
    assert recorded(unused) == 0

    monkeypatch.setattr("sys.stdin", io.StringIO(f"{count}\n"))
    assert call("orphans", "plan", **unused.variables).code == 0
    assert recorded(unused) == count
    again = call("orphans", "plan", "--yes", "--json", **unused.variables).json
    assert (again["recorded_count"], again["found"]["orphan_count"]) == (0, 0)
    assert "No orphans" in call("orphans", "list", **unused.variables).out


def test_json_asks_nothing(call: Call, mirrored: Deployment) -> None:
    assert call("orphans", "plan", "--json", **mirrored.variables).code == ExitCode.USAGE
