"""Cloudinary's own command line, run as people run it; it does here what it does against the service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from media_pipeline.emulator.config import FolderMode
from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.server import EmulatorConfig, EmulatorThread, Endpoints
from media_pipeline_tests.emulator.material import film, picture

pytestmark = pytest.mark.slow

CLD = Path(sys.executable).with_name("cld")
# One file of each kind, and one folder in another.
FILES = {
    "a.png": picture(20, 10),
    "inner/b.jpg": picture(9, 9, kind="JPEG"),
    "inner/deep/clip.mp4": film(),
    "notes.txt": b"some words",
}

Run = Callable[..., str]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Endpoints, ControlClient]]:
    config = EmulatorConfig(tmp_path_factory.mktemp("cld"), "cld")
    with EmulatorThread(config) as emulator, ControlClient(emulator.endpoints) as client:
        yield emulator.endpoints, client


@pytest.fixture
def cloud(served: tuple[Endpoints, ControlClient]) -> ControlClient:
    served[1].reset()
    return served[1]


@pytest.fixture
def cld(served: tuple[Endpoints, ControlClient], cloud: ControlClient, tmp_path: Path) -> Run:
    return command(served[0], tmp_path)


def command(endpoints: Endpoints, tmp_path: Path) -> Run:
    """The command for one cloud: it returns its output, after a check that it ended well."""
    home = tmp_path / "home"
    home.mkdir()
    # Delivery addresses that the command builds itself lead to the emulator, too.
    url = f"{endpoints.cloudinary_url}&secure=&cname={endpoints.base_url.removeprefix('http://')}"
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "CLOUDINARY_URL": url, "PYTHONWARNINGS": "ignore"}

    def run(*arguments: str, code: int = 0) -> str:
        ran = subprocess.run(
            [CLD, *arguments], capture_output=True, text=True, check=False, timeout=120, env=environment, cwd=tmp_path
        )
        assert ran.returncode == code, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr

    return run


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    write(root, FILES)
    return root


def write(root: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def answer(output: str) -> Any:
    """The JSON in an output that may begin with other words."""
    return json.loads(output[output.index("{") :])


def contents(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file() and path.name != ".cld-sync")
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def names(cld: Run, expression: str = "") -> list[str]:
    found = answer(cld("search", expression, "-s", "public_id", "asc", "-n", "500"))
    assert found["total_count"] == len(found["resources"])
    return sorted(f"{a['asset_folder']}/{a['display_name']}" for a in found["resources"])


def test_admin_and_uploader_call_any_method(cld: Run, tree: Path) -> None:
    assert answer(cld("admin", "ping")) == {"status": "ok"}
    stored = answer(cld("uploader", "upload", str(tree / "a.png"), "public_id=a", "tags=x,y"))
    assert (stored["public_id"], stored["width"], stored["tags"]) == ("a", 20, ["x", "y"])
    assert answer(cld("admin", "resource", "a"))["asset_id"] == stored["asset_id"]
    assert answer(cld("uploader", "add_tag", "z", "a"))["public_ids"] == ["a"]
    assert answer(cld("uploader", "rename", "a", "b"))["public_id"] == "b"
    assert answer(cld("admin", "update", "b", "-O", "tags", "only"))["tags"] == ["only"]
    assert answer(cld("admin", "delete_resources", "b"))["deleted"] == {"b": "deleted"}
    assert "Resource not found - b" in cld("admin", "resource", "b", code=1)


def test_admin_pages_through_a_list(cld: Run, cloud: ControlClient) -> None:
    cloud.bulk(1_200)
    listed = answer(cld("admin", "-A", "-F", "resources", "type=upload"))
    assert len(listed["resources"]) > 600
    assert "next_cursor" not in listed


def test_search_pages_counts_and_saves(cld: Run, cloud: ControlClient, tmp_path: Path) -> None:
    cloud.bulk(1_200)
    found = answer(cld("search", "resource_type:image", "-A", "-F", "-a", "format", "-f", "tags"))
    assert found["total_count"] == len(found["resources"]) > 500
    assert found["aggregations"]["format"].keys() == {"jpg", "png", "webp", "gif"}
    cld("search", "-n", "3", "--csv", "found")
    assert len((tmp_path / "found.csv").read_text(encoding="utf-8").splitlines()) == 4
    folders = answer(cld("search_folders", "path:press*", "-n", "500"))
    assert folders["total_count"] == len(folders["folders"]) > 0


def test_a_directory_is_uploaded_with_its_folders(cld: Run, tree: Path) -> None:
    cld("upload_dir", str(tree), "-f", "up")
    assert names(cld, 'asset_folder:"up/*"') == [
        "up/tree/a",
        "up/tree/inner/b",
        "up/tree/inner/deep/clip",
        "up/tree/notes",
    ]


def test_a_push_uploads_what_differs_and_deletes_what_is_gone(cld: Run, tree: Path) -> None:
    cld("sync", "--push", "-F", str(tree), "mirror")
    before = names(cld, 'asset_folder:"mirror/*"')
    assert len(before) == len(FILES)
    (tree / "a.png").write_bytes(picture(30, 30))
    (tree / "inner/b.jpg").unlink()
    (tree / "new.gif").write_bytes(picture(kind="GIF"))
    assert "Skipping 2 items" in cld("sync", "--push", "-F", str(tree), "mirror")
    after = names(cld, 'asset_folder:"mirror/*"')
    assert sorted({*before, "mirror/new"} - {"mirror/inner/b"}) == sorted(set(after))
    again = cld("sync", "--push", "-F", str(tree), "mirror")
    assert "Skipping 4 items" in again
    assert "Uploading" not in again


def test_a_pull_brings_the_same_bytes_back(cld: Run, tree: Path, tmp_path: Path) -> None:
    cld("sync", "--push", "-F", str(tree), "mirror")
    copy = tmp_path / "copy"
    cld("sync", "--pull", "-F", str(copy), "mirror")
    assert contents(copy) == FILES
    (copy / "extra.png").write_bytes(picture(3, 3))
    (copy / "a.png").write_bytes(picture(4, 4))
    cld("sync", "--pull", "-F", str(copy), "mirror")
    assert contents(copy) == FILES


@pytest.mark.parametrize("folder_mode", ["dynamic", "fixed"])
def test_awkward_names_come_back_in_both_folder_modes(folder_mode: FolderMode, tmp_path: Path) -> None:
    names = (
        "Straße und Söhne/a+b & c (1).jpg",
        "100 percent/quote's.jpg",
        "comma, semicolon; ✓.jpg",
        "dots.in.a.name.jpg",
    )
    files = {f"tree/{name}": picture(10 + number, 9, kind="JPEG") for number, name in enumerate(names)}
    write(tmp_path, files)
    config = EmulatorConfig(tmp_path / "state", "awkward", folder_mode=folder_mode)
    with EmulatorThread(config) as emulator:
        cld = command(emulator.endpoints, tmp_path)
        assert f"({folder_mode} folder mode)" in cld("sync", "--push", "-F", "tree", "mirror")
        cld("sync", "--pull", "-F", "copy", "mirror")
        assert "Skipping 4 items" in cld("sync", "--push", "-F", "copy", "mirror")
        cld("upload_dir", "tree", "-f", "up", "-fm", folder_mode)
        found = answer(cld("search", "resource_type:image", "-n", "500"))
        assert found["total_count"] == 2 * len(names)
    copied = contents(tmp_path / "copy")
    assert sorted(copied.values()) == sorted(files.values())
    if folder_mode == "dynamic":
        assert sorted(f"tree/{name}" for name in copied) == sorted(files)


def test_derived_assets_are_made_anew(cld: Run, tree: Path) -> None:
    cld("admin", "create_transformation", "small", "c_scale,w_5")
    cld("uploader", "upload", str(tree / "a.png"), "public_id=a", "eager=t_small")
    first = answer(cld("admin", "resource", "a"))["derived"]
    cld("admin", "update_transformation", "small", "unsafe_update=c_scale,w_400")
    assert "Regeneration complete" in cld("regen_derived", "-F", "small")
    again = answer(cld("admin", "resource", "a"))["derived"]
    assert [d["id"] for d in again] == [d["id"] for d in first]
    assert again[0]["bytes"] != first[0]["bytes"]


def test_a_cloud_is_cloned_into_another(cld: Run, tree: Path, tmp_path: Path) -> None:
    cld("sync", "--push", "-F", str(tree), "mirror")
    with (
        EmulatorThread(EmulatorConfig(tmp_path / "target", "target")) as target,
        ControlClient(target.endpoints) as there,
    ):
        cld("clone", target.endpoints.cloudinary_url, "-F", "-fi", "tags,context")
        assert there.stats().assets == len(FILES)
