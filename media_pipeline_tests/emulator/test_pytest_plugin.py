"""The fixture that other projects use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TESTS = """
import os

import cloudinary
import cloudinary.api
import cloudinary.uploader
import pytest

from media_pipeline.emulator.server import EmulatorConfig

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


def test_a_project_uses_the_fixture(tmp_path: Path) -> None:
    (tmp_path / "test_project.py").write_text(TESTS, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "media_pipeline.emulator.pytest_plugin", "-p", "no:cacheprovider",
         f"--rootdir={tmp_path}", str(tmp_path)],
        capture_output=True, text=True, check=False, timeout=120,
        env={"PATH": "/usr/bin", "CLOUDINARY_URL": "cloudinary://1:2@real", "CLOUDINARY_CLOUD_NAME": "real",
             "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert (ran.returncode, "4 passed" in ran.stdout) == (0, True), ran.stdout + ran.stderr
