"""Bytes of originals: from whom they are taken, how much, and what a broken transfer is.

Belongs here: addresses, limits, errors. Not here: what bytes must be to count (``push/test_vault``).
"""

from __future__ import annotations

import socket

import pytest

from media_pipeline.errors import RateLimited, RemoteMalformed, RemoteNotFound, RemoteRefused, RemoteUnavailable
from media_pipeline.remote.calls import Original, OriginalSource
from media_pipeline.vocabulary import AssetId
from media_pipeline_tests.contract.remote_host import ASSET_ID, Host, answer, client_of, error

CLOUD = "not-a-real-cloud"
OFFICIAL = f"https://res.cloudinary.com/{CLOUD}/image/upload/v1/a.png"


class Memory:
    """Keeps what comes, and how often it began anew."""

    def __init__(self) -> None:
        self.content = b""
        self.largest = 0
        self.starts = 0

    def restart(self) -> None:
        self.content = b""
        self.starts += 1

    def write(self, piece: bytes) -> None:
        self.content += piece
        self.largest = max(self.largest, len(piece))


def original(address: str | None, *, size_bytes: int = 5, delivery_type: str = "upload") -> Original:
    return Original(AssetId(ASSET_ID), "image", delivery_type, "a b/ü", "png", 1, size_bytes, address)


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/not-a-real-cloud/image/upload/a.png",
        "http://res.cloudinary.com/not-a-real-cloud/image/upload/a.png",
        "https://res.cloudinary.com/another-cloud/image/upload/a.png",
        "https://res.cloudinary.com.example.org/not-a-real-cloud/image/upload/a.png",
        "https://someone@res.cloudinary.com/not-a-real-cloud/image/upload/a.png",
        "https://res.cloudinary.com:8443/not-a-real-cloud/image/upload/a.png",
        "https://example.org/not-a-real-cloud/image/upload/a.png",
        "file:///etc/hostname",
    ],
)
def test_an_address_that_is_not_of_the_bound_cloud_is_never_asked(address: str | None) -> None:
    with client_of("https://api.cloudinary.com") as client:
        assert client.sources_of(original(address)) == (OriginalSource.DOWNLOAD,)
        with pytest.raises(RemoteRefused, match="not one of this cloud"):
            client.fetch_original(original(address), OriginalSource.DELIVERY, Memory())


@pytest.mark.parametrize("address", [OFFICIAL, f"https://{CLOUD}-res.cloudinary.com/image/upload/v1/a.png"])
def test_the_delivery_of_the_bound_cloud_comes_first(address: str) -> None:
    with client_of("https://api.cloudinary.com") as client:
        assert client.sources_of(original(address)) == (OriginalSource.DELIVERY, OriginalSource.DOWNLOAD)
        assert client.sources_of(original(address, delivery_type="private")) == (OriginalSource.DOWNLOAD,)


def test_a_download_is_signed_and_names_one_asset() -> None:
    memory = Memory()
    with Host(answer(b"bytes")) as host, client_of(host.url) as client:
        client.fetch_original(original(None, delivery_type="private"), OriginalSource.DOWNLOAD, memory)

    request = host.only_request
    assert memory.content == b"bytes"
    assert (request.method, request.path) == ("GET", f"/v1_1/{CLOUD}/image/download")
    asked = dict(request.query)
    assert (asked["public_id"], asked["type"], asked["format"]) == ("a b/ü", "private", "png")
    assert len(asked["signature"]) == 40
    assert request.headers["accept-encoding"] == "identity"


def test_a_large_original_comes_in_small_pieces() -> None:
    memory, size = Memory(), 5_000_000
    with Host(answer(bytes(size))) as host, client_of(host.url) as client:
        client.fetch_original(original(None, size_bytes=size), OriginalSource.DOWNLOAD, memory)

    assert len(memory.content) == size
    assert memory.largest <= 1024 * 1024


def test_no_more_is_taken_than_the_asset_has() -> None:
    memory = Memory()
    with (
        Host(answer(b"too many bytes")) as host,
        client_of(host.url, retries=0) as client,
        pytest.raises(RemoteMalformed, match="larger than 5 bytes"),
    ):
        client.fetch_original(original(None), OriginalSource.DOWNLOAD, memory)

    assert memory.content == b""


def test_a_transfer_that_breaks_is_made_again_from_its_beginning() -> None:
    def half(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nby")

    memory = Memory()
    with Host(half, answer(b"bytes")) as host, client_of(host.url) as client:
        client.fetch_original(original(None), OriginalSource.DOWNLOAD, memory)

    assert (memory.content, memory.starts) == (b"bytes", 2)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer(b"", status=404, headers={"X-Cld-Error": "Resource not found"}), RemoteNotFound),
        (answer(b"", status=302, headers={"Location": "http://169.254.169.254/"}), RemoteRefused),
        (error(429, "slow down"), RateLimited),
        (answer(b"", status=503), RemoteUnavailable),
    ],
)
def test_what_is_no_original_is_an_error_of_its_own(reply: bytes, kind: type[Exception]) -> None:
    memory = Memory()
    with Host(reply) as host, client_of(host.url, retries=0) as client, pytest.raises(kind):
        client.fetch_original(original(None), OriginalSource.DOWNLOAD, memory)

    assert memory.content == b""
    assert len(host.requests) == 1
