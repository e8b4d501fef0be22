"""Search and folder lists lag behind changes; lists and details never do."""

from __future__ import annotations

from typing import Any

import pytest

from media_pipeline.emulator.control import ControlClient
from media_pipeline_tests.emulator.conftest import StoppedClock, Upload


@pytest.fixture
def lagging(control: ControlClient) -> ControlClient:
    control.change_settings(search_lag_seconds=10, folder_lag_seconds=10)
    return control


def found(sdk: Any, expression: str) -> list[str]:
    answer = sdk.search().expression(expression).sort_by("public_id", "asc").execute()
    assert answer["total_count"] == len(answer["resources"])
    return [asset["public_id"] for asset in answer["resources"]]


def test_a_new_asset_is_found_after_a_while(
    upload: Upload, sdk: Any, lagging: ControlClient, clock: StoppedClock
) -> None:
    upload(public_id="a")
    assert found(sdk, "public_id=a") == []
    assert sdk.api.resource("a")["public_id"] == "a"
    clock.advance(10)
    assert found(sdk, "public_id=a") == ["a"]


def test_a_change_is_found_after_the_last_one_has_settled(
    upload: Upload, sdk: Any, control: ControlClient, clock: StoppedClock
) -> None:
    upload(public_id="a", tags="old")
    control.change_settings(search_lag_seconds=10)
    sdk.uploader.replace_tag("new", ["a"])
    clock.advance(9)
    sdk.uploader.replace_tag("newer", ["a"])
    clock.advance(9)
    assert (found(sdk, "tags=old"), found(sdk, "tags=new OR tags=newer")) == (["a"], [])
    clock.advance(1)
    assert (found(sdk, "tags=old"), found(sdk, "tags=new OR tags=newer")) == ([], ["a"])


def test_a_deleted_asset_is_found_for_a_while(
    upload: Upload, sdk: Any, control: ControlClient, clock: StoppedClock
) -> None:
    upload(public_id="a")
    control.change_settings(search_lag_seconds=10)
    sdk.uploader.destroy("a")
    assert found(sdk, "") == ["a"]
    clock.advance(10)
    assert found(sdk, "") == []


def test_pages_and_counts_agree_under_lag(
    upload: Upload, sdk: Any, control: ControlClient, clock: StoppedClock
) -> None:
    for name in "abc":
        upload(public_id=name)
    control.change_settings(search_lag_seconds=10)
    upload(public_id="d")
    sdk.uploader.destroy("b")
    first = sdk.search().sort_by("public_id", "asc").max_results(2).execute()
    rest = sdk.search().sort_by("public_id", "asc").max_results(2).next_cursor(first["next_cursor"]).execute()
    assert [a["public_id"] for a in first["resources"] + rest["resources"]] == ["a", "b", "c"]
    assert (first["total_count"], rest["total_count"]) == (3, 3)


def test_folder_lists_lag_too(sdk: Any, lagging: ControlClient, clock: StoppedClock) -> None:
    sdk.api.create_folder("x/y")
    assert sdk.api.root_folders()["folders"] == []
    assert sdk.search_folders().execute()["total_count"] == 0
    with pytest.raises(sdk.errors.NotFound):
        sdk.api.subfolders("x")
    clock.advance(10)
    assert [f["path"] for f in sdk.api.subfolders("x")["folders"]] == ["x/y"]
    sdk.api.rename_folder("x", "z")
    assert [f["path"] for f in sdk.api.root_folders()["folders"]] == ["x"]
    clock.advance(10)
    assert [f["path"] for f in sdk.api.root_folders()["folders"]] == ["z"]


def test_without_lag_everything_is_found_at_once(upload: Upload, sdk: Any, lagging: ControlClient) -> None:
    upload(public_id="a", asset_folder="x")
    lagging.change_settings(search_lag_seconds=0, folder_lag_seconds=0)
    assert found(sdk, "") == ["a"]
    assert [f["path"] for f in sdk.api.root_folders()["folders"]] == ["x"]
    sdk.uploader.destroy("a")
    assert found(sdk, "") == []
