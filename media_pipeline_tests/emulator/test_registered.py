"""What Cloudinary only keeps: upload mappings, streaming profiles, metadata rules."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

REPRESENTATION = {"bit_rate": "5m", "height": 1200, "width": 1200, "crop": "limit"}


def test_a_mapping_lives(sdk: Any) -> None:
    made = sdk.api.create_upload_mapping("wiki", template="http://example.com/")
    assert (made["message"], made["folder"]) == ("created", "wiki")
    assert sdk.api.upload_mapping("wiki")["template"] == "http://example.com/"
    sdk.api.update_upload_mapping("wiki", template="http://example.com/2/")
    [mapping] = sdk.api.upload_mappings()["mappings"]
    assert mapping == {"folder": "wiki", "template": "http://example.com/2/", "external_id": made["external_id"]}
    with pytest.raises(sdk.errors.AlreadyExists):
        sdk.api.create_upload_mapping("wiki", template="http://example.com/")
    assert sdk.api.delete_upload_mapping("wiki") == {"message": "deleted"}
    with pytest.raises(sdk.errors.NotFound, match="Upload mapping not found - wiki"):
        sdk.api.upload_mapping("wiki")


def test_mappings_are_paged_newest_first(sdk: Any) -> None:
    for name in "abc":
        sdk.api.create_upload_mapping(name, template="http://example.com/")
    first = sdk.api.upload_mappings(max_results=2)
    rest = sdk.api.upload_mappings(max_results=2, next_cursor=first["next_cursor"])
    assert [m["folder"] for m in first["mappings"] + rest["mappings"]] == ["c", "b", "a"]


def test_predefined_streaming_profiles_are_there(sdk: Any) -> None:
    profiles = {p["name"]: p for p in sdk.api.list_streaming_profiles()["data"]}
    assert set(profiles) >= {"4k", "full_hd", "hd", "sd", "full_hd_wifi", "full_hd_lean", "hd_lean"}
    assert profiles["hd"]["predefined"] is True
    [[step], *_] = [r["transformation"] for r in sdk.api.get_streaming_profile("4k")["data"]["representations"]]
    assert step == {"bit_rate": "35m", "crop": "limit", "height": 2160, "width": 3840}


def test_a_streaming_profile_lives(sdk: Any) -> None:
    made = sdk.api.create_streaming_profile("mine", representations=[{"transformation": REPRESENTATION}])["data"]
    assert (made["predefined"], made["representations"]) == (False, [{"transformation": [REPRESENTATION]}])
    smaller = REPRESENTATION | {"height": 1000, "crop": "scale"}
    changed = sdk.api.update_streaming_profile("mine", representations=[{"transformation": smaller}])["data"]
    assert changed["representations"] == [{"transformation": [smaller]}]
    assert sdk.api.update_streaming_profile("mine", display_name="Mine")["data"] == changed | {"display_name": "Mine"}
    sdk.api.delete_streaming_profile("mine")
    with pytest.raises(sdk.errors.NotFound):
        sdk.api.get_streaming_profile("mine")


def test_deleting_a_predefined_profile_resets_it(sdk: Any) -> None:
    before = sdk.api.get_streaming_profile("hd")["data"]
    sdk.api.update_streaming_profile("hd", representations=[{"transformation": REPRESENTATION}])
    assert sdk.api.get_streaming_profile("hd")["data"]["representations"] == [{"transformation": [REPRESENTATION]}]
    sdk.api.delete_streaming_profile("hd")
    assert sdk.api.get_streaming_profile("hd")["data"] == before


@pytest.mark.parametrize("options", [{}, {"representations": [{"nothing": 1}]}, {"representations": "nonsense"}])
def test_a_streaming_profile_needs_representations(http: httpx.Client, options: dict[str, Any]) -> None:
    answer = http.post("/streaming_profiles", json={"name": "mine", **options})
    assert answer.status_code == 400
    assert "representations" in answer.json()["error"]["message"]


def test_a_predefined_name_is_taken(sdk: Any) -> None:
    with pytest.raises(sdk.errors.AlreadyExists):
        sdk.api.create_streaming_profile("hd", representations=[{"transformation": REPRESENTATION}])


def test_a_metadata_rule_lives(sdk: Any) -> None:
    rule = {
        "metadata_field_id": "season",
        "name": "rule",
        "condition": {"metadata_field_id": "kind", "equals": "coat"},
        "result": {"enable": True},
    }
    made = sdk.api.add_metadata_rule(rule)
    assert made == rule | {"external_id": made["external_id"], "state": "active"}
    changed = sdk.api.update_metadata_rule(made["external_id"], {"name": "other", "state": "inactive"})
    assert sdk.api.list_metadata_rules()["metadata_rules"] == [changed]
    assert (changed["name"], changed["state"], changed["condition"]) == ("other", "inactive", rule["condition"])
    assert sdk.api.delete_metadata_rule(made["external_id"]) == {"success": True}
    with pytest.raises(sdk.errors.NotFound):
        sdk.api.delete_metadata_rule(made["external_id"])
    with pytest.raises(sdk.errors.BadRequest, match="Missing required parameter - condition"):
        sdk.api.add_metadata_rule({"metadata_field_id": "season", "name": "rule"})
