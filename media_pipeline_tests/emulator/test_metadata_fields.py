"""Structured metadata: definitions, data sources, and which values assets may have."""

from __future__ import annotations

from typing import Any

import pytest

from media_pipeline_tests.emulator.conftest import Upload

COLOURS = {"values": [{"external_id": "r", "value": "Red"}, {"external_id": "g", "value": "Green"}]}


@pytest.fixture
def fields(sdk: Any) -> Any:
    """One field of each type."""
    for field in (
        {"external_id": "title", "type": "string", "label": "Title", "validation": {"type": "strlen", "max": 8}},
        {"external_id": "stock", "type": "integer", "label": "Stock", "validation": {
            "type": "and", "rules": [
                {"type": "greater_than", "value": 0, "equals": True}, {"type": "less_than", "value": 100}]}},
        {"external_id": "day", "type": "date", "label": "Day"},
        {"external_id": "colour", "type": "enum", "label": "Colour", "datasource": COLOURS},
        {"external_id": "colours", "type": "set", "label": "Colours", "datasource": COLOURS},
    ):  # fmt: skip
        sdk.api.add_metadata_field(field)
    return sdk


def test_a_field_is_told_as_it_was_defined(sdk: Any) -> None:
    given = {"external_id": "c", "type": "enum", "label": "C", "datasource": COLOURS, "default_value": "g"}
    field = sdk.api.add_metadata_field(given)
    assert field["datasource"]["values"][0] == {"external_id": "r", "value": "Red", "state": "active"}
    assert (field["mandatory"], field["default_value"], field["validation"]) == (False, "g", None)
    assert sdk.api.metadata_field_by_field_id("c") == field
    assert sdk.api.list_metadata_fields()["metadata_fields"] == [dict(field)]


def test_ids_are_generated_where_they_are_missing(sdk: Any) -> None:
    field = sdk.api.add_metadata_field({"type": "set", "label": "S", "datasource": {"values": [{"value": "x"}]}})
    assert field["external_id"]
    assert field["datasource"]["values"][0]["external_id"]


@pytest.mark.parametrize(
    "field",
    [
        {"type": "number", "label": "x"},
        {"type": "string"},
        {"type": "integer", "label": "x", "default_value": "many"},
        {"type": "enum", "label": "x", "datasource": COLOURS, "default_value": "blue"},
        {"type": "integer", "label": "x", "default_value": 5, "validation": {"type": "less_than", "value": 5}},
        {"type": "date", "label": "x", "default_value": "2024-13-01"},
        {"type": "enum", "label": "x"},
    ],
)
def test_a_wrong_definition_is_refused(sdk: Any, field: dict[str, Any]) -> None:
    with pytest.raises(sdk.errors.BadRequest):
        sdk.api.add_metadata_field(field)
    assert sdk.api.list_metadata_fields()["metadata_fields"] == []


def test_a_taken_id_is_a_409_and_an_unknown_one_a_404(fields: Any) -> None:
    with pytest.raises(fields.errors.AlreadyExists):
        fields.api.add_metadata_field({"external_id": "title", "type": "string", "label": "x"})
    for call in (fields.api.metadata_field_by_field_id, fields.api.delete_metadata_field):
        with pytest.raises(fields.errors.NotFound):
            call("nobody")


def test_an_update_is_partial_and_keeps_id_and_type(fields: Any) -> None:
    changed = fields.api.update_metadata_field("title", {"external_id": "other", "type": "date", "label": "New"})
    assert (changed["external_id"], changed["type"], changed["label"]) == ("title", "string", "New")
    assert changed["validation"] == {"type": "strlen", "max": 8}


def test_a_data_source_is_merged_soft_deleted_restored_and_sorted(fields: Any) -> None:
    merged = fields.api.update_metadata_field_datasource(
        "colour", [{"external_id": "r", "value": "Rot"}, {"external_id": "b", "value": "Blue"}]
    )
    assert [entry["value"] for entry in merged["values"]] == ["Rot", "Green", "Blue"]
    left = fields.api.delete_datasource_entries("colour", ["r"])
    assert [entry["external_id"] for entry in left["values"]] == ["g", "b"]
    back = fields.api.restore_metadata_field_datasource("colour", ["r"])
    assert "r" in {entry["external_id"] for entry in back["values"]}
    ordered = fields.api.reorder_metadata_field_datasource("colour", "value", "desc")
    assert [entry["value"] for entry in ordered["values"]] == ["Rot", "Green", "Blue"]
    with pytest.raises(fields.errors.BadRequest):
        fields.api.delete_datasource_entries("colour", ["nobody"])


def test_fields_are_sorted(fields: Any) -> None:
    listed = fields.api.reorder_metadata_fields("label", "desc")["metadata_fields"]
    assert [field["label"] for field in listed] == ["Title", "Stock", "Day", "Colours", "Colour"]
    listed = fields.api.reorder_metadata_fields("created_at")["metadata_fields"]
    assert {field["external_id"] for field in listed} == {"title", "stock", "day", "colour", "colours"}


def test_values_have_the_type_of_their_field(upload: Upload, fields: Any) -> None:
    given = {"title": 'a="b"|', "stock": 5, "day": "2024-02-29", "colour": "g", "colours": ["r", "g"]}
    answer = upload(public_id="a", metadata=given)
    assert answer["metadata"] == given
    assert fields.api.resources(metadata=True)["resources"][0]["metadata"] == given
    assert fields.api.resource("a")["metadata"] == given


@pytest.mark.parametrize(
    "metadata",
    [
        {"title": "far too long"},
        {"stock": "many"},
        {"stock": 100},
        {"stock": -1},
        {"day": "yesterday"},
        {"colour": "blue"},
        {"colours": ["r", "blue"]},
    ],
)
def test_a_wrong_value_is_refused_unless_it_is_to_be_cleared(
    upload: Upload, fields: Any, metadata: dict[str, Any]
) -> None:
    upload(public_id="a", metadata={"stock": 7})
    with pytest.raises(fields.errors.BadRequest, match="is invalid for field"):
        fields.uploader.update_metadata(metadata, ["a"])
    assert fields.api.resource("a")["metadata"] == {"stock": 7}
    fields.uploader.update_metadata(metadata, ["a"], clear_invalid=True)
    assert fields.api.resource("a").get("metadata", {}) == ({} if "stock" in metadata else {"stock": 7})


def test_an_unknown_field_is_refused_without_its_name(upload: Upload, sdk: Any) -> None:
    upload(public_id="a")
    with pytest.raises(sdk.errors.BadRequest) as refused:
        sdk.uploader.update_metadata({"nobody": "x"}, ["a"])
    assert str(refused.value) == "Invalid value  for parameter kind"


def test_values_are_merged_per_field_and_removed_by_an_empty_text(upload: Upload, fields: Any) -> None:
    upload(public_id="a", metadata={"title": "x", "stock": 1})
    assert fields.uploader.update_metadata({"stock": 2}, ["a", "nobody"])["public_ids"] == ["a"]
    assert fields.api.resource("a")["metadata"] == {"title": "x", "stock": 2}
    fields.uploader.update_metadata({"title": ""}, ["a"])
    assert fields.api.resource("a")["metadata"] == {"stock": 2}


def test_default_values_are_given_to_assets_uploaded_afterwards(upload: Upload, sdk: Any) -> None:
    upload(public_id="before")
    sdk.api.add_metadata_field({"external_id": "n", "type": "integer", "label": "N", "default_value": 3})
    assert upload(public_id="after")["metadata"] == {"n": 3}
    assert upload(public_id="own", metadata={"n": 4})["metadata"] == {"n": 4}
    assert "metadata" not in sdk.api.resource("before")


def test_a_mandatory_field_must_have_a_value(upload: Upload, sdk: Any) -> None:
    sdk.api.add_metadata_field({"external_id": "n", "type": "integer", "label": "N", "mandatory": True})
    with pytest.raises(sdk.errors.BadRequest, match="Missing required metadata field - n"):
        upload()
    upload(public_id="a", metadata={"n": 1})
    with pytest.raises(sdk.errors.BadRequest, match="Missing required metadata field - n"):
        sdk.uploader.update_metadata({"n": ""}, ["a"])


def test_a_deleted_field_takes_its_values_with_it(upload: Upload, fields: Any) -> None:
    upload(public_id="a", metadata={"title": "x", "stock": 1})
    assert fields.api.delete_metadata_field("title") == {"message": "ok"}
    assert fields.api.resource("a")["metadata"] == {"stock": 1}


def test_entries_are_searched_over_all_fields(fields: Any, http: Any) -> None:
    found = http.post("/metadata_fields/datasource/search", json={"term": "RE"}).json()
    assert {(entry["field_id"], entry["id"]) for entry in found} == {
        ("colour", "r"), ("colour", "g"), ("colours", "r"), ("colours", "g"),
    }  # fmt: skip
