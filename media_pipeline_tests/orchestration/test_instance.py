"""Dagster's home directory, schema and environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]
from pydantic import SecretStr
from sqlalchemy import Engine, inspect
from sqlalchemy.engine import make_url

from media_pipeline.errors import ConfigurationError, DatabaseUnreachable
from media_pipeline.orchestration.instance import prepare_home, storage_url
from media_pipeline.settings import Settings, load
from media_pipeline_tests.house_rules import sources

_UNUSED_URL = "postgresql://nobody@127.0.0.1:1/none"


@pytest.fixture
def bare_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in list(os.environ):
        if name.startswith("MEDIA_PIPELINE_") or name == "CLOUDINARY_URL":
            monkeypatch.delenv(name)
    return load(home=tmp_path / "home")


def test_the_home_holds_both_files_as_they_were_released(bare_settings: Settings, empty_database_url: str) -> None:
    environment = prepare_home(bare_settings, empty_database_url)

    home = Path(environment["DAGSTER_HOME"])
    assert home == (bare_settings.home / "dagster").resolve()
    for name in ("dagster.yaml", "workspace.yaml"):
        assert yaml.safe_load((home / name).read_text()) is not None
    assert home.stat().st_mode & 0o077 == 0


def test_dagsters_tables_get_a_schema_of_their_own(bare_settings: Settings, database_url: str, engine: Engine) -> None:
    url = make_url(storage_url(bare_settings, database_url))

    assert url.drivername == "postgresql+psycopg2"
    assert url.query["options"] == "-csearch_path=dagster"
    assert url.database == make_url(database_url).database
    assert "dagster" in inspect(engine).get_schema_names()


def test_options_of_the_address_are_kept(bare_settings: Settings, empty_database_url: str) -> None:
    given = make_url(empty_database_url).update_query_dict({"options": "-cstatement_timeout=60000"})

    url = storage_url(bare_settings, given.render_as_string(hide_password=False))

    options = make_url(url).query["options"]
    assert options == "-cstatement_timeout=60000 -csearch_path=dagster"


def test_a_database_of_its_own_is_used_as_it_is_and_ours_stays_as_it_was(
    bare_settings: Settings, database_url: str, engine: Engine
) -> None:
    own = bare_settings.model_copy(update={"dagster_database_url": SecretStr("postgresql://u:p@db.example/dagster")})

    assert storage_url(own, database_url) == "postgresql+psycopg2://u:p@db.example/dagster"
    assert "dagster" not in inspect(engine).get_schema_names()


def test_preparing_again_changes_nothing(bare_settings: Settings, empty_database_url: str) -> None:
    first = prepare_home(bare_settings, empty_database_url)
    made = (Path(first["DAGSTER_HOME"]) / "dagster.yaml").stat().st_mtime_ns

    assert prepare_home(bare_settings, empty_database_url) == first
    assert (Path(first["DAGSTER_HOME"]) / "dagster.yaml").stat().st_mtime_ns == made


def test_a_changed_copy_is_renewed(bare_settings: Settings, empty_database_url: str) -> None:
    copy = Path(prepare_home(bare_settings, empty_database_url)["DAGSTER_HOME"]) / "dagster.yaml"
    released = copy.read_text()
    copy.write_text("storage: {}\n")

    prepare_home(bare_settings, empty_database_url)

    assert copy.read_text() == released


def test_two_processes_may_prepare_at_once(bare_settings: Settings, empty_database_url: str) -> None:
    failures: list[BaseException] = []
    start = threading.Barrier(4)

    def prepare() -> None:
        start.wait()
        try:
            prepare_home(bare_settings, empty_database_url)
            storage_url(bare_settings, empty_database_url)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=prepare) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []


def test_a_process_with_this_environment_has_the_same_settings(
    tmp_path: Path, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = load(
        home=tmp_path / "home",
        CLOUDINARY_URL=SecretStr("cloudinary://key:not-a-secret@emu-demo?upload_prefix=http://127.0.0.1:9"),
        delivery_types=("upload", "private"),
        resource_types="image,raw",
        listing_budget_share=0.5,
        log_json=True,
    )

    for name, value in prepare_home(given, empty_database_url).items():
        monkeypatch.setenv(name, value)

    expected = {**given.model_dump(), "home": (tmp_path / "home").resolve()}
    expected["database_url"] = SecretStr(empty_database_url)
    assert load().model_dump() == expected


def test_telemetry_is_off_in_every_process(bare_settings: Settings, empty_database_url: str) -> None:
    environment = prepare_home(bare_settings, empty_database_url)

    assert environment["DAGSTER_DISABLE_TELEMETRY"] == "1"
    config = yaml.safe_load((Path(environment["DAGSTER_HOME"]) / "dagster.yaml").read_text())
    assert (config["telemetry"], config["nux"]) == ({"enabled": False}, {"enabled": False})


def test_a_home_that_is_a_file_is_told_with_the_setting(bare_settings: Settings) -> None:
    bare_settings.home.write_text("in the way")

    with pytest.raises(ConfigurationError) as refused:
        prepare_home(bare_settings, _UNUSED_URL)

    assert "MEDIA_PIPELINE_HOME" in refused.value.hint


def test_a_database_that_is_not_there_is_told_as_such(bare_settings: Settings) -> None:
    with pytest.raises(DatabaseUnreachable):
        storage_url(bare_settings, _UNUSED_URL)


def test_dagsters_own_commands_need_nothing_but_the_files_of_the_repository(tmp_path: Path) -> None:
    """Somebody clones it and asks Dagster, without a variable and without a command of ours."""
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(sources.ROOT / name, tmp_path)
    command = (sys.executable, "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(sources.ROOT)}

    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=180, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "All code locations passed validation" in done.stdout
    # The embedded server ended with the command.
    assert not (tmp_path / ".media_pipeline" / "postgres" / "postmaster.pid").exists()
