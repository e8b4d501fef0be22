"""What a notification says: every type and shape, and what is no notification at all."""

from __future__ import annotations

import json
from typing import Any

import pytest

from media_pipeline.intake.message import KNOWN_TYPES, About, Name, Unreadable, understand

ONE, TWO = "a" * 32, "b" * 32
KEY = {"resource_type": "image", "type": "upload"}

# A message of each type as cloudinary-api.md §9.4 describes it, and the assets that it names.
SHAPES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "upload": ({"asset_id": ONE, "public_id": "a", **KEY, "bytes": 3, "tags": []}, [ONE]),
    "delete": ({"resources": [{"asset_id": ONE, "public_id": "a", **KEY}, {"asset_id": TWO, **KEY}]}, [ONE, TWO]),
    "delete_by_token": ({"resources": [{"asset_id": ONE, "public_id": "a", **KEY}]}, [ONE]),
    "rename": ({"asset_id": ONE, "from_public_id": "a", "to_public_id": "b", **KEY}, [ONE]),
    "move": ({"resources": {"a": {"asset_id": ONE, "from_asset_folder": "x", "to_asset_folder": "y", **KEY}}}, [ONE]),
    "publish": ({"resources": [{"asset_id": ONE, **KEY}]}, [ONE]),
    "restore_asset_version": ({"resources": [{"asset_id": ONE, **KEY}]}, [ONE]),
    "resource_tags_changed": ({"resources": [{"asset_id": ONE, "added": ["x"], "removed": [], **KEY}]}, [ONE]),
    "resource_context_changed": ({"resources": {"a": {"asset_id": ONE, "added": [], **KEY}}}, [ONE]),
    "resource_metadata_changed": ({"resources": {"a": {"asset_id": ONE, "new_metadata": {"sku": 1}, **KEY}}}, [ONE]),
    "resource_display_name_changed": ({"resources": {"a": {"asset_id": ONE, "public_id": "a", **KEY}}}, [ONE]),
    "access_control_changed": ({"resources": [{"asset_id": ONE, "new_access_control": None, **KEY}]}, [ONE]),
    "related_assets": ({"action_type": "add", "asset_id": ONE, "total_success": 1, "total_failed": 0}, [ONE]),
    "moderation": ({"asset_id": ONE, "public_id": "a", "moderation_status": "rejected", "etag": None}, [ONE]),
    "moderation_summary": ({"asset_id": ONE}, [ONE]),
    "eager": ({"eager": [{"transformation": "w_9"}], "batch_id": "x", "asset_id": ONE, "public_id": "a"}, [ONE]),
    "error": ({"error": {"message": "no"}, "batch_id": "x"}, []),
    "info": ({"info_kind": "x", "info_data": {}, "asset_id": ONE, "public_id": "a"}, [ONE]),
    "explode": ({"pages": 1, "image_infos": [{"width": 1}]}, []),
    "multi": ({"url": "http://res.cloudinary.com/town/image/multi/v1/x.gif", "asset_id": ONE, "public_id": "x"}, [ONE]),
    "sprite": ({"css_url": "x", "asset_id": ONE, "public_id": "x"}, [ONE]),
    "generate_archive": ({"asset_id": ONE, "public_id": "x", "resource_type": "raw", "type": "upload"}, [ONE]),
    "report": ({}, []),
    "invalidate_custom_cdn": ({}, []),
    "bulk_refresh_auto_fetch": ({}, []),
    "proof_status_changed": ({"asset_id": ONE}, [ONE]),
    "create_folder": ({"folder_path": "a/b", "folder_name": "b"}, []),
    "delete_folder": ({"folder_path": "a/b", "folder_name": "b"}, []),
    "move_or_rename_asset_folder": ({"from_path": "a", "to_path": "b", "status": "completed"}, []),
}


def body(**members: Any) -> bytes:
    return json.dumps(members, ensure_ascii=False).encode()


def test_every_documented_type_has_a_shape_here() -> None:
    assert set(SHAPES) == set(KNOWN_TYPES)


@pytest.mark.parametrize("notification_type", SHAPES)
def test_each_type_names_its_assets(notification_type: str) -> None:
    members, expected = SHAPES[notification_type]

    message = understand(body(notification_type=notification_type, **members))

    assert list(message.asset_ids) == expected
    assert message.notification_type == notification_type
    assert message.about is KNOWN_TYPES[notification_type]
    assert message.names == ()


def test_a_map_names_its_assets_by_their_keys_where_the_ids_are_missing() -> None:
    told = {"a/b": {**KEY, "added": []}, "c": {"asset_id": "no id", "resource_type": "video", "type": "private"}}

    message = understand(body(notification_type="resource_context_changed", resources=told))

    assert message.asset_ids == ()
    assert message.names == (Name("a/b", "image", "upload"), Name("c", "video", "private"))


def test_a_rename_without_an_id_names_both_names() -> None:
    message = understand(body(notification_type="rename", from_public_id="a", to_public_id="b", **KEY))

    assert message.names == (Name("a", "image", "upload"), Name("b", "image", "upload"))


@pytest.mark.parametrize(
    ("url", "kinds", "cloud"),
    [
        ("https://res.cloudinary.com/town/video/private/v1/a.mp4", ("video", "private"), {"town"}),
        ("https://town-res.cloudinary.com/image/upload/v1/a.jpg", ("image", "upload"), set()),
        ("https://[broken/image/upload/a", ("", ""), set()),
        ("no address", ("", ""), set()),
    ],
)
def test_a_moderation_tells_its_kind_and_cloud_by_its_address(
    url: str, kinds: tuple[str, str], cloud: set[str]
) -> None:
    message = understand(body(notification_type="moderation", public_id="a", secure_url=url))

    assert message.names == (Name("a", *kinds),)
    assert message.cloud_names == cloud


def test_a_folder_that_was_moved_is_told_with_both_paths() -> None:
    message = understand(body(notification_type="move_or_rename_asset_folder", from_path="a", to_path="b/c"))

    assert (message.about, message.folders) == (About.FOLDER_TREE, ("a", "b/c"))


def test_cause_time_and_request_are_kept_for_people() -> None:
    context = {"triggered_at": "2026-06-25T09:46:20.123+00:00", "triggered_by": {"source": "ui", "id": "a@b.example"}}

    message = understand(body(notification_type="upload", request_id="f" * 32, notification_context=context))

    assert message.triggered_at is not None
    assert message.triggered_at.isoformat() == "2026-06-25T09:46:20.123000+00:00"
    assert (message.triggered_by, message.request_id) == ("ui:a@b.example", "f" * 32)


@pytest.mark.parametrize("at", ["1970-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "yesterday", None, 7, "2026-01-01"])
def test_an_odd_time_is_none(at: object) -> None:
    message = understand(body(notification_type="upload", asset_id=ONE, notification_context={"triggered_at": at}))

    assert message.triggered_at is None
    assert message.asset_ids == (ONE,)


@pytest.mark.parametrize(
    "members",
    [
        {"notification_type": "brand_new", "asset_id": ONE},
        {"notification_type": ["upload"], "asset_id": ONE},
        {"asset_id": ONE},
    ],
)
def test_an_unknown_type_still_names_its_assets(members: dict[str, Any]) -> None:
    message = understand(body(**members))

    assert (message.about, message.asset_ids) == (None, (ONE,))


@pytest.mark.parametrize("asset_id", ["A" * 32, ONE + "\n", "g" * 32, "", 7, None, [ONE], ONE[:-1]])
def test_what_is_no_asset_id_is_none(asset_id: object) -> None:
    assert understand(body(notification_type="upload", asset_id=asset_id)).asset_ids == ()


def test_a_name_that_postgres_cannot_hold_is_left_out() -> None:
    told = [{"public_id": "a\x00b"}, {"public_id": "x" * 5000}, {"public_id": ""}, {"public_id": 7}, "a", None]

    assert understand(json.dumps({"notification_type": "delete", "resources": told}).encode()).names == ()
    assert understand(b'{"notification_type": "upload", "public_id": "\\ud800"}').names == ()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "bad_json"),
        (b"{", "bad_json"),
        (b'{"a": 1} x', "bad_json"),
        (b"[1]", "not_object"),
        (b'"a"', "not_object"),
        (b"null", "not_object"),
        (b'{"public_id": "safe", "public_id": "evil"}', "duplicate_key"),
        (b'{"a": {"b": 1, "b": 2}}', "duplicate_key"),
        (b'{"a": NaN}', "non_finite"),
        (b'{"a": -Infinity}', "non_finite"),
        (b'{"a": 1e999}', "non_finite"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "limits"),
        (b'{"a": ' + b"9" * 5000 + b"}", "limits"),
        ('{"a": 1}'.encode("utf-16"), "encoding"),
        ('\ufeff{"a": 1}'.encode(), "encoding"),
        (b'{"a": "\xff"}', "encoding"),
    ],
)
def test_what_is_no_notification_is_said_with_its_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as error:
        understand(raw)

    assert error.value.reason == reason
    assert error.value.detail
