"""Folders of dynamic mode, and what fixed mode answers instead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from media_pipeline.emulator.server import EmulatorConfig, EmulatorThread
from media_pipeline_tests.emulator.conftest import Upload
from media_pipeline_tests.emulator.material import picture


def paths(answer: Any) -> list[str]:
    return [folder["path"] for folder in answer["folders"]]


def test_uploads_make_folders_that_outlive_them(upload: Upload, sdk: Any) -> None:
    upload(public_id="a", asset_folder="shop/été 2024/x")
    sdk.uploader.destroy("a")
    roots = sdk.api.root_folders()
    assert (paths(roots), roots["next_cursor"], roots["total_count"]) == (["shop"], None, 1)
    assert paths(sdk.api.subfolders("shop")) == ["shop/été 2024"]
    below = sdk.api.subfolders("shop/été 2024")["folders"]
    assert below == [{"name": "x", "path": "shop/été 2024/x", "external_id": below[0]["external_id"]}]


def test_folders_are_created_with_their_parents_and_once(sdk: Any) -> None:
    assert sdk.api.create_folder("a/b") == {"success": True, "path": "a/b", "name": "b"}
    assert paths(sdk.api.root_folders()) == ["a"]
    with pytest.raises(sdk.errors.AlreadyExists):
        sdk.api.create_folder("A/B")
    with pytest.raises(sdk.errors.BadRequest):
        sdk.api.create_folder("a<b")


def test_subfolders_come_in_pages_by_name(sdk: Any) -> None:
    for number in range(12):
        sdk.api.create_folder(f"top/{number:02d}")
    first = sdk.api.subfolders("top")
    assert (len(first["folders"]), first["total_count"]) == (10, 12)
    rest = sdk.api.subfolders("top", next_cursor=first["next_cursor"])
    assert (paths(rest), rest["next_cursor"]) == (["top/10", "top/11"], None)


def test_an_unknown_folder_is_a_404(sdk: Any) -> None:
    for call in (sdk.api.subfolders, sdk.api.delete_folder, lambda path: sdk.api.rename_folder(path, "b")):
        with pytest.raises(sdk.errors.NotFound, match="Can't find folder with path a/b"):
            call("a/b")


def test_a_moved_folder_takes_everything_below_with_it(upload: Upload, sdk: Any, clock: Any) -> None:
    first = upload(public_id="a", asset_folder="old/in/deep")
    upload(public_id="sibling", asset_folder="older")
    identity = sdk.api.subfolders("old")["folders"][0]["external_id"]
    clock.advance(100)
    answer = sdk.api.rename_folder("old", "new/place")
    assert answer == {"from": {"name": "old", "path": "old"}, "to": {"name": "place", "path": "new/place"}}
    document = sdk.api.resource("a")
    assert (document["asset_folder"], document["version"]) == ("new/place/in/deep", first["version"])
    assert document["last_updated"]["updated_at"] == "2024-06-25T09:00:00+00:00"
    assert paths(sdk.api.root_folders()) == ["new", "older"]
    assert sdk.api.subfolders("new/place")["folders"][0]["external_id"] == identity
    assert sdk.api.resource("sibling")["asset_folder"] == "older"


def test_a_folder_is_moved_neither_into_itself_nor_onto_another(sdk: Any) -> None:
    sdk.api.create_folder("a/b")
    sdk.api.create_folder("c")
    with pytest.raises(sdk.errors.BadRequest):
        sdk.api.rename_folder("a", "a/b/a")
    with pytest.raises(sdk.errors.AlreadyExists):
        sdk.api.rename_folder("a", "C")
    assert sdk.api.rename_folder("a", "A")["to"]["path"] == "A"


def test_only_an_empty_folder_is_deleted_with_its_empty_subfolders(upload: Upload, sdk: Any) -> None:
    upload(public_id="a", asset_folder="f/deep", backup=True)
    sdk.api.create_folder("f/empty")
    for _ in range(2):
        with pytest.raises(sdk.errors.BadRequest, match="Folder is not empty"):
            sdk.api.delete_folder("f")
        sdk.uploader.destroy("a")
    assert sdk.api.delete_folder("f", skip_backup=True) == {"deleted": ["f", "f/deep", "f/empty"]}
    assert sdk.api.root_folders()["folders"] == []


def test_folders_are_searched(sdk: Any) -> None:
    for path in ("shop/north", "shop/south", "press"):
        sdk.api.create_folder(path)
    found = sdk.search_folders().expression("path:shop/*").sort_by("name", "desc").max_results(1).execute()
    assert (found["total_count"], paths(found)) == (2, ["shop/south"])
    rest = sdk.search_folders().expression("path:shop/*").sort_by("name", "desc").max_results(1)
    assert paths(rest.next_cursor(found["next_cursor"]).execute()) == ["shop/north"]


@pytest.fixture
def fixed(tmp_path: Path) -> Iterator[httpx.Client]:
    config = EmulatorConfig(tmp_path, "fixed", folder_mode="fixed")
    with EmulatorThread(config) as emulator:
        root = f"{emulator.endpoints.base_url}/v1_1/{emulator.endpoints.cloud_name}"
        with httpx.Client(base_url=root, auth=(config.api_key, config.api_secret), trust_env=False) as client:
            yield client


def test_in_fixed_mode_the_folder_is_part_of_the_name(fixed: httpx.Client) -> None:
    assert fixed.get("/config?settings=true").json()["settings"] == {"folder_mode": "fixed"}
    answer = fixed.post("/image/upload", data={"public_id": "a", "folder": "x/y"}, files={"file": picture()}).json()
    assert (answer["public_id"], answer["folder"], answer["access_mode"]) == ("x/y/a", "x/y", "public")
    item = fixed.get("/resources/image").json()["resources"][0]
    assert (item["folder"], "asset_folder" in item, "display_name" in item) == ("x/y", False, False)
    renamed = fixed.post("/image/rename", data={"from_public_id": "x/y/a", "to_public_id": "z/b"}).json()
    assert renamed["folder"] == "z"
    assert fixed.get("/resources/by_asset_folder?asset_folder=z").headers["content-type"].startswith("text/html")
    assert fixed.put("/folders/x", json={"to_folder": "w"}).status_code == 404


def test_in_fixed_mode_names_make_folders_that_are_listed_searched_and_deleted(fixed: httpx.Client) -> None:
    answer = fixed.post("/image/upload", data={"public_id": "a/b/c"}, files={"file": picture()}).json()
    assert (answer["folder"], "display_name" in answer) == ("a/b", False)
    assert [folder["path"] for folder in fixed.get("/folders/a").json()["folders"]] == ["a/b"]
    for expression in ('folder:"a/*"', "folder=a/b"):
        [found] = fixed.post("/resources/search", json={"expression": expression}).json()["resources"]
        assert (found["folder"], "asset_folder" in found) == ("a/b", False)
    fixed.post("/image/rename", data={"from_public_id": "a/b/c", "to_public_id": "z/c"})
    assert fixed.request("DELETE", "/folders/a").json() == {"deleted": ["a", "a/b"]}
    assert [folder["path"] for folder in fixed.get("/folders").json()["folders"]] == ["z"]


def test_in_fixed_mode_folder_and_display_name_of_a_call_have_no_effect(fixed: httpx.Client) -> None:
    data = {"public_id": "a", "asset_folder": "q", "display_name": "A"}
    before = fixed.post("/image/upload", data=data, files={"file": picture()}).json()
    assert (before["folder"], "display_name" in before) == ("", False)
    after = fixed.post("/resources/image/upload/a", json={"asset_folder": "n", "display_name": "N"}).json()
    assert (after["folder"], "display_name" in after) == ("", False)
