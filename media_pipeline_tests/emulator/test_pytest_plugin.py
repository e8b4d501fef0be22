"""The fixture that other projects use."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = """
import os

import cloudinary
import cloudinary.api
import cloudinary.uploader
import pytest

from media_pipeline.emulator.server import EmulatorConfig, EmulatorThread

PICTURE = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def test_an_upload_arrives(cloudinary_emulator):
    assert cloudinary.config().cloud_name == "emu-pytest"
    cloudinary.uploader.upload(PICTURE, public_id="a")
    assert cloudinary.api.resource("a")["width"] == 1
    assert cloudinary_emulator.control.stats().assets == 1


def test_the_next_test_finds_nothing(cloudinary_emulator):
    assert cloudinary.api.resources()["resources"] == []


def test_the_server_keeps_its_state(cloudinary_emulator_server):
    assert cloudinary_emulator_server.endpoints.cloud_name == "emu-pytest"


def test_without_the_fixture_everything_is_as_before():
    assert os.environ["CLOUDINARY_URL"] == "cloudinary://1:2@real"
    assert cloudinary.config().cloud_name == "real"
"""
HEAVY = {"httpx", "starlette", "uvicorn", "PIL", "av", "lark", "sqlite3", "msgspec", "cloudinary"}


def run_project(directory: Path, site: Path) -> None:
    """Run `TESTS` as a project of its own, with a directory of installed packages before all others."""
    (directory / "test_project.py").write_text(TESTS, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={directory}", str(directory)],
        capture_output=True, text=True, check=False, timeout=120, cwd=directory,
        env={"PATH": "/usr/bin", "CLOUDINARY_URL": "cloudinary://1:2@real", "CLOUDINARY_CLOUD_NAME": "real",
             "PYTHONPATH": str(site)},
    )  # fmt: skip
    assert (ran.returncode, "4 passed" in ran.stdout) == (0, True), ran.stdout + ran.stderr


def test_a_project_that_has_the_package_has_the_fixture(tmp_path: Path) -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    site = tmp_path / "site"
    record = site / "media_pipeline-0.dist-info"
    record.mkdir(parents=True)
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: media-pipeline\nVersion: 0\n", encoding="utf-8")
    lines = [f"{name} = {target}" for name, target in groups["pytest11"].items()]
    (record / "entry_points.txt").write_text("\n".join(["[pytest11]", *lines]), encoding="utf-8")
    (site / "media_pipeline").symlink_to(ROOT / "media_pipeline")
    (tmp_path / "project").mkdir()
    run_project(tmp_path / "project", site)


@pytest.mark.slow
def test_a_stranger_needs_nothing_but_the_wheel(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    [wheel] = tmp_path.glob("*.whl")
    site, project = tmp_path / "site", tmp_path / "project"
    project.mkdir()
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)
    run_project(project, site)


def test_whoever_does_not_use_the_fixture_loads_nothing_for_it() -> None:
    told = "import json, sys, media_pipeline.emulator.pytest_plugin; print(json.dumps([*sys.modules]))"
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = {name.partition(".")[0] for name in json.loads(ran.stdout)}
    assert loaded & HEAVY == set()
