"""``sync`` as a process: through Dagster, with its exit codes and its one JSON object."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from media_pipeline.cli import sample_library
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.errors import ExitCode
from media_pipeline_tests.cli.conftest import SAMPLE_COUNT, Call, Deployment


@pytest.mark.slow
def test_a_first_sync_an_unchanged_one_and_one_after_outside_changes(run: Call, deployment: Deployment) -> None:
    first = run("sync", "--json", **deployment.variables)
    assert (first.code, first.err) == (0, "")
    report = first.json
    assert set(report) == {
        "run_id", "dagster_run_id", "state", "cloud", "is_emulator", "changes", "holds", "quarantine", "problems",
        "api_calls_used", "api_calls_left", "duration_seconds", "counts",
    }  # fmt: skip
    assert (report["state"], report["cloud"]) == ("succeeded", "emu-tests (emulator)")
    assert [(one["kind"], one["state"], one["change_count"]) for one in report["changes"]] == [
        ("created", "applied", SAMPLE_COUNT)
    ]
    assert report["counts"]["listing"]["assets"] == SAMPLE_COUNT
    assert report["api_calls_used"] <= 9 + 6

    unchanged = run("sync", "--full", **deployment.variables)
    assert unchanged.code == 0
    assert "Nothing differs" in unchanged.out

    sample_library.change(deployment.client, lambda what, name: None)
    changed = run("sync", "--full", **deployment.variables)
    assert changed.code == 0
    kinds = {kind: int(count) for kind, count in re.findall(r"(?m)^([a-z]+) +(\d+)  ", changed.out)}
    assert kinds["created"] == 2
    assert kinds["renamed"] == kinds["moved"] == 1
    assert kinds["updated"] == 5
    assert kinds["deleted"] == 3
    assert "archive/1964/regatta off the quay (public_id, secure_url)" in changed.out


@pytest.mark.slow
def test_a_mass_deletion_ends_with_held_and_the_exact_command(run: Call, mirrored: Deployment) -> None:
    mirrored.control.reset()
    ended = run("sync", "--full", **mirrored.variables)
    assert ended.code == ExitCode.HELD
    assert "media-pipeline holds approve 1" in ended.out
    again = run("sync", "--full", "--json", **mirrored.variables)
    assert again.code == ExitCode.HELD
    assert again.json["state"] == "held"
    assert sum(hold["asset_count"] for hold in again.json["holds"]) == SAMPLE_COUNT


def test_a_broken_slice_ends_as_failed_and_the_rest_is_mirrored(run: Call, deployment: Deployment) -> None:
    deployment.control.add_faults(Rule(Kind.STATUS, path="/resources/raw/upload*", status=503))
    ended = run("sync", "--full", "--json", **deployment.variables, retries=0)
    assert ended.code == ExitCode.FAILED
    report = ended.json
    assert len(report["problems"]) == 1
    assert "raw/upload" in report["problems"][0]
    assert 0 < report["changes"][0]["change_count"] < SAMPLE_COUNT


@pytest.mark.slow
def test_a_record_that_cannot_be_read_is_told_and_the_rest_is_mirrored(run: Call, deployment: Deployment) -> None:
    body = '{"resources": [{"public_id": "without an id"}]}'
    deployment.control.add_faults(Rule(Kind.STATUS, path="/resources/raw/private*", status=200, body=body))
    ended = run("sync", "--full", **deployment.variables)
    assert ended.code == 0
    assert "1 record" in ended.out
    assert "no asset_id  " in ended.out
    assert re.search(rf"(?m)^created +{SAMPLE_COUNT} ", ended.out)
    quarantine = run("status", "--json", **deployment.variables).json["status"]["quarantine"]
    assert quarantine["record_count"] == len(quarantine["newest"]) == 1
    assert "1 record in quarantine" in run("status", **deployment.variables).out


@pytest.mark.slow
def test_a_configured_database_is_migrated_only_when_asked(
    run: Call, deployment: Deployment, empty_database_url: str
) -> None:
    variables = {**deployment.variables, "database_url": empty_database_url}
    refused = run("sync", "--full", "--json", **variables)
    assert refused.code == ExitCode.CONFIGURATION
    assert refused.json["error"]["kind"] == "MigrationNeeded"
    assert "media-pipeline migrate" in refused.err
    allowed = run("sync", "--full", "--migrate", "--json", **variables)
    assert allowed.code == 0
    assert allowed.json["changes"][0]["change_count"] == SAMPLE_COUNT


def test_another_cloud_is_refused(run: Call, mirrored: Deployment) -> None:
    with mirrored.engine.begin() as connection:
        connection.exec_driver_sql("update ops.cloud_binding set cloud_name = 'somebody-elses'")
    ended = run("sync", "--full", "--json", **mirrored.variables)
    assert ended.code == ExitCode.CONFIGURATION
    assert ended.json["error"]["kind"] == "WrongCloud"


def test_without_any_settings_everything_runs_here_and_is_stopped_again(run: Call, place: Path) -> None:
    ended = run("sync", "--full")
    assert ended.code == 0
    assert "media-pipeline emulator --sample" in ended.out
    home = place / ".media_pipeline"
    assert not (home / "postgres" / "postmaster.pid").exists()
    status = run("status", "--json").json
    assert status["database"]["is_embedded"] is True
    assert status["status"]["cloud"]["cloud_name"] == "emu-demo"
    assert status["status"]["statistics"]["asset_count"] == 0
