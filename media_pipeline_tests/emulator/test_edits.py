"""Changes that keep the bytes: who changes what, and what stays as it was."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from media_pipeline_tests.emulator.conftest import Upload
from media_pipeline_tests.emulator.material import picture

LATER = "2024-06-25T09:00:00+00:00"
START_TEXT = "2024-06-25T08:58:20+00:00"
STABLE = ("asset_id", "version", "created_at", "bytes")


def changed_times(document: dict[str, Any]) -> set[str]:
    """Names of the times that moved to the second moment of a test."""
    return {name.removesuffix("_at") for name, time in document["last_updated"].items() if time == LATER}


@pytest.mark.parametrize(
    ("changes", "expected", "times"),
    [
        ({"tags": "z,y"}, {"tags": ["y", "z"]}, {"tags_updated", "updated"}),
        ({"tags": ""}, {"tags": None}, {"tags_updated", "updated"}),
        ({"context": {"k2": "v"}}, {"context": {"custom": {"k2": "v"}}}, {"context_updated", "updated"}),
        ({"context": ""}, {"context": None}, {"context_updated", "updated"}),
        ({"metadata": {"stock": 7}}, {"metadata": {"stock": 7}}, {"metadata_updated", "updated"}),
        ({"display_name": "New"}, {"display_name": "New"}, {"updated"}),
        ({"asset_folder": "new/place"}, {"asset_folder": "new/place"}, {"updated"}),
        ({"asset_folder": ""}, {"asset_folder": ""}, {"updated"}),
        (
            {"access_control": {"access_type": "token"}},
            {"access_control": [{"access_type": "token"}]},
            {"access_control_updated", "updated"},
        ),
        ({"tags": "b,a", "context": {"k": "v"}, "asset_folder": "old", "display_name": "Old"}, {}, set()),
    ],
)
def test_an_update_changes_what_it_names_and_moves_its_time(
    upload: Upload, sdk: Any, clock: Any, changes: dict[str, Any], expected: dict[str, Any], times: set[str]
) -> None:
    sdk.api.add_metadata_field({"external_id": "stock", "type": "integer", "label": "Stock"})
    first = upload(
        public_id="a", tags="b,a", context={"k": "v"}, asset_folder="old", display_name="Old", metadata={"stock": 1}
    )
    clock.advance(100)
    document = sdk.api.update("a", **changes)
    assert {name: document.get(name) for name in expected} == expected
    assert changed_times(document) == times
    assert {name: document[name] for name in STABLE} == {name: first[name] for name in STABLE}
    assert sdk.api.resource("a") == document


def test_an_update_may_name_the_asset_by_its_id(upload: Upload, http: httpx.Client) -> None:
    asset_id = upload(public_id="a", tags="x")["asset_id"]
    answer = http.put(f"/resources/{asset_id}", json={"tags": "y", "context": None, "display_name": None})
    assert (answer.status_code, answer.json()["tags"]) == (200, ["y"])


def test_an_update_may_be_a_form(upload: Upload, http: httpx.Client) -> None:
    upload(public_id="ä b/c")
    answer = http.post("/resources/image/upload/%C3%A4%20b/c", data={"tags": "x,y"})
    assert answer.json()["tags"] == ["x", "y"]


def test_a_body_that_is_no_object_is_refused(upload: Upload, http: httpx.Client) -> None:
    upload(public_id="a")
    answer = http.post("/resources/image/upload/a", content=b"[1", headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "The body is not a JSON object")


def test_an_unknown_asset_cannot_be_updated(sdk: Any) -> None:
    with pytest.raises(sdk.errors.NotFound, match="Error 404 - Resource not found - nobody/here"):
        sdk.api.update("nobody/here", tags="x")


def test_explicit_with_only_a_name_reads_and_changes_nothing(upload: Upload, sdk: Any, clock: Any) -> None:
    first = upload(public_id="a", tags="x", context={"k": "v"})
    before = sdk.api.resource("a")
    clock.advance(100)
    answer = sdk.uploader.explicit("a", type="upload")
    assert sdk.api.resource("a") == before
    assert set(first) - set(answer) == {"original_filename", "api_key"}
    assert {name: answer[name] for name in answer if name != "request_id"} == {
        name: first[name] for name in answer if name != "request_id"
    }


def test_explicit_replaces_what_it_names(upload: Upload, sdk: Any) -> None:
    upload(public_id="a", tags="x", context={"k": "v"})
    answer = sdk.uploader.explicit("a", type="upload", tags="y", context={"k2": "v2"}, asset_folder="f")
    assert (answer["tags"], answer["context"], answer["asset_folder"]) == (["y"], {"custom": {"k2": "v2"}}, "f")


def test_explicit_on_an_unknown_asset_is_a_404(sdk: Any) -> None:
    with pytest.raises(sdk.errors.NotFound) as refused:
        sdk.uploader.explicit("nobody", type="upload")
    assert str(refused.value) == "Resource not found - nobody"


def test_a_rename_keeps_everything_but_the_name(upload: Upload, sdk: Any, clock: Any) -> None:
    first = upload(public_id="old name", tags="x", context={"k": "v"}, asset_folder="f")
    clock.advance(100)
    answer = sdk.uploader.rename("old name", "new/náme")
    for name in ("asset_id", "version", "version_id", "created_at", "etag", "tags", "asset_folder", "display_name"):
        assert answer[name] == first[name]
    assert answer["public_id"] == "new/náme"
    assert answer["signature"] != first["signature"]
    assert not {"context", "metadata"} & set(answer)
    assert changed_times(sdk.api.resource("new/náme")) == {"public_id_updated", "updated"}
    with pytest.raises(sdk.errors.NotFound):
        sdk.api.resource("old name")


def test_a_rename_tells_context_and_metadata_when_asked(upload: Upload, sdk: Any) -> None:
    upload(public_id="a", context={"k": "v"})
    assert sdk.uploader.rename("a", "b", context=True, metadata=True)["context"] == {"custom": {"k": "v"}}


def test_a_rename_onto_a_taken_name_needs_overwrite(upload: Upload, sdk: Any) -> None:
    source, target = upload(public_id="a"), upload(picture(9, 9), public_id="b")
    with pytest.raises(sdk.errors.BadRequest, match="to_public_id b already exists"):
        sdk.uploader.rename("a", "b")
    assert sdk.uploader.rename("a", "b", overwrite=True)["asset_id"] == source["asset_id"]
    listed = sdk.api.resources_by_asset_ids([source["asset_id"], target["asset_id"]])["resources"]
    assert [(asset["asset_id"], asset["public_id"]) for asset in listed] == [(source["asset_id"], "b")]


def test_a_rename_may_change_the_delivery_type(upload: Upload, sdk: Any) -> None:
    upload(public_id="a")
    answer = sdk.uploader.rename("a", "a", to_type="authenticated")
    assert answer["type"] == "authenticated"
    assert re.search(r"/image/authenticated/s--[\w-]{8}--/v\d+/a\.png$", answer["url"])


@pytest.mark.parametrize(
    ("command", "tags"),
    [
        (lambda uploader: uploader.add_tag("x,new", ["a", "b", "nobody"]), (["new", "x", "y"], ["new", "x"])),
        (lambda uploader: uploader.remove_tag("x", ["a", "b"]), (["y"], [])),
        (lambda uploader: uploader.replace_tag("only", ["a"]), (["only"], ["x"])),
        (lambda uploader: uploader.remove_all_tags(["a", "b"]), ([], [])),
        (lambda uploader: uploader.add_tag("x", ["a"], exclusive=True), (["x", "y"], [])),
    ],
)
def test_tag_commands(upload: Upload, sdk: Any, command: Any, tags: tuple[list[str], list[str]]) -> None:
    upload(public_id="a", tags="x,y")
    upload(public_id="b", tags="x")
    answer = command(sdk.uploader)
    assert set(answer["public_ids"]) <= {"a", "b"}
    assert (sdk.api.resource("a").get("tags", []), sdk.api.resource("b").get("tags", [])) == tags


def test_adding_a_tag_that_is_there_moves_no_time(upload: Upload, sdk: Any, clock: Any) -> None:
    upload(public_id="a", tags="x")
    clock.advance(100)
    sdk.uploader.add_tag("x", ["a"])
    assert changed_times(sdk.api.resource("a")) == set()


def test_at_most_a_thousand_tag_operations_in_a_call(upload: Upload, sdk: Any) -> None:
    with pytest.raises(sdk.errors.BadRequest, match="Too many operations"):
        sdk.uploader.add_tag("x,y,z", [f"n{number}" for number in range(334)])
    assert sdk.uploader.add_tag("x,y,z", [f"n{number}" for number in range(333)])["public_ids"] == []


def test_context_is_merged_per_key_and_removed_whole(upload: Upload, sdk: Any) -> None:
    upload(public_id="a", context={"k": "v", "other": "kept"})
    answer = sdk.uploader.add_context({"k": "a=b|c", "new": "ü\nzwei"}, ["a", "nobody"])
    assert answer["public_ids"] == ["a"]
    assert sdk.api.resource("a")["context"] == {"custom": {"k": "a=b|c", "other": "kept", "new": "ü\nzwei"}}
    sdk.uploader.remove_all_context(["a"])
    assert "context" not in sdk.api.resource("a")


def test_manual_moderation_is_decided_by_an_update(upload: Upload, sdk: Any) -> None:
    upload(public_id="a", moderation="manual")
    pending = sdk.api.resources_by_moderation("manual", "pending")["resources"]
    assert [asset["public_id"] for asset in pending] == ["a"]
    moderation = sdk.api.update("a", moderation_status="approved")["moderation"]
    assert moderation == [{"kind": "manual", "status": "approved", "updated_at": "2024-06-25T08:58:20Z"}]
    listed = sdk.api.resources(moderations=True)["resources"][0]
    assert (listed["moderation_kind"], listed["moderation_status"]) == ("manual", "approved")


def test_a_rejected_asset_is_a_placeholder_until_it_is_approved(upload: Upload, sdk: Any) -> None:
    first = upload(public_id="a", moderation="manual")
    sdk.api.update("a", moderation_status="rejected")
    listed = sdk.api.resources()["resources"][0]
    assert (listed["placeholder"], listed["bytes"], listed["backup"]) == (True, 0, True)
    document = sdk.api.update("a", moderation_status="approved")
    assert (document["bytes"], document["asset_id"]) == (first["bytes"], first["asset_id"])
    assert "placeholder" not in document
