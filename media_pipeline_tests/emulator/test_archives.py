"""Archives and signed download addresses."""

from __future__ import annotations

import io
import tarfile
import zipfile
from typing import Any

import httpx
import pytest
from PIL import Image

from media_pipeline.emulator.control import ControlClient
from media_pipeline_tests.emulator.conftest import StoppedClock, Upload
from media_pipeline_tests.emulator.material import picture


def got(url: str) -> httpx.Response:
    return httpx.get(url, trust_env=False)


def names(url: str) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(got(url).content)) as archive:
        assert archive.testzip() is None
        return archive.namelist()


@pytest.fixture
def library(upload: Upload) -> None:
    upload(public_id="x/a", tags="t", filename="first.png")
    upload(picture(9, 9), public_id="y/a", tags="t", type="private")
    upload(b"text", public_id="x/notes.txt", tags="t", resource_type="raw")


def test_an_archive_is_a_raw_asset_of_originals(sdk: Any, library: None) -> None:
    answer = sdk.uploader.create_archive(tags=["t"], target_public_id="all", target_tags=["made"])
    assert (answer["resource_type"], answer["public_id"], answer["tags"]) == ("raw", "all.zip", ["made"])
    assert (answer["resource_count"], answer["file_count"]) == (2, 2)
    assert names(answer["url"]) == ["x/a.png", "y/a.png"]
    with zipfile.ZipFile(io.BytesIO(got(answer["url"]).content)) as archive:
        assert archive.read("x/a.png") == picture()


def test_an_archive_holds_what_is_derived(sdk: Any, library: None) -> None:
    answer = sdk.uploader.create_zip(tags=["t"], transformations=[{"width": 0.5}, {"width": 2.0}])
    assert (answer["resource_count"], answer["file_count"]) == (2, 4)
    assert "w_0.5/x/a.png" in names(answer["url"])
    assert sdk.api.resource("x/a")["derived"] == []


def test_an_archive_may_hold_all_kinds(sdk: Any, library: None) -> None:
    ids = ["image/upload/x/a", "raw/upload/x/notes.txt"]
    answer = sdk.uploader.create_zip(resource_type="auto", fully_qualified_public_ids=ids)
    assert names(answer["url"]) == ["x/a.png", "x/notes.txt"]
    assert names(sdk.utils.download_folder("x/")) == ["x/a.png", "x/notes.txt"]


def test_equal_names_in_an_archive_are_told_apart(sdk: Any, library: None) -> None:
    url = sdk.utils.download_zip_url(tags=["t"], flatten_folders=True)
    assert names(url) == ["a.png", "a_1.png"]
    url = sdk.utils.download_zip_url(public_ids=["x/a"], use_original_filename=True)
    assert names(url) == ["x/first.png"]


def test_a_tar_archive_is_one(sdk: Any, library: None) -> None:
    answer = sdk.uploader.create_archive(tags=["t"], target_format="tgz", target_asset_folder="made")
    assert answer["asset_folder"] == "made"
    with tarfile.open(fileobj=io.BytesIO(got(answer["url"]).content)) as archive:
        assert archive.getnames() == ["x/a.png", "y/a.png"]


def test_a_missing_member_is_told_unless_it_may_be_missing(sdk: Any, library: None) -> None:
    with pytest.raises(sdk.errors.NotFound, match="Resource not found - nobody"):
        sdk.uploader.create_zip(public_ids=["x/a", "nobody"])
    assert sdk.uploader.create_zip(public_ids=["x/a", "nobody"], allow_missing=True)["file_count"] == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "Missing required parameter - tags"),
        ({"tags": ["none"]}, "No resources found to archive"),
        ({"tags": ["t"], "target_format": "rar"}, "Invalid value rar for parameter target_format"),
        ({"fully_qualified_public_ids": ["x"]}, "Invalid value x for parameter fully_qualified_public_ids"),
    ],
)
def test_an_archive_of_nothing_is_refused(sdk: Any, library: None, options: dict[str, Any], words: str) -> None:
    with pytest.raises(sdk.errors.BadRequest, match=words):
        sdk.uploader.create_archive(**options)


def test_a_private_original_is_downloaded_by_a_signed_address(sdk: Any, library: None) -> None:
    answer = got(sdk.utils.private_download_url("y/a", "png", type="private", attachment=True))
    assert answer.content == picture(9, 9)
    assert answer.headers["content-disposition"] == 'attachment; filename="a.png"'
    assert answer.headers["content-type"] == "image/png"
    converted = got(sdk.utils.private_download_url("y/a", "jpg", type="private"))
    assert Image.open(io.BytesIO(converted.content)).format == "JPEG"
    raw = got(sdk.utils.private_download_url("x/notes.txt", "", resource_type="raw"))
    assert raw.content == b"text"


def test_a_download_address_must_be_signed_and_expires(sdk: Any, library: None, clock: StoppedClock) -> None:
    url = sdk.utils.private_download_url("x/a", "png", expires_at=int(clock.seconds) + 60)
    assert got(url.replace("x%2Fa", "y%2Fa")).status_code == 401
    clock.advance(61)
    assert got(url).status_code == 400
    assert got(sdk.utils.private_download_url("nobody", "png")).status_code == 404


def test_a_backed_up_version_is_downloaded(upload: Upload, sdk: Any, clock: StoppedClock) -> None:
    first = upload(public_id="a", backup=True)
    upload(picture(9, 9), public_id="a", backup=True)
    old = sdk.utils.download_backedup_asset(first["asset_id"], first["version_id"])
    assert got(old).content == picture()
    assert got(sdk.utils.download_backedup_asset(first["asset_id"], "0" * 32)).status_code == 404
    clock.advance(3700)
    assert got(old).status_code == 400


def test_made_up_assets_cannot_be_archived(control: ControlClient, sdk: Any) -> None:
    control.bulk(5)
    made_up = sdk.api.resources(type="upload")["resources"][0]["public_id"]
    with pytest.raises(sdk.errors.BadRequest, match="No resources found to archive"):
        sdk.uploader.create_zip(public_ids=[made_up])
