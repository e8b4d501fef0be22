"""Uploads: names, files, and what a second upload under the same name does."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import struct
from pathlib import Path
from typing import Any

import httpx
import pytest

from media_pipeline.emulator.control import ControlClient
from media_pipeline_tests.emulator.conftest import START, StoppedClock, Upload
from media_pipeline_tests.emulator.material import film, picture, sound

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 30 20"><path d="M0 0"/></svg>'


def test_a_new_asset_is_described_in_full(upload: Upload, endpoints: Any) -> None:
    data = picture(30, 20)
    answer = upload(data, public_id="shop/red one", asset_folder="shop/summer", tags=["b", "a"])
    url = f"{endpoints.delivery_url}/image/upload/v{START}/shop/red%20one.png"
    assert re.fullmatch("[0-9a-f]{32}", answer.pop("asset_id"))
    assert re.fullmatch("[0-9a-f]{32}", answer.pop("version_id"))
    assert re.fullmatch("[0-9a-f]{32}", answer.pop("request_id"))
    assert re.fullmatch("[0-9a-f]{40}", answer.pop("signature"))
    assert answer == {
        "public_id": "shop/red one",
        "version": START,
        "width": 30,
        "height": 20,
        "format": "png",
        "resource_type": "image",
        "created_at": "2024-06-25T08:58:20Z",
        "tags": ["a", "b"],
        "pages": 1,
        "bytes": len(data),
        "type": "upload",
        "etag": hashlib.md5(data).hexdigest(),
        "placeholder": False,
        "url": url,
        "secure_url": url,
        "asset_folder": "shop/summer",
        "display_name": "red one",
        "original_filename": "file",
        "api_key": "123456789012345",
    }


def test_identical_bytes_leave_the_version_unchanged(upload: Upload, clock: StoppedClock) -> None:
    first = upload(public_id="a", tags="kept")
    clock.advance(100)
    again = upload(public_id="a")
    assert again["overwritten"] is True
    for name in ("asset_id", "version", "version_id", "created_at", "etag", "tags"):
        assert again[name] == first[name]


def test_other_bytes_make_a_new_version_of_the_same_asset(upload: Upload, sdk: Any, clock: StoppedClock) -> None:
    first = upload(public_id="a", tags="kept", context={"k": "v"})
    clock.advance(100)
    other = upload(picture(9, 9), public_id="a")
    assert (other["asset_id"], other["created_at"]) == (first["asset_id"], first["created_at"])
    assert other["version"] == START + 100
    assert other["version_id"] != first["version_id"]
    assert other["etag"] != first["etag"]
    assert (other["width"], other["tags"], other["context"]) == (9, ["kept"], {"custom": {"k": "v"}})
    updated = sdk.api.resource("a")["last_updated"]
    assert updated["updated_at"] == "2024-06-25T09:00:00+00:00"
    assert updated["tags_updated_at"] == "2024-06-25T08:58:20+00:00"


def test_metadata_may_be_cleared_by_other_bytes(upload: Upload, control: ControlClient) -> None:
    upload(public_id="a", tags="gone", context={"k": "v"})
    control.change_settings(keep_metadata_on_overwrite=False)
    other = upload(picture(9, 9), public_id="a", tags="sent")
    assert other["tags"] == ["sent"]
    assert "context" not in other


def test_versions_of_one_asset_grow_even_within_a_second(upload: Upload) -> None:
    versions = [upload(picture(width), public_id="a")["version"] for width in (1, 2, 3)]
    assert versions == [START, START + 1, START + 2]


def test_a_taken_name_may_be_kept(upload: Upload) -> None:
    first = upload(public_id="a", tags="old")
    again = upload(picture(9, 9), public_id="a", overwrite=False, tags="new")
    assert again["existing"] is True
    assert (again["etag"], again["version"], again["tags"]) == (first["etag"], first["version"], ["old"])


def test_equal_names_of_other_kinds_are_other_assets(upload: Upload) -> None:
    ids = {
        upload(public_id="a")["asset_id"],
        upload(public_id="a", type="private")["asset_id"],
        upload(public_id="a", resource_type="raw")["asset_id"],
    }
    assert len(ids) == 3


def test_a_generated_name_has_twenty_characters(upload: Upload) -> None:
    assert re.fullmatch("[a-z0-9]{20}", upload()["public_id"])
    assert re.fullmatch("[a-z0-9]{20}", upload(public_id="  ")["public_id"])


def test_a_file_name_becomes_a_name(upload: Upload) -> None:
    options: dict[str, Any] = {"filename": "Straße & Haus.png", "use_filename": True}
    assert re.fullmatch("Straße _ Haus_[a-z0-9]{6}", upload(**options)["public_id"])
    plain = upload(**options, unique_filename=False)
    assert (plain["public_id"], plain["original_filename"]) == ("Straße _ Haus", "Straße & Haus")
    assert plain["original_extension"] == "png"
    other = upload(**options, filename_override="other.png", unique_filename=False, discard_original_filename=True)
    assert other["public_id"] == "other"
    assert "original_filename" not in other


def test_a_raw_name_keeps_its_extension(upload: Upload) -> None:
    named = upload(b"text", resource_type="raw", filename="notes.txt", use_filename=True, unique_filename=False)
    assert named["public_id"] == "notes.txt"
    assert not {"format", "width", "height"} & set(named)
    assert upload(b"text", resource_type="raw", filename="notes.txt")["public_id"].endswith(".txt")
    assert upload(b"text", resource_type="raw", public_id="plain")["public_id"] == "plain"


@pytest.mark.parametrize(
    ("options", "public_id", "folder"),
    [
        ({"asset_folder": "x/y"}, "a/b", "x/y"),
        ({}, "a/b", ""),
        ({"public_id_prefix": "p", "asset_folder": "x"}, "p/a/b", "x"),
        ({"folder": "f"}, "f/a/b", "f"),
        ({"asset_folder": "x", "use_asset_folder_as_public_id_prefix": True}, "x/a/b", "x"),
        ({"asset_folder": "x", "use_asset_folder_as_public_id_prefix": True, "public_id_prefix": "p"}, "p/a/b", "x"),
    ],
)
def test_folder_and_name_are_independent(upload: Upload, options: dict[str, Any], public_id: str, folder: str) -> None:
    answer = upload(public_id="a/b", **options)
    assert (answer["public_id"], answer["asset_folder"], answer["display_name"]) == (public_id, folder, "b")


def test_display_names_may_be_given_taken_from_the_file_or_made_unique(upload: Upload) -> None:
    assert upload(display_name="Frei & laut")["display_name"] == "Frei & laut"
    assert upload(filename="from file.png", use_filename_as_display_name=True)["display_name"] == "from file"
    again = upload(display_name="Frei & laut", unique_display_name=True)["display_name"]
    assert re.fullmatch("Frei & laut_[a-z0-9]{6}", again)


@pytest.mark.parametrize(
    "public_id", ["/a", "a/", " a", "a?b", "a#b", "a&b", "a%b", "a<b", "a+b", "a\\b", "v12/a", "x" * 256, "a//b"]
)
def test_a_name_that_breaks_the_rules_is_refused(upload: Upload, sdk: Any, public_id: str) -> None:
    with pytest.raises(sdk.errors.BadRequest) as refused:
        upload(public_id=public_id)
    assert str(refused.value) == f"public_id ({public_id}) is invalid"


@pytest.mark.parametrize("public_id", ["v12", "東京/ü ö", "x" * 255, "a=b|c,d:e", "über.jpg", "~a'(b)!*"])
def test_an_unusual_name_is_found_again(upload: Upload, sdk: Any, public_id: str) -> None:
    answer = upload(public_id=public_id)
    assert sdk.api.resource(public_id)["asset_id"] == answer["asset_id"]
    assert httpx.get(answer["url"]).content == picture()


@pytest.mark.parametrize(
    ("kind", "format_"),
    [("PNG", "png"), ("JPEG", "jpg"), ("GIF", "gif"), ("WEBP", "webp"), ("BMP", "bmp"), ("ICO", "ico")],
)
def test_pictures_are_read(upload: Upload, kind: str, format_: str) -> None:
    answer = upload(picture(32, 32, kind=kind))
    assert (answer["format"], answer["width"], answer["height"]) == (format_, 32, 32)


def test_drawings_are_images(upload: Upload) -> None:
    drawing = upload(SVG, resource_type="auto")
    assert (drawing["resource_type"], drawing["format"], drawing["width"], drawing["height"]) == (
        "image",
        "svg",
        30,
        20,
    )
    document = upload(picture(100, 50, kind="PDF"), resource_type="auto")
    assert (document["resource_type"], document["format"], document["pages"]) == ("image", "pdf", 1)
    assert (document["width"], document["height"]) == (100, 50)


def test_a_film_is_read(upload: Upload) -> None:
    answer = upload(film(), resource_type="video", filename="clip.mp4")
    assert (answer["format"], answer["width"], answer["height"]) == ("mp4", 64, 48)
    assert answer["duration"] == pytest.approx(1.0, abs=0.05)
    assert (answer["is_audio"], answer["audio"], answer["nb_frames"], answer["frame_rate"]) == (False, {}, 10, 10)
    assert (answer["video"]["codec"], answer["video"]["pix_format"], answer["pages"]) == ("mpeg4", "yuv420p", 0)


def test_a_sound_of_a_codec_that_nobody_knows_is_a_plain_file(upload: Upload) -> None:
    form = struct.pack("<HHIIHH", 0xABCD, 1, 8000, 8000, 1, 8)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", 8) + bytes(8)

    answer = upload(b"RIFF" + struct.pack("<I", len(body)) + body, resource_type="auto", filename="odd.wav")

    assert answer["resource_type"] == "raw"


def test_a_sound_is_a_film_without_pictures(upload: Upload) -> None:
    answer = upload(sound(), resource_type="auto")
    assert (answer["resource_type"], answer["format"], answer["is_audio"]) == ("video", "wav", True)
    assert answer["duration"] == pytest.approx(0.5)
    assert (answer["audio"]["codec"], answer["audio"]["frequency"]) == ("pcm_s16le", 8000)
    assert (answer["audio"]["channels"], answer["audio"]["channel_layout"]) == (2, "stereo")
    assert "width" not in answer


def test_anything_else_is_raw(upload: Upload) -> None:
    assert upload(b"plain words", resource_type="auto", filename="a.txt")["resource_type"] == "raw"


def test_a_file_of_another_kind_than_announced_is_refused(upload: Upload, sdk: Any) -> None:
    with pytest.raises(sdk.errors.BadRequest, match="Invalid image file"):
        upload(b"plain words")
    with pytest.raises(sdk.errors.BadRequest, match="Unsupported video format or file"):
        upload(picture(), resource_type="video")


def test_formats_may_be_restricted(upload: Upload, sdk: Any) -> None:
    with pytest.raises(sdk.errors.BadRequest, match="Image file format png not allowed"):
        upload(allowed_formats=["jpg"])
    assert upload(allowed_formats=["jpg", "png"])["format"] == "png"


def test_a_data_uri_is_a_file(sdk: Any) -> None:
    data = picture()
    answer = sdk.uploader.upload(f"data:image/png;base64,{base64.b64encode(data).decode()}")
    assert answer["etag"] == hashlib.md5(data).hexdigest()


def test_a_data_uri_larger_than_a_form_field_usually_is(sdk: Any) -> None:
    data = bytes(2_000_000)
    uri = f"data:application/octet-stream;base64,{base64.b64encode(data).decode()}"
    assert sdk.uploader.upload(uri, resource_type="raw")["bytes"] == 2_000_000


def test_a_stream_is_a_file(sdk: Any) -> None:
    answer = sdk.uploader.upload(io.BytesIO(picture()))
    assert answer["original_filename"] == "stream"


def test_a_file_in_parts_arrives_whole(sdk: Any, tmp_path: Path) -> None:
    data = bytes(range(256)) * 50_000
    (tmp_path / "große Datei.bin").write_bytes(data)
    answer = sdk.uploader.upload_large(
        str(tmp_path / "große Datei.bin"), chunk_size=5_243_000, use_filename=True, unique_filename=False, folder="f"
    )
    assert (answer["public_id"], answer["bytes"]) == ("f/große Datei.bin", len(data))
    assert answer["etag"] == hashlib.md5(data).hexdigest()


def send_part(http: httpx.Client, data: bytes, span: str, **fields: str) -> httpx.Response:
    headers = {"X-Unique-Upload-Id": "one", "Content-Range": span}
    return http.post("/raw/upload", data=fields, files={"file": ("a.bin", data)}, headers=headers)


def test_a_part_is_answered_with_the_name_and_may_be_repeated(http: httpx.Client) -> None:
    part = bytes(5_242_880)
    first = send_part(http, part, "bytes 0-5242879/-1").json()
    assert {**first, "public_id": ""} == {
        "done": False, "bytes": 5_242_880, "kind": "upload", "resource_type": "raw", "public_id": "",
    }  # fmt: skip
    assert send_part(http, part, "bytes 0-5242879/-1", public_id=first["public_id"]).json() == first
    last = send_part(http, b"end", "bytes 5242880-5242882/5242883", public_id=first["public_id"]).json()
    assert (last["public_id"], last["bytes"]) == (first["public_id"], 5_242_883)


@pytest.mark.parametrize(
    ("data", "span", "message"),
    [
        (b"small", "bytes 0-4/10", "All parts except EOF-chunk must be larger than 5mb"),
        (b"late", "bytes 100-103/104", "A part before byte 100 is missing"),
        (b"short", "bytes 0-9/10", "Invalid Content-Range: the part has 5 bytes"),
        (b"odd", "pieces 0-2", "Invalid Content-Range: pieces 0-2"),
    ],
)
def test_a_wrong_part_is_refused(http: httpx.Client, data: bytes, span: str, message: str) -> None:
    answer = send_part(http, data, span)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, message)


def test_an_upload_without_a_file_is_refused(http: httpx.Client) -> None:
    answer = http.post("/image/upload", data={"public_id": "a"})
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "Missing required parameter - file")


def test_tags_context_access_and_moderation_arrive(upload: Upload) -> None:
    answer = upload(
        tags="c, a,a",
        context={"text": "a|b=c", "back": "x\\y", "empty": ""},
        access_control={"access_type": "anonymous", "start": "2024-01-01T00:00:00Z", "end": "2024-02-01T00:00:00Z"},
        moderation="manual",
    )
    assert answer["tags"] == ["a", "c"]
    assert answer["context"] == {"custom": {"text": "a|b=c", "back": "x\\y"}}
    assert answer["access_control"][0]["access_type"] == "anonymous"
    assert answer["moderation"] == [{"status": "pending", "kind": "manual"}]


@pytest.mark.parametrize(
    "options",
    [
        {"access_control": [{"access_type": "nobody"}]},
        {"context": "no pair"},
        {"context": {"k": "x" * 1025}},
        {"tags": "x" * 256},
        {"type": "fetch"},
        {"metadata": {"unknown": "x"}},
        {"asset_folder": "a?b"},
        {"display_name": "a/b"},
    ],
)
def test_a_wrong_parameter_is_refused_and_nothing_is_stored(upload: Upload, sdk: Any, options: dict[str, Any]) -> None:
    with pytest.raises(sdk.errors.BadRequest):
        upload(public_id="a", **options)
    assert sdk.api.resources()["resources"] == []


@pytest.mark.parametrize("resource_type", ["image", "raw", "auto"])
def test_an_empty_file_is_refused(http: httpx.Client, endpoints: Any, resource_type: str) -> None:
    answer = http.post(f"/{resource_type}/upload", files={"file": ("empty.txt", b"")})
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "Empty file")
