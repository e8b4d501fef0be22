"""What the official Python SDK's own tests expect of a server, one test for each behaviour.

Belongs here: behaviours seen through the SDK alone. Not here: the same things in detail, see the tests by topic.
"""

from __future__ import annotations

import hashlib
import io
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from media_pipeline.emulator.server import EmulatorConfig
from media_pipeline_tests.emulator.conftest import StoppedClock, Upload
from media_pipeline_tests.emulator.material import picture

LOGO = picture(241, 51)


def test_limits_and_request_ids_come_with_every_answer(sdk: Any) -> None:
    for answer in (sdk.api.ping(), sdk.api.root_folders(), sdk.api.resource_types()):
        assert (answer.rate_limit_allowed, type(answer.rate_limit_reset_at)) == (5000, tuple)
        assert 0 < answer.rate_limit_remaining < 5000
        assert re.fullmatch("[0-9a-f]{32}", answer.request_id)
        assert "request_id" not in answer


def test_a_cursor_leads_to_another_asset(upload: Upload, sdk: Any) -> None:
    ids = {upload()["public_id"] for _ in range(2)}
    first = sdk.api.resources(max_results=1)
    second = sdk.api.resources(max_results=1, next_cursor=first["next_cursor"])
    assert {first["resources"][0]["public_id"], second["resources"][0]["public_id"]} == ids


def test_assets_are_listed_by_context(upload: Upload, sdk: Any) -> None:
    upload(context="key=one")
    upload(context="key=two")
    assert len(sdk.api.resources_by_context("key")["resources"]) == 2
    assert len(sdk.api.resources_by_context("key", "one")["resources"]) == 1


def test_a_detail_has_exact_bytes_and_one_derived_asset(upload: Upload, sdk: Any) -> None:
    eager = [{"crop": "scale", "width": 100, "overlay": "text:arial_20:12345"}]
    asset = upload(LOGO, public_id="a", eager=eager, context="key=value", tags=["t"])
    for detail in (sdk.api.resource("a"), sdk.api.resource_by_asset_id(asset["asset_id"])):
        assert (detail["public_id"], detail["bytes"], len(detail["derived"])) == ("a", len(LOGO), 1)


@pytest.mark.parametrize(
    "listing", ["resources", "resources_by_tag", "resources_by_context", "resources_by_moderation"]
)
def test_structured_metadata_is_listed_when_asked_for(upload: Upload, sdk: Any, listing: str) -> None:
    sdk.api.add_metadata_field({"external_id": "f", "label": "F", "type": "string", "default_value": "given"})
    upload(public_id="a", tags="t", context="k=v", moderation="manual")
    arguments = {"resources_by_tag": ["t"], "resources_by_context": ["k", "v"],
                 "resources_by_moderation": ["manual", "pending"]}.get(listing, [])  # fmt: skip
    [with_it] = getattr(sdk.api, listing)(*arguments, metadata=True)["resources"]
    [without] = getattr(sdk.api, listing)(*arguments, metadata=False)["resources"]
    assert (with_it["metadata"], "metadata" in without) == ({"f": "given"}, False)


def test_a_deleted_asset_with_a_backup_is_a_placeholder_and_comes_back(upload: Upload, sdk: Any) -> None:
    upload(LOGO, public_id="a", backup=True)
    sdk.api.delete_resources(["a"])
    gone = sdk.api.resource("a")
    assert (gone["bytes"], gone["placeholder"]) == (0, True)
    assert sdk.api.restore(["a"])["a"]["bytes"] == len(LOGO)
    assert sdk.api.resource("a")["bytes"] == len(LOGO)


def test_a_moderation_is_pending_until_somebody_decides(upload: Upload, sdk: Any) -> None:
    [waiting] = upload(public_id="a", moderation="manual")["moderation"]
    assert (waiting["status"], waiting["kind"]) == ("pending", "manual")
    [decided] = sdk.api.update("a", moderation_status="approved")["moderation"]
    assert (decided["status"], decided["kind"]) == ("approved", "manual")


def test_illegal_values_are_refused_with_their_words(upload: Upload, sdk: Any) -> None:
    upload(public_id="a")
    upload(b"PK", public_id="doc", resource_type="raw")
    for name in ("categorization", "detection", "background_removal", "ocr"):
        with pytest.raises(sdk.errors.BadRequest, match="Illegal value"):
            sdk.api.update("a", **{name: "illegal"})
    with pytest.raises(sdk.errors.BadRequest, match="Illegal value"):
        sdk.api.update("doc", resource_type="raw", raw_convert="illegal")
    with pytest.raises(sdk.errors.Error, match="Raw convert is invalid"):
        upload(b"PK", resource_type="raw", raw_convert="illegal")


def test_transformations_are_listed_parsed_changed_and_deleted(upload: Upload, sdk: Any) -> None:
    scale = {"crop": "scale", "width": 100, "overlay": "text:arial_20:12345"}
    upload(eager=[scale])
    assert sdk.api.transformations()["transformations"][0]["used"] is True
    for asked in (scale, "c_scale,l_text:arial_20:12345,w_100"):
        assert sdk.api.transformation(asked)["info"] == [scale]
    sdk.api.create_transformation("named", {"crop": "scale", "width": 102})
    sdk.api.update_transformation("named", unsafe_update={"crop": "scale", "width": 103})
    changed = sdk.api.transformation("named")
    assert (changed["info"], changed["used"]) == ([{"crop": "scale", "width": 103}], False)
    sdk.api.delete_transformation("named")
    with pytest.raises(sdk.errors.NotFound):
        sdk.api.transformation("named")


def test_usage_config_and_mappings(sdk: Any, clock: StoppedClock) -> None:
    keys = {"plan", "last_updated", "transformations", "objects", "bandwidth", "storage", "requests", "resources",
            "derived_resources", "media_limits"}  # fmt: skip
    yesterday = datetime.fromtimestamp(clock.seconds - 86_400, UTC)
    for usage in (sdk.api.usage(), sdk.api.usage(date=yesterday), sdk.api.usage(date=yesterday.strftime("%d-%m-%Y"))):
        assert keys <= usage.keys()
        assert not {"limit", "used_percent"} & usage["bandwidth"].keys()
    assert "settings" not in sdk.api.config()
    assert sdk.api.config(settings=True)["cloud_name"] == "emu-tests"
    sdk.api.create_upload_mapping("m", template="http://example.com")
    assert sdk.api.upload_mapping("m")["template"] == "http://example.com"


@pytest.mark.parametrize("large", [False, True])
def test_the_answer_is_signed(sdk: Any, config: EmulatorConfig, upload: Upload, large: bool) -> None:
    source = upload(LOGO)["secure_url"] if large else LOGO
    answer = (sdk.uploader.upload_large if large else sdk.uploader.upload)(source)
    signed = {"public_id": answer["public_id"], "version": answer["version"]}
    assert answer["signature"] == sdk.utils.api_sign_request(signed, config.api_secret)
    assert (answer["width"], answer["height"]) == (241, 51)


def test_files_and_their_names(sdk: Any, tmp_path: Path) -> None:
    path = tmp_path / "üni_näme_lögö.png"
    path.write_bytes(LOGO)
    plain = sdk.uploader.upload(str(path), use_filename=True, unique_filename=False)
    assert (plain["public_id"], plain["original_filename"]) == ("üni_näme_lögö", "üni_näme_lögö")
    assert re.fullmatch("üni_näme_lögö_[a-z0-9]{6}", sdk.uploader.upload(path, use_filename=True)["public_id"])
    assert sdk.uploader.upload(io.BytesIO(LOGO))["original_filename"] == "stream"
    assert sdk.uploader.upload(io.BytesIO(LOGO), filename="custom.png")["original_filename"] == "custom"
    assert sdk.uploader.upload(str(path), filename_override="overridden")["original_filename"] == "overridden"


def test_rename_conflicts_unless_it_may_overwrite(upload: Upload, sdk: Any) -> None:
    upload(public_id="a")
    sdk.uploader.rename("a", "b")
    upload(picture(16, 16, kind="ICO"), public_id="icon")
    with pytest.raises(sdk.errors.Error):
        sdk.uploader.rename("icon", "b")
    sdk.uploader.rename("icon", "b", overwrite=True)
    assert sdk.api.resource("b")["format"] == "ico"


def test_explicit_of_an_unknown_asset_is_a_404(sdk: Any) -> None:
    with pytest.raises(sdk.errors.NotFound, match="Resource not found"):
        sdk.uploader.explicit("nobody", type="upload", tags=["t"])
    answer = sdk.uploader.explicit("nobody", type="upload", return_error=True)
    assert (answer["error"]["http_code"], answer["error"]["message"][:18]) == (404, "Resource not found")


def test_tags_are_added_removed_replaced_and_sorted(upload: Upload, sdk: Any) -> None:
    for name in "ab":
        upload(public_id=name, tags=["z"])
    sdk.uploader.add_tag("tag2,tag1", ["a", "b"])
    assert sdk.api.resource("a")["tags"] == ["tag1", "tag2", "z"]
    sdk.uploader.remove_tag(["tag1", "tag2"], "a")
    assert sdk.api.resource("a")["tags"] == ["z"]
    sdk.uploader.replace_tag("tag3", "a")
    assert sdk.api.resource("a")["tags"] == ["tag3"]
    sdk.uploader.remove_all_tags(["a", "b"])
    assert "tags" not in sdk.api.resource("a")
    assert "tags" not in sdk.api.resource("b")


def test_context_survives_its_own_separators(upload: Upload, sdk: Any) -> None:
    context = {"caption": "some caption", "alt": "alternative|alt=a"}
    upload(public_id="a", context=context)
    assert sdk.api.resource("a", context=True)["context"] == {"custom": context}
    sdk.uploader.remove_all_context("a")
    assert "context" not in sdk.api.resource("a", context=True)
    sdk.uploader.add_context(context, "a")
    assert sdk.api.resource("a", context=True)["context"] == {"custom": context}


def test_metadata_is_written_by_every_call_that_may(upload: Upload, sdk: Any) -> None:
    entries = [{"value": "v1", "external_id": "e1"}, {"value": "v2", "external_id": "e2"}]
    sdk.api.add_metadata_field({"external_id": "text", "label": "Text", "type": "string"})
    sdk.api.add_metadata_field({"external_id": "set", "label": "Set", "type": "set", "datasource": {"values": entries}})
    metadata = {"text": "value", "set": ["e1", "e2"]}
    assert upload(public_id="a", metadata=metadata)["metadata"] == metadata
    upload(public_id="b")
    assert sdk.uploader.explicit("b", type="upload", metadata=metadata)["metadata"] == metadata
    assert sdk.uploader.update_metadata({"text": "other"}, ["a", "b", "nobody"])["public_ids"] == ["a", "b"]
    assert sdk.api.update("a", metadata=metadata)["metadata"] == metadata


def test_a_large_file_comes_in_parts(sdk: Any) -> None:
    data = picture(1400, 1400, kind="BMP")
    answer = sdk.uploader.upload_large(
        io.BytesIO(data), chunk_size=5_243_000, resource_type="image", filename="large.bmp", use_filename=True,
        unique_filename=False, tags=["t"],
    )  # fmt: skip
    assert (answer["resource_type"], answer["width"], answer["height"], answer["tags"]) == ("image", 1400, 1400, ["t"])
    assert (answer["public_id"], answer["etag"]) == ("large", hashlib.md5(data).hexdigest())


def test_field_definitions_have_datasources_and_validation(sdk: Any) -> None:
    values = [{"external_id": name, "value": name.upper()} for name in ("b", "a", "c")]
    sdk.api.add_metadata_field({"external_id": "f", "label": "F", "type": "enum", "datasource": {"values": values}})
    updated = sdk.api.update_metadata_field_datasource("f", [{"external_id": "b", "value": "new"}])["values"]
    assert {"external_id": "b", "value": "new"} in updated
    assert len(sdk.api.delete_datasource_entries("f", ["b"])["values"]) == 2
    assert len(sdk.api.restore_metadata_field_datasource("f", ["b"])["values"]) == 3
    ordered = sdk.api.reorder_metadata_field_datasource("f", "value", "desc")["values"]
    assert [entry["value"] for entry in ordered] == sorted((e["value"] for e in ordered), reverse=True)
    with pytest.raises(sdk.errors.BadRequest):
        sdk.api.add_metadata_field(
            {"external_id": "n", "label": "N", "type": "integer", "default_value": 1,
             "validation": {"type": "greater_than", "value": 5}}
        )  # fmt: skip
    changed = sdk.api.update_metadata_field("f", {"external_id": "other", "type": "integer", "label": "New"})
    assert (changed["external_id"], changed["type"], changed["label"]) == ("f", "enum", "New")


def test_search_finds_pages_and_includes(upload: Upload, sdk: Any) -> None:
    ids = [upload(public_id=f"dir/s{n}_{n}", tags=["one", "two"], context="stage=value")["asset_id"] for n in range(3)]
    for expression in ("public_id=dir/s0_0", f"asset_id={ids[0]}", f"asset_id:{ids[0]}"):
        assert len(sdk.search().expression(expression).execute()["resources"]) == 1
    answer: dict[str, Any] = {"next_cursor": ""}
    for number in range(3):
        search = sdk.search().max_results(1).expression("tags=one").sort_by("public_id", "asc")
        answer = search.next_cursor(answer["next_cursor"]).execute()
        assert (answer["total_count"], answer["resources"][0]["public_id"]) == (3, f"dir/s{number}_{number}")
    everything = sdk.search().expression("tags=one").with_field(["context", "tags", "image_metadata"]).execute()
    for asset in everything["resources"]:
        assert (asset["context"], len(asset["tags"]), "image_metadata" in asset) == ({"stage": "value"}, 2, True)
    sdk.api.create_folder("test_folder")
    assert len(sdk.search_folders().expression("path:test_folder*").max_results(1).execute()["folders"]) == 1


def test_a_polled_notification_is_genuine_and_gone_when_acknowledged(upload: Upload, sdk: Any) -> None:
    trigger = sdk.api.create_trigger("poll://live", "upload", uri_type="poll")
    upload(tags=["t"])
    [message] = sdk.api.notifications(channel="live", wait_seconds=20)["messages"]
    assert message["payload"]["notification_type"] == "upload"
    assert sdk.utils.verify_notification(message, valid_for=10**10)
    assert not sdk.utils.verify_notification({**message, "signature": "0" * 40}, valid_for=10**10)
    acked = sdk.api.ack_notifications([message["receipt_handle"]])
    assert [result["status"] for result in acked["results"]] == ["acked"]
    assert sdk.api.notifications(channel="live", wait_seconds=0).get("messages", []) == []
    sdk.api.update_trigger(trigger["id"], "poll://live_updated")
    assert [t["uri"] for t in sdk.api.triggers()["triggers"]] == ["poll://live_updated"]
    sdk.api.delete_trigger(trigger["id"])
    assert sdk.api.triggers()["triggers"] == []
