"""``doctor``: each planted defect is named with what to do, and a sound deployment passes."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from media_pipeline.db import engine as engine_module
from media_pipeline.db.engine import transaction
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.errors import ExitCode
from media_pipeline_tests.cli.conftest import Call, Deployment, Ended

NAMES = ["settings", "database", "migrations", "cloud", "key", "permissions", "clock", "binding"]


def _failed(ended: Ended) -> dict[str, Any]:
    """The one failed check."""
    assert ended.code == ExitCode.CONFIGURATION
    report = ended.json
    assert report["is_healthy"] is False
    assert [check["name"] for check in report["checks"]] == NAMES
    failed = [check for check in report["checks"] if check["outcome"] == "failed"]
    assert len(failed) == 1
    assert failed[0]["advice"]
    return dict(failed[0])


def _outcomes(ended: Ended) -> dict[str, str]:
    return {check["name"]: check["outcome"] for check in ended.json["checks"]}


def test_a_sound_deployment_passes_every_check(call: Call, mirrored: Deployment) -> None:
    ended = call("doctor", "--json", **mirrored.variables)
    assert ended.code == 0
    assert _outcomes(ended) == dict.fromkeys(NAMES, "passed")
    assert "All is well" in call("doctor", **mirrored.variables).out


def test_a_machine_without_any_settings_passes(call: Call, place: Path) -> None:
    ended = call("doctor", "--json", home=place / "home")
    assert ended.code == 0
    assert _outcomes(ended)["database"] == _outcomes(ended)["key"] == "passed"


def test_an_unreachable_database(call: Call, deployment: Deployment) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql://u:hidden@127.0.0.1:{taken.getsockname()[1]}/x"
        ended = call("doctor", "--json", **{**deployment.variables, "database_url": url})
    failed = _failed(ended)
    assert failed["name"] == "database"
    assert "cannot be reached" in failed["finding"]
    assert _outcomes(ended)["migrations"] == _outcomes(ended)["binding"] == "skipped"
    assert _outcomes(ended)["key"] == "passed"
    assert "hidden" not in ended.out


def test_a_postgres_that_is_too_old(call: Call, deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "_OLDEST_SERVER", 99)
    failed = _failed(call("doctor", "--json", **deployment.variables))
    assert failed["name"] == "database"
    assert "99 or later is needed" in failed["finding"]


def test_an_embedded_directory_that_cannot_be_written(call: Call, tmp_path: Path, deployment: Deployment) -> None:
    (tmp_path / "file").write_text("not a directory")
    ended = call("doctor", "--json", home=tmp_path / "file", cloudinary_url=deployment.endpoints.cloudinary_url)
    failed = _failed(ended)
    assert failed["name"] == "database"
    assert "MEDIA_PIPELINE_HOME" in failed["advice"]


def test_missing_migrations(call: Call, deployment: Deployment, empty_database_url: str) -> None:
    failed = _failed(call("doctor", "--json", **{**deployment.variables, "database_url": empty_database_url}))
    assert failed["name"] == "migrations"
    assert "media-pipeline migrate" in failed["advice"]


def test_migrations_that_drifted(call: Call, mirrored: Deployment) -> None:
    with transaction(mirrored.engine, role=None) as connection:
        connection.exec_driver_sql("update ops.migration set sha256 = repeat('0', 64) where file like '0002%%'")
    failed = _failed(call("doctor", "--json", **mirrored.variables))
    assert failed["name"] == "migrations"
    assert "0002_ops.sql" in failed["finding"]


@pytest.mark.parametrize(
    ("right", "wrong"), [("emulator-secret-not-a-real1", "another-secret"), ("123456789012345", "543210987654321")]
)
def test_a_wrong_secret_or_key(call: Call, mirrored: Deployment, right: str, wrong: str) -> None:
    url = mirrored.endpoints.cloudinary_url.replace(right, wrong)
    ended = call("doctor", "--json", **{**mirrored.variables, "cloudinary_url": url})
    failed = _failed(ended)
    assert failed["name"] == "key"
    assert "CLOUDINARY_URL" in failed["advice"]
    assert wrong not in ended.out or wrong.isdigit()


def test_a_database_that_belongs_to_another_cloud(call: Call, mirrored: Deployment) -> None:
    with transaction(mirrored.engine) as connection:
        connection.exec_driver_sql("update ops.cloud_binding set cloud_name = 'somebody-elses'")
    failed = _failed(call("doctor", "--json", **mirrored.variables))
    assert failed["name"] == "binding"
    assert "somebody-elses" in failed["finding"]
    assert "emu-tests" in failed["finding"]


def test_a_missing_permission_is_named(call: Call, mirrored: Deployment) -> None:
    mirrored.control.add_faults(Rule(Kind.STATUS, path="/folders*", status=403))
    failed = _failed(call("doctor", "--json", **mirrored.variables))
    assert failed["name"] == "permissions"
    assert "folders: read" in failed["finding"]


def test_the_emulator_in_production(call: Call, mirrored: Deployment) -> None:
    failed = _failed(call("doctor", "--json", **mirrored.variables, environment="production"))
    assert failed["name"] == "settings"
    assert "In production" in failed["finding"]
    nothing = _failed(call("doctor", "--json", home=mirrored.home, environment="production"))
    assert "CLOUDINARY_URL" in nothing["finding"]


@pytest.mark.parametrize("offset_seconds", [3600, -3600])
def test_a_clock_that_is_off(call: Call, mirrored: Deployment, offset_seconds: int) -> None:
    mirrored.control.set_clock_offset(offset_seconds)
    failed = _failed(call("doctor", "--json", **mirrored.variables))
    assert failed["name"] == "clock"
    assert ("behind" if offset_seconds > 0 else "ahead of") in failed["finding"]
    assert "NTP" in failed["advice"]


def test_a_cloud_that_does_not_answer(call: Call, mirrored: Deployment) -> None:
    mirrored.control.add_faults(Rule(Kind.STATUS, path="/ping*", status=503))
    ended = call("doctor", "--json", **mirrored.variables, retries=0)
    assert _failed(ended)["name"] == "key"
    assert _outcomes(ended)["binding"] == "skipped"


def test_settings_that_cannot_be_read(call: Call, mirrored: Deployment) -> None:
    ended = call("doctor", "--json", **mirrored.variables, apply_workers="many")
    failed = _failed(ended)
    assert failed["name"] == "settings"
    assert "MEDIA_PIPELINE_APPLY_WORKERS" in failed["finding"]
    assert set(_outcomes(ended).values()) == {"failed", "skipped"}


def test_a_cloudinary_url_of_another_form(call: Call, mirrored: Deployment) -> None:
    ended = call("doctor", "--json", **{**mirrored.variables, "cloudinary_url": "https://cloudinary.com"})
    assert _failed(ended)["name"] == "settings"


def test_the_page_for_people_says_what_to_do(call: Call, deployment: Deployment, empty_database_url: str) -> None:
    ended = call("doctor", **{**deployment.variables, "database_url": empty_database_url})
    assert ended.code == ExitCode.CONFIGURATION
    assert "failed   migrations" in ended.out
    assert "→ Run 'media-pipeline migrate'." in ended.out
    assert "1 check failed." in ended.out
