"""What notifications say: every type that an operation of the emulator causes, in Cloudinary's shape."""

from __future__ import annotations

import io
import re
from typing import Any

import httpx
import pytest
from PIL import Image

from media_pipeline.emulator.config import USER_HEADER
from media_pipeline.emulator.control import ControlClient
from media_pipeline_tests.emulator.conftest import START, StoppedClock, Upload
from media_pipeline_tests.emulator.material import picture
from media_pipeline_tests.emulator.receiver import Receiver

NOW = "2024-06-25T08:58:20+00:00"
CONTEXT = {
    "triggered_at": "2024-06-25T08:58:20.000+00:00",
    "triggered_by": {"source": "api", "id": "123456789012345"},
}
SHARED = {"notification_type", "timestamp", "request_id", "notification_context", "signature_key", "source"}


def told(control: ControlClient, hook: Receiver, event_type: str) -> dict[str, Any]:
    """The members of the only notification of a type, after a check of those that all share."""
    control.settle_notifications()
    [document] = hook.documents(event_type)
    assert document["notification_context"] == CONTEXT
    assert document["signature_key"] == "123456789012345"
    if "timestamp" in document:
        assert document["timestamp"] == NOW
        assert re.fullmatch("[0-9a-f]{32}", document["request_id"])
    return {name: value for name, value in document.items() if name not in SHARED}


def types(hook: Receiver) -> list[str]:
    return [document["notification_type"] for document in hook.documents()]


def address(asset: dict[str, Any]) -> dict[str, Any]:
    return {name: asset[name] for name in ("resource_type", "type", "asset_id", "public_id")}


def test_an_upload_tells_its_answer_without_the_signature(
    upload: Upload, control: ControlClient, hook: Receiver
) -> None:
    answer = upload(public_id="a", asset_folder="x", tags="t", context={"k": "v"})
    expected = {name: value for name, value in answer.items() if name not in ("signature", "request_id", "api_key")}
    assert told(control, hook, "upload") == expected
    assert hook.documents()[0]["request_id"] == answer["request_id"]


def test_a_change_in_the_console_names_its_user(
    upload: Upload, http: httpx.Client, control: ControlClient, hook: Receiver
) -> None:
    upload(public_id="a", asset_folder="x")
    user = {USER_HEADER: "someone@example.com"}
    http.post("/resources/image/upload/a", data={"tags": "t"}, headers=user)
    http.post("/image/tags", data={"command": "add", "tag": "u", "public_ids[]": "a"}, headers=user)
    http.request("DELETE", "/resources/image/upload", json={"public_ids": ["a"]}, headers=user)
    control.settle_notifications()
    by = {"source": "ui", "id": "someone@example.com"}
    told_of = hook.documents("resource_tags_changed", "delete")
    assert [document["notification_context"]["triggered_by"] for document in told_of] == [by] * 3
    assert [document.get("source") for document in told_of] == ["ui", "ui", None]
    assert hook.documents("upload")[0]["notification_context"]["triggered_by"]["source"] == "api"


@pytest.mark.parametrize("event_type", ["info", "moderation_summary", "report", "a_type_of_tomorrow"])
def test_a_message_without_a_cause_here_can_be_sent(control: ControlClient, hook: Receiver, event_type: str) -> None:
    control.notify(event_type, asset_id="0" * 32, info_kind="captioning")
    assert told(control, hook, event_type) == {"asset_id": "0" * 32, "info_kind": "captioning"}


def test_an_overwriting_and_a_needless_upload_say_so(upload: Upload, control: ControlClient, hook: Receiver) -> None:
    upload(public_id="a")
    upload(picture(9, 9), public_id="a")
    upload(public_id="a", overwrite=False)
    control.settle_notifications()
    first, second, third = hook.documents("upload")
    assert ("overwritten" in first, second["overwritten"], third["existing"]) == (False, True, True)


@pytest.mark.parametrize("way", ["destroy", "delete", "asset_ids"])
def test_a_deletion_tells_an_array_without_time(
    upload: Upload, sdk: Any, control: ControlClient, hook: Receiver, way: str
) -> None:
    asset = upload(public_id="a", asset_folder="x")
    if way == "destroy":
        sdk.uploader.destroy("a")
    elif way == "delete":
        sdk.api.delete_resources(["a", "nobody"])
    else:
        sdk.api.delete_resources_by_asset_ids([asset["asset_id"]])
    members = told(control, hook, "delete")
    assert members == {
        "resources": [address(asset) | {"version": START, "asset_folder": "x", "display_name": "a"}],
    }
    assert "timestamp" not in hook.documents("delete")[0]


def test_many_deletions_of_a_call_are_one_message(
    upload: Upload, sdk: Any, control: ControlClient, hook: Receiver
) -> None:
    for name in "abc":
        upload(public_id=name)
    sdk.api.delete_all_resources()
    assert [a["public_id"] for a in told(control, hook, "delete")["resources"]] == ["a", "b", "c"]


def test_nothing_deleted_is_nothing_told(sdk: Any, upload: Upload, control: ControlClient, hook: Receiver) -> None:
    upload(public_id="a", eager="w_4")
    sdk.uploader.destroy("nobody")
    sdk.api.delete_resources(["nobody"])
    sdk.api.delete_resources(["a"], keep_original=True)
    control.settle_notifications()
    assert types(hook) == ["upload"]


def test_a_deletion_by_token_has_a_type_of_its_own(
    upload: Upload, http: httpx.Client, control: ControlClient, hook: Receiver
) -> None:
    asset = upload(public_id="a", return_delete_token=True)
    http.post("/delete_by_token", data={"token": asset["delete_token"]})
    [gone] = told(control, hook, "delete_by_token")["resources"]
    assert gone["asset_id"] == asset["asset_id"]


def test_a_rename_tells_both_names(upload: Upload, sdk: Any, control: ControlClient, hook: Receiver) -> None:
    asset = upload(public_id="a", asset_folder="x")
    sdk.uploader.rename("a", "b")
    assert told(control, hook, "rename") == {
        "resource_type": "image",
        "type": "upload",
        "asset_id": asset["asset_id"],
        "asset_folder": "x",
        "display_name": "a",
        "from_public_id": "a",
        "to_public_id": "b",
    }


def test_a_move_tells_a_map(upload: Upload, sdk: Any, control: ControlClient, hook: Receiver) -> None:
    asset = upload(public_id="a", asset_folder="x")
    sdk.api.update("a", asset_folder="y/z")
    assert told(control, hook, "move") == {
        "resources": {
            "a": {
                "resource_type": "image",
                "type": "upload",
                "asset_id": asset["asset_id"],
                "from_asset_folder": "x",
                "to_asset_folder": "y/z",
                "display_name": "a",
            }
        }
    }
    assert hook.documents("move")[0]["source"] == "api"


def test_tags_tell_an_array(upload: Upload, sdk: Any, control: ControlClient, hook: Receiver) -> None:
    first, second = upload(public_id="a", tags="old"), upload(public_id="b", tags="new")
    sdk.uploader.replace_tag("new", ["a", "b"])
    assert told(control, hook, "resource_tags_changed") == {
        "resources": [address(first) | {"added": ["new"], "removed": ["old"]}]
    }
    hook.clear()
    sdk.uploader.add_tag("new", ["a"], exclusive=True)
    members = told(control, hook, "resource_tags_changed")
    assert members == {"resources": [address(second) | {"added": [], "removed": ["new"]}]}


def test_context_tells_a_map_of_names_and_values(
    upload: Upload, sdk: Any, control: ControlClient, hook: Receiver
) -> None:
    upload(public_id="a", context={"kept": "1", "changed": "2", "gone": "3"})
    sdk.api.update("a", context={"kept": "1", "changed": "4", "new": "5"})
    told_of = told(control, hook, "resource_context_changed")["resources"]["a"]
    assert (told_of["added"], told_of["removed"], told_of["updated"]) == (
        [{"name": "new", "value": "5"}],
        [{"name": "gone", "value": "3"}],
        [{"name": "changed", "value": "4"}],
    )
    assert "public_id" not in told_of


def test_metadata_tells_before_and_after(upload: Upload, sdk: Any, control: ControlClient, hook: Receiver) -> None:
    sdk.api.add_metadata_field({"external_id": "stock", "label": "Stock", "type": "integer"})
    asset = upload(public_id="a", metadata={"stock": 5})
    sdk.uploader.update_metadata({"stock": 4}, ["a"])
    assert told(control, hook, "resource_metadata_changed")["resources"] == {
        "a": {
            "resource_type": "image",
            "type": "upload",
            "asset_id": asset["asset_id"],
            "previous_metadata": {"stock": 5},
            "new_metadata": {"stock": 4},
        }
    }


def test_display_name_and_access_control_have_types_of_their_own(
    upload: Upload, sdk: Any, control: ControlClient, hook: Receiver
) -> None:
    asset = upload(public_id="a")
    sdk.api.update("a", display_name="Other", access_control={"access_type": "token"})
    assert told(control, hook, "resource_display_name_changed")["resources"]["a"] == {
        "resource_type": "image",
        "type": "upload",
        "asset_id": asset["asset_id"],
        "public_id": "a",
        "asset_folder": "",
        "previous_display_name": "a",
        "new_display_name": "Other",
    }
    [access] = told(control, hook, "access_control_changed")["resources"]
    assert access == address(asset) | {
        "previous_access_control": None,
        "new_access_control": [{"access_type": "token"}],
    }


def test_explicit_tells_its_changes_and_nothing_when_there_are_none(
    upload: Upload, sdk: Any, control: ControlClient, hook: Receiver
) -> None:
    upload(public_id="a", tags="x")
    sdk.uploader.explicit("a", type="upload")
    sdk.uploader.explicit("a", type="upload", tags="x")
    control.settle_notifications()
    assert types(hook) == ["upload"]
    sdk.uploader.explicit("a", type="upload", tags="y", context="k=v")
    control.settle_notifications()
    assert types(hook)[1:] == ["resource_tags_changed", "resource_context_changed"]


def test_folders_come_move_and_go(sdk: Any, upload: Upload, control: ControlClient, hook: Receiver) -> None:
    sdk.api.create_folder("x/y")
    assert told(control, hook, "create_folder") == {"folder_path": "x/y", "folder_name": "y"}
    sdk.api.rename_folder("x/y", "x/z")
    moved = told(control, hook, "move_or_rename_asset_folder")
    assert (moved["from_path"], moved["to_path"]) == ("x/y", "x/z")
    sdk.api.delete_folder("x/z")
    assert told(control, hook, "delete_folder") == {"folder_path": "x/z", "folder_name": "z"}


def test_a_moved_folder_tells_nothing_of_its_assets(
    sdk: Any, upload: Upload, control: ControlClient, hook: Receiver
) -> None:
    upload(asset_folder="x")
    sdk.api.rename_folder("x", "y")
    control.settle_notifications()
    assert types(hook) == ["upload", "move_or_rename_asset_folder"]


def test_a_verdict_tells_no_kind_and_of_a_rejected_asset_no_etag(
    upload: Upload, sdk: Any, control: ControlClient, hook: Receiver
) -> None:
    asset = upload(public_id="a", moderation="manual")
    sdk.api.update("a", moderation_status="rejected")
    members = told(control, hook, "moderation")
    assert members == {
        "moderation_status": "rejected",
        "moderation_kind": "manual",
        "moderation_response": {},
        "moderation_updated_at": "2024-06-25T08:58:20Z",
        "asset_id": asset["asset_id"],
        "public_id": "a",
        "uploaded_at": "2024-06-25T08:58:20Z",
        "version": START,
        "url": asset["url"],
        "secure_url": asset["secure_url"],
        "etag": None,
    }


def test_relations_tell_how_many(upload: Upload, sdk: Any, control: ControlClient, hook: Receiver) -> None:
    asset = upload(public_id="a")
    upload(public_id="b")
    sdk.api.add_related_assets("a", ["image/upload/b", "image/upload/nobody"])
    assert told(control, hook, "related_assets") == {
        "action_type": "add",
        "asset_id": asset["asset_id"],
        "total_success": 1,
        "total_failed": 1,
    }


def test_what_is_derived_later_has_a_message_of_its_own(upload: Upload, control: ControlClient, hook: Receiver) -> None:
    answer = upload(public_id="a", eager="w_4", eager_async=True, batch_id="b1")
    [item] = answer["eager"]
    assert (item["status"], item["batch_id"]) == ("processing", "b1")
    members = told(control, hook, "eager")
    [made] = members["eager"]
    assert set(made) == {"transformation", "width", "height", "bytes", "format", "url", "secure_url"}
    assert (members["batch_id"], members["asset_id"], members["public_id"]) == ("b1", answer["asset_id"], "a")


def test_an_asynchronous_upload_is_told_by_message(
    upload: Upload, sdk: Any, control: ControlClient, hook: Receiver
) -> None:
    answer = sdk.uploader.upload(picture(), public_id="a", **{"async": True})
    assert (answer["status"], answer["public_id"], answer["resource_type"]) == ("pending", "a", "image")
    assert told(control, hook, "upload")["public_id"] == "a"
    failing = sdk.uploader.upload(b"no picture", public_id="b", **{"async": True})
    assert told(control, hook, "error") == {
        "error": {"message": "Invalid image file"},
        "batch_id": failing["batch_id"],
    }


def test_composites_and_archives_tell_their_answers(
    upload: Upload, sdk: Any, control: ControlClient, hook: Receiver
) -> None:
    upload(public_id="a", tags="t")
    made = sdk.uploader.multi(tag="t")
    assert told(control, hook, "multi")["url"] == made["url"]
    archive = sdk.uploader.create_zip(tags=["t"])
    told_of = told(control, hook, "generate_archive")
    assert (told_of["public_id"], told_of["file_count"]) == (archive["public_id"], 1)
    assert "signature" not in told_of


def test_pages_are_told_without_time(upload: Upload, sdk: Any, control: ControlClient, hook: Receiver) -> None:
    target = io.BytesIO()
    Image.new("RGB", (6, 4), "red").save(target, "GIF", save_all=True, append_images=[Image.new("RGB", (6, 4), "blue")])
    upload(target.getvalue(), public_id="a")
    sdk.uploader.explode("a", page="all", format="png")
    members = told(control, hook, "explode")
    assert (members["pages"], len(members["image_infos"])) == (2, 2)
    assert set(members["image_infos"][0]) == {"width", "height", "bytes", "url", "secure_url"}
    assert "timestamp" not in hook.documents("explode")[0]


def test_publishing_and_restoring_name_their_assets(
    upload: Upload, sdk: Any, control: ControlClient, hook: Receiver, clock: StoppedClock
) -> None:
    private = upload(public_id="p", type="private")
    sdk.api.publish_by_ids(["p"])
    [published] = told(control, hook, "publish")["resources"]
    assert (published["asset_id"], published["type"]) == (private["asset_id"], "upload")
    kept = upload(public_id="a", backup=True)
    sdk.api.delete_resources(["a"])
    sdk.api.restore(["a"])
    [restored] = told(control, hook, "restore_asset_version")["resources"]
    assert restored["asset_id"] == kept["asset_id"]
