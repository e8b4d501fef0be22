"""Upload presets, and uploads by callers without credentials."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from media_pipeline_tests.emulator.conftest import Upload
from media_pipeline_tests.emulator.material import picture


def test_a_preset_lives(sdk: Any) -> None:
    made = sdk.api.create_upload_preset(name="web", folder="f", tags="a,b", unsigned=True, live=True)
    assert (made["message"], made["name"]) == ("created", "web")
    preset = sdk.api.upload_preset("web")
    assert (preset["unsigned"], preset["external_id"]) == (True, made["external_id"])
    assert preset["settings"] == {"folder": "f", "tags": ["a", "b"], "live": True}
    assert sdk.api.update_upload_preset("web", folder="g", unsigned=False) == {"message": "updated"}
    changed = sdk.api.upload_preset("web")
    assert (changed["unsigned"], changed["settings"]["folder"], changed["settings"]["tags"]) == (False, "g", ["a", "b"])
    assert sdk.api.delete_upload_preset("web") == {"message": "deleted"}
    with pytest.raises(sdk.errors.NotFound, match="Can't find upload preset named web"):
        sdk.api.upload_preset("web")


def test_a_preset_shows_its_parts_apart_and_applies_them(sdk: Any, upload: Upload) -> None:
    scale = {"crop": "scale", "width": 10}
    sdk.api.create_upload_preset(name="small", transformation=scale, context={"k": "v|=w", "l": "m"})
    settings = {"transformation": [scale], "context": {"k": "v|=w", "l": "m"}}
    assert sdk.api.upload_preset("small")["settings"] == settings
    assert sdk.api.upload_presets()["presets"][0]["settings"] == settings
    answer = upload(picture(40, 40), upload_preset="small")
    assert (answer["width"], answer["context"]) == (10, {"custom": settings["context"]})


@pytest.mark.parametrize("wrong", [{"context": "=v"}, {"transformation": "no step"}, {"tags": "x" * 256}])
def test_a_setting_that_makes_no_sense_is_refused_at_once(http: httpx.Client, wrong: dict[str, str]) -> None:
    assert http.post("/upload_presets", json={"name": "web", **wrong}).status_code == 400
    assert http.get("/upload_presets").json()["presets"] == []


def test_a_preset_without_a_name_gets_one(sdk: Any) -> None:
    name = sdk.api.create_upload_preset(tags="x")["name"]
    assert sdk.api.upload_preset(name)["settings"] == {"tags": ["x"]}
    with pytest.raises(sdk.errors.AlreadyExists):
        sdk.api.create_upload_preset(name=name)


def test_presets_are_paged_newest_first(sdk: Any) -> None:
    for name in "abc":
        sdk.api.create_upload_preset(name=name)
    first = sdk.api.upload_presets(max_results=2)
    rest = sdk.api.upload_presets(max_results=2, next_cursor=first["next_cursor"])
    assert [preset["name"] for preset in first["presets"] + rest["presets"]] == ["c", "b", "a"]
    assert "next_cursor" not in rest


def test_a_signed_call_beats_its_preset(sdk: Any, upload: Upload) -> None:
    sdk.api.create_upload_preset(name="web", asset_folder="preset", tags="p", context={"k": "preset"})
    answer = upload(upload_preset="web", asset_folder="call", tags="c")
    assert (answer["asset_folder"], answer["tags"]) == ("call", ["c"])
    assert answer["context"] == {"custom": {"k": "preset"}}


def test_a_preset_beats_an_unsigned_call_and_lists_are_merged(sdk: Any) -> None:
    sdk.api.create_upload_preset(
        name="web", unsigned=True, asset_folder="preset", tags="p,both", context={"k": "preset", "p": "1"}
    )
    answer = sdk.uploader.unsigned_upload(
        picture(), "web", public_id="a", asset_folder="call", tags="c,both", context={"k": "call", "c": "2"}
    )
    assert (answer["asset_folder"], answer["tags"]) == ("preset", ["both", "c", "p"])
    assert answer["context"] == {"custom": {"k": "preset", "p": "1", "c": "2"}}


def test_an_unsigned_call_merges_metadata(sdk: Any) -> None:
    for name in ("one", "two"):
        sdk.api.add_metadata_field({"external_id": name, "label": name, "type": "string"})
    sdk.api.create_upload_preset(name="web", unsigned=True, metadata="one=preset")
    answer = sdk.uploader.unsigned_upload(picture(), "web", metadata={"two": "call"})
    assert answer["metadata"] == {"one": "preset", "two": "call"}


def test_an_unsigned_call_never_overwrites(sdk: Any, upload: Upload) -> None:
    sdk.api.create_upload_preset(name="web", unsigned=True, overwrite=True)
    first = upload(public_id="a")
    again = sdk.uploader.unsigned_upload(picture(9, 9), "web", public_id="a")
    assert (again["existing"], again["etag"]) == (True, first["etag"])


def test_an_unsigned_call_may_not_say_everything(sdk: Any) -> None:
    sdk.api.create_upload_preset(name="web", unsigned=True)
    with pytest.raises(sdk.errors.BadRequest) as refused:
        sdk.uploader.unsigned_upload(picture(), "web", return_delete_token=True)
    words = str(refused.value)
    assert words.startswith("Return delete token parameter is not allowed when using unsigned upload. Only upload_")
    assert words.endswith(" upload parameters are allowed.")


@pytest.mark.parametrize(
    ("preset", "message"),
    [("nobody", "Upload preset not found"), ("signed", "Upload preset must be whitelisted for unsigned uploads")],
)
def test_an_unsigned_call_needs_an_unsigned_preset(sdk: Any, preset: str, message: str) -> None:
    sdk.api.create_upload_preset(name="signed")
    with pytest.raises(sdk.errors.BadRequest, match=message):
        sdk.uploader.unsigned_upload(picture(), preset)


def test_a_preset_may_keep_names_to_itself(sdk: Any, upload: Upload) -> None:
    sdk.api.create_upload_preset(name="web", unsigned=True, disallow_public_id=True)
    with pytest.raises(sdk.errors.BadRequest, match="public_id is not allowed by upload preset web"):
        sdk.uploader.unsigned_upload(picture(), "web", public_id="a")


def test_only_uploads_go_without_a_signature(sdk: Any, http: httpx.Client) -> None:
    sdk.api.create_upload_preset(name="web", unsigned=True)
    with httpx.Client(base_url=http.base_url, trust_env=False) as stranger:
        answer = stranger.post("/image/destroy", data={"public_id": "a", "upload_preset": "web"})
    assert answer.status_code == 401
