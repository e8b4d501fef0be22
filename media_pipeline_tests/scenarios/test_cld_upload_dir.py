"""As a new user would: the official command line uploads a folder of real files, and one sync mirrors them."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from media_pipeline.emulator.config import Endpoints
from media_pipeline.emulator.server import EmulatorConfig, EmulatorProcess

FILES = 520
ENDINGS = [
    ".bmp",
    ".gif",
    ".gz",
    ".html",
    ".ico",
    ".jpg",
    ".pdf",
    ".png",
    ".py",
    ".svg",
    ".ttf",
    ".txt",
    ".wav",
    ".xpm",
]


def files_of_the_system() -> Iterator[Path]:
    """Pictures, icons, fonts and documents that come with the operating system and with Python, kinds in turn."""
    by_ending: dict[str, list[Path]] = {ending: [] for ending in sorted(ENDINGS)}
    for root in (Path("/usr/share"), Path(sysconfig.get_path("stdlib"))):
        for directory, _, names in os.walk(root):
            for name in sorted(names):
                path = Path(directory, name)
                known = by_ending.get(path.suffix)
                if known is not None and len(known) < FILES and path.is_file() and 0 < path.stat().st_size < 400_000:
                    known.append(path)
    return (path for path in itertools.chain.from_iterable(itertools.zip_longest(*by_ending.values())) if path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files, in nested folders of a dozen each."""
    made = tmp_path / "from the system"
    for number, source in enumerate(itertools.islice(files_of_the_system(), FILES)):
        place = made / f"group {number % 7}" / f"part-{number // 84}"
        place.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place / f"{number:04d} {source.name}")
    return made


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Endpoints]:
    with EmulatorProcess(EmulatorConfig(tmp_path / "emulator", "cld")) as running:
        yield running.endpoints


@pytest.mark.slow
def test_a_folder_uploaded_by_cld_is_mirrored_by_one_sync_without_drift(
    folder: Path, cloud: Endpoints, database_url: str, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "CLOUDINARY_URL": cloud.cloudinary_url,
        "MEDIA_PIPELINE_DATABASE_URL": database_url,
        "MEDIA_PIPELINE_HOME": str(tmp_path / "home"),
    }
    tools = Path(sys.executable).parent

    def run(*command: str) -> str:
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    run(str(tools / "cld"), "upload_dir", "-w", "4", str(folder))
    synced = json.loads(run(sys.executable, "-m", "media_pipeline", "sync", "--json"))
    drift = json.loads(run(sys.executable, "-m", "media_pipeline", "drift", "--json"))

    assert synced["state"] == "succeeded"
    assert (drift["drifted"], drift["assets"]) == (0, FILES)
    assert drift["fields"] > FILES * 20
