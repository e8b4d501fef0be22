"""Bytes that do not come as a file part."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from media_pipeline_tests.emulator.conftest import Upload
from media_pipeline_tests.emulator.material import picture


class Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/away"):
            self.send_response(302)
            self.send_header("Location", "http://198.51.100.7/a.png")
            self.end_headers()
        elif self.path.startswith("/near"):
            self.send_response(302)
            self.send_header("Location", "/a%20picture.png")
            self.end_headers()
        elif self.path.endswith(".png"):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(picture(30, 20))
        else:
            self.send_error(404)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        return

    def log_error(self, message: str, *values: object) -> None:
        return


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_address_is_read(sdk: Any, elsewhere: str) -> None:
    answer = sdk.uploader.upload(f"{elsewhere}/a%20picture.png", use_filename=True, unique_filename=False)
    assert (answer["width"], answer["height"], answer["bytes"]) == (30, 20, len(picture(30, 20)))
    assert (answer["public_id"], answer["original_filename"]) == ("a picture", "a picture")


def test_a_large_upload_of_an_address_is_an_ordinary_one(sdk: Any, elsewhere: str) -> None:
    assert sdk.uploader.upload_large(f"{elsewhere}/a.png")["width"] == 30


def test_an_address_of_the_emulator_itself_is_read(sdk: Any, upload: Upload) -> None:
    first = upload(public_id="a", asset_folder="x")
    assert sdk.uploader.upload(first["secure_url"], public_id="copy")["etag"] == first["etag"]


def test_a_redirect_is_followed(sdk: Any, elsewhere: str) -> None:
    assert sdk.uploader.upload(f"{elsewhere}/near")["width"] == 30


@pytest.mark.parametrize("url", ["http://198.51.100.7/a.png", "https://example.com/a.png", "s3://bucket/a.png"])
def test_no_other_machine_is_asked(sdk: Any, url: str) -> None:
    with pytest.raises(sdk.errors.BadRequest, match=f"Error in loading {url} - the emulator reads"):
        sdk.uploader.upload(url)


def test_a_redirect_leads_to_no_other_machine(sdk: Any, elsewhere: str) -> None:
    with pytest.raises(sdk.errors.BadRequest, match=r"198\.51\.100\.7/a\.png - the emulator reads"):
        sdk.uploader.upload(f"{elsewhere}/away")


def test_what_cannot_be_read_is_told(sdk: Any, elsewhere: str) -> None:
    with pytest.raises(sdk.errors.BadRequest, match=f"Error in loading {elsewhere}/gone - 404 Not Found"):
        sdk.uploader.upload(f"{elsewhere}/gone")
    with pytest.raises(sdk.errors.BadRequest, match=r"Error in loading http://127\.0\.0\.1:1/ - "):
        sdk.uploader.upload("http://127.0.0.1:1/")


def test_a_data_uri_may_be_broken_into_lines(sdk: Any) -> None:
    uri = """\
data:image/png;base64,iVBORw0KGgoAA
AANSUhEUgAAABAAAAAQAQMAAAAlPW0iAAAABlBMVEUAAAD///+l2Z/dAAAAM0l
EQVR4nGP4/5/h/1+G/58ZDrAz3D/McH8yw83NDDeNGe4Ug9C9zwz3gVLMDA/A6
P9/AFGGFyjOXZtQAAAAAElFTkSuQmCC\
"""
    assert sdk.uploader.upload(uri)["width"] == 16
