"""Delivery of originals."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx
import pytest

from media_pipeline.emulator.control import ControlClient
from media_pipeline_tests.emulator.conftest import Upload
from media_pipeline_tests.emulator.material import film, picture, sound


@pytest.mark.parametrize(
    ("data", "options", "kind"),
    [
        (picture(), {}, "image/png"),
        (picture(kind="JPEG"), {"type": "private"}, "image/jpeg"),
        (film(), {"resource_type": "video", "type": "authenticated"}, "video/mp4"),
        (sound(), {"resource_type": "video"}, "audio/wav"),
        (b"a,b", {"resource_type": "raw", "public_id": "tables/ü b.csv"}, "text/csv"),
        (b"\0", {"resource_type": "raw", "public_id": "unknown"}, "application/octet-stream"),
    ],
)
def test_the_url_of_an_asset_gives_its_bytes(upload: Upload, data: bytes, options: dict[str, Any], kind: str) -> None:
    answer = upload(data, **options)
    got = httpx.get(answer["secure_url"], trust_env=False)
    assert (got.status_code, got.content) == (200, data)
    assert got.headers["content-type"].split(";")[0] == kind
    assert got.headers["etag"] == f'"{hashlib.md5(data).hexdigest()}"'
    head = httpx.head(answer["url"], trust_env=False)
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(data)))


def test_version_and_extension_may_be_left_out(upload: Upload, endpoints: Any) -> None:
    upload(public_id="dir/a.b")
    for path in ("image/upload/dir/a.b.png", "image/upload/v1/dir/a.b", "image/upload/v99/dir/a.b.png"):
        assert httpx.get(f"{endpoints.delivery_url}/{path}", trust_env=False).content == picture()


def test_the_sdk_builds_urls_that_work(upload: Upload, endpoints: Any, sdk: Any) -> None:
    version = upload(public_id="dir/ä b", type="authenticated")["version"]
    path, _ = sdk.utils.cloudinary_url(
        "dir/ä b", format="png", type="authenticated", sign_url=True, version=version, secure=False
    )
    served = path.replace("http://res.cloudinary.com", endpoints.base_url)
    assert httpx.get(served, trust_env=False).content == picture()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("image/upload/nobody.png", 404),
        ("raw/upload/a.png", 404),
        ("image/upload/a.psd", 404),
        ("image/private/p.png", 401),
        ("image/private/s--AAAAAAAA--/v1/p.png", 401),
    ],
)
def test_a_refusal_is_told_in_a_header(upload: Upload, endpoints: Any, path: str, status: int) -> None:
    upload(public_id="a")
    upload(public_id="p", type="private")
    answer = httpx.get(f"{endpoints.delivery_url}/{path}", trust_env=False)
    assert (answer.status_code, answer.content) == (status, b"")
    assert path.rpartition("/")[2] in answer.headers["x-cld-error"]


def test_deleted_and_fictional_bytes_are_not_delivered(
    upload: Upload, sdk: Any, control: ControlClient, endpoints: Any
) -> None:
    url = upload(public_id="a", backup=True)["url"]
    sdk.api.delete_resources(["a"])
    assert httpx.get(url, trust_env=False).status_code == 404
    control.bulk(20)
    made_up = sdk.api.resources(type="upload", max_results=2)["resources"][0]
    answer = httpx.get(made_up["url"], trust_env=False)
    assert answer.status_code == 404
    assert answer.headers["x-cld-error"]


def test_equal_bytes_are_stored_once_and_outlive_one_of_their_assets(upload: Upload, sdk: Any) -> None:
    upload(public_id="a")
    url = upload(public_id="b")["url"]
    sdk.uploader.destroy("a")
    assert httpx.get(url, trust_env=False).content == picture()
