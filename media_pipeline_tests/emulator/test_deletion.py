"""Deletion, its limits, and what a backup brings back."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from media_pipeline.emulator.control import ControlClient
from media_pipeline_tests.emulator.conftest import START, StoppedClock, Upload
from media_pipeline_tests.emulator.material import picture


def test_deletion_by_name_tells_each_outcome(upload: Upload, sdk: Any) -> None:
    upload(public_id="a")
    upload(b"x", public_id="r.txt", resource_type="raw")
    answer = sdk.api.delete_resources(["a", "a.png", "r.txt"])
    assert answer == {
        "deleted": {"a": "deleted", "a.png": "not_found", "r.txt": "not_found"},
        "deleted_counts": {
            "a": {"original": 1, "derived": 0},
            "a.png": {"original": 0, "derived": 0},
            "r.txt": {"original": 0, "derived": 0},
        },
        "partial": False,
    }
    with pytest.raises(sdk.errors.NotFound):
        sdk.api.resource("a")


def test_deletion_by_asset_id_is_keyed_by_name(upload: Upload, sdk: Any) -> None:
    ids = [upload(public_id="a")["asset_id"], upload(b"x", public_id="r", resource_type="raw")["asset_id"], "0" * 32]
    answer = sdk.api.delete_resources_by_asset_ids(ids)
    assert answer["deleted"] == {"a": "deleted", "r": "deleted", "0" * 32: "not_found"}


def test_equal_names_of_two_kinds_collide_in_the_answer_but_both_are_gone(upload: Upload, sdk: Any) -> None:
    ids = [upload(public_id="a")["asset_id"], upload(b"x", public_id="a", resource_type="raw")["asset_id"]]
    assert sdk.api.delete_resources_by_asset_ids(ids)["deleted"] == {"a": "deleted"}
    assert sdk.api.resources_by_asset_ids(ids)["resources"] == []


def test_a_hundred_are_deleted_in_a_call_and_no_more(control: ControlClient, sdk: Any) -> None:
    control.bulk(400)
    ids = [asset["asset_id"] for asset in sdk.api.resources(type="upload", max_results=101)["resources"]]
    names = [f"n{number}" for number in range(101)]
    for call, given in ((sdk.api.delete_resources_by_asset_ids, ids), (sdk.api.delete_resources, names)):
        with pytest.raises(sdk.errors.BadRequest, match="101, at most 100"):
            call(given)
    assert control.stats().assets == 400
    sdk.api.delete_resources_by_asset_ids(ids[:100])
    assert control.stats().assets == 300


def test_a_form_deletes_as_well_and_lists_need_brackets(upload: Upload, http: httpx.Client) -> None:
    upload(public_id="a")
    upload(public_id="b")
    answer = http.request("DELETE", "/resources/image/upload", data={"public_ids[]": ["a", "b"]})
    assert answer.json()["deleted"] == {"a": "deleted", "b": "deleted"}
    missing = http.request("DELETE", "/resources/image/upload", json={"public_ids": None, "prefix": None})
    assert (missing.status_code, missing.json()["error"]["message"]) == (400, "Missing required parameter - public_ids")


def test_larger_deletions_go_a_thousand_at_a_time(control: ControlClient, sdk: Any) -> None:
    control.bulk(2_000)
    first = sdk.api.delete_all_resources()
    assert (first["partial"], len(first["deleted"])) == (True, 1000)
    second = sdk.api.delete_all_resources(next_cursor=first["next_cursor"])
    assert second["partial"] is False
    assert sdk.api.resources(type="upload")["resources"] == []
    assert control.stats().assets == 2_000 - 1000 - len(second["deleted"])


def test_deletion_by_prefix_and_by_tag_spare_the_rest(upload: Upload, sdk: Any) -> None:
    for name, tags in (("images/a", "t"), ("images2/a", "t"), ("b", "t,u"), ("c", "u")):
        upload(public_id=name, tags=tags)
    assert sdk.api.delete_resources_by_prefix("images/")["deleted"] == {"images/a": "deleted"}
    assert sdk.api.delete_resources_by_tag("t")["deleted"] == {"images2/a": "deleted", "b": "deleted"}
    assert [asset["public_id"] for asset in sdk.api.resources()["resources"]] == ["c"]


def test_originals_may_be_kept(upload: Upload, sdk: Any) -> None:
    upload(public_id="a")
    assert sdk.api.delete_resources(["a"], keep_original=True)["deleted_counts"]["a"]["original"] == 0
    assert sdk.api.resource("a")["public_id"] == "a"


def test_destroy_answers_ok_once_and_not_found_for_the_wrong_kind(upload: Upload, sdk: Any) -> None:
    upload(b"x", public_id="r", resource_type="raw", asset_folder="f")
    assert sdk.uploader.destroy("r")["result"] == "not found"
    answer = sdk.uploader.destroy("r", resource_type="raw")
    assert (answer["result"], answer["asset_folder"]) == ("ok", "f")
    assert sdk.uploader.destroy("r", resource_type="raw")["result"] == "not found"


def test_destroy_may_name_the_asset_by_its_id(upload: Upload, http: httpx.Client) -> None:
    asset_id = upload(b"x", resource_type="raw")["asset_id"]
    assert http.post("/asset/destroy", data={"asset_id": asset_id}).json()["result"] == "ok"
    assert http.post("/image/destroy", data={"asset_id": asset_id}).json()["result"] == "not found"


def test_a_deleted_name_uploaded_again_is_another_asset(upload: Upload, sdk: Any) -> None:
    first = upload(public_id="a")
    sdk.uploader.destroy("a")
    assert upload(public_id="a")["asset_id"] != first["asset_id"]


def test_a_backed_up_asset_stays_as_a_placeholder(upload: Upload, sdk: Any) -> None:
    asset_id = upload(public_id="a", tags="t", backup=True)["asset_id"]
    assert sdk.api.delete_resources(["a"])["deleted"] == {"a": "deleted"}
    listed = sdk.api.resources(type="upload")["resources"][0]
    assert (listed["asset_id"], listed["placeholder"], listed["bytes"], listed["backup"]) == (asset_id, True, 0, True)
    document = sdk.api.resource("a")
    assert (document["bytes"], document["placeholder"]) == (0, True)
    assert sdk.api.resources_by_asset_ids([asset_id])["resources"] == []
    assert sdk.api.resources_by_tag("t")["resources"] == []
    assert sdk.api.delete_resources(["a"])["deleted"] == {"a": "not_found"}


def test_a_restore_brings_the_asset_back_as_a_new_version(upload: Upload, sdk: Any, clock: Any) -> None:
    first = upload(public_id="a", tags="t", backup=True)
    sdk.api.delete_resources(["a"])
    clock.advance(100)
    answer = sdk.api.restore(["a", "nobody"])
    assert answer["nobody"] == {"error": "no_backup"}
    back = answer["a"]
    for name in ("asset_id", "bytes", "etag", "width", "tags"):
        assert back[name] == first[name]
    assert (back["version"], back["placeholder"]) == (START + 100, False)
    assert back["version_id"] != first["version_id"]
    assert httpx.get(back["url"]).content == picture()
    assert [asset["asset_id"] for asset in sdk.api.resources_by_tag("t")["resources"]] == [first["asset_id"]]


def test_a_given_version_is_restored_by_asset_id(upload: Upload, sdk: Any, control: ControlClient) -> None:
    control.change_settings(backup=True)
    old = upload(public_id="a")
    upload(picture(9, 9), public_id="a")
    versions = sdk.api.resource("a", versions=True)["versions"]
    assert [(v["size"], v["format"], v["restorable"]) for v in versions] == [
        (old["bytes"], "png", True),
        (len(picture(9, 9)), "png", True),
    ]
    assert versions[0]["version"] == str(old["version"])
    answer = sdk.api.restore_by_asset_ids([old["asset_id"]], versions=[old["version_id"]])
    assert answer[old["asset_id"]]["etag"] == old["etag"]
    with pytest.raises(sdk.errors.BadRequest, match="versions must have as many members"):
        sdk.api.restore_by_asset_ids([old["asset_id"]], versions=["a", "b"])


def test_a_placeholder_uploaded_again_is_the_same_asset(upload: Upload, sdk: Any, clock: Any) -> None:
    first = upload(public_id="a", backup=True)
    sdk.api.delete_resources(["a"])
    clock.advance(100)
    again = upload(public_id="a")
    assert (again["asset_id"], again["created_at"]) == (first["asset_id"], first["created_at"])
    assert again["version"] == START + 100


def test_versions_from_before_and_after_a_deletion_both_come_back(upload: Upload, sdk: Any, clock: Any) -> None:
    first = upload(public_id="a", backup=True)
    sdk.api.delete_resources(["a"])
    clock.advance(100)
    second = upload(picture(9, 9), public_id="a", backup=True)
    sdk.api.delete_resources(["a"])
    versions = [version["version_id"] for version in sdk.api.resource("a", versions=True)["versions"]]
    assert versions == [first["version_id"], second["version_id"]]
    assert sdk.api.restore(["a"], versions=versions[:1])["a"]["etag"] == first["etag"]
    assert sdk.api.restore(["a"], versions=versions[1:])["a"]["etag"] == second["etag"]


def test_backed_up_versions_are_deleted_for_good(upload: Upload, sdk: Any) -> None:
    first = upload(public_id="a", backup=True)
    sdk.api.delete_resources(["a"])
    answer = sdk.api.delete_backed_up_assets(first["asset_id"], [first["version_id"], "0" * 32])
    assert answer["deleted_version_ids"] == [first["version_id"]]
    assert answer["failures"] == [{"version_id": "0" * 32, "error": "not_found"}]
    assert sdk.api.restore(["a"]) == {"a": {"error": "no_backup"}}
    assert sdk.api.resources()["resources"] == []


def test_a_delete_token_works_once_without_credentials(upload: Upload, sdk: Any, http: httpx.Client) -> None:
    token = upload(public_id="a", return_delete_token=True)["delete_token"]
    with httpx.Client(base_url=http.base_url, trust_env=False) as stranger:
        assert stranger.post("/delete_by_token", data={"token": token}).json() == {"result": "ok"}
        again = stranger.post("/image/delete_by_token", data={"token": token})
    assert (again.status_code, again.json()["error"]["message"]) == (400, "Invalid token")
    with pytest.raises(sdk.errors.NotFound):
        sdk.api.resource("a")


def test_a_delete_token_expires_after_ten_minutes(upload: Upload, http: httpx.Client, clock: StoppedClock) -> None:
    token = upload(public_id="a", return_delete_token=True)["delete_token"]
    clock.advance(601)
    assert http.post("/delete_by_token", data={"token": token}).status_code == 400


def test_the_limit_of_a_deletion_can_be_set(upload: Upload, sdk: Any, control: ControlClient) -> None:
    for name in ("x1", "x2", "x3", "y"):
        upload(public_id=name, tags="t")
    control.change_settings(delete_limit=2)
    first = sdk.api.delete_resources_by_prefix("x")
    assert (sorted(first["deleted"]), first["partial"]) == (["x1", "x2"], True)
    rest = sdk.api.delete_resources_by_prefix("x", next_cursor=first["next_cursor"])
    assert (sorted(rest["deleted"]), rest["partial"]) == (["x3"], False)
    assert "next_cursor" not in rest
    assert [a["public_id"] for a in sdk.api.resources()["resources"]] == ["y"]
