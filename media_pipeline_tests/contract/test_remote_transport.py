"""What happens below HTTP: time, size, broken connections, several clouds and the SDK's globals.

Belongs here: hosts that misbehave. Not here: the meaning of honest answers (``test_remote_answers``).
"""

from __future__ import annotations

import gzip
import json
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import cloudinary  # type: ignore[import-untyped]
import cloudinary.api  # type: ignore[import-untyped]
import pytest

from media_pipeline.errors import RemoteMalformed, RemoteOutcomeUnknown, RemoteUnavailable
from media_pipeline.remote.transport import NoAnswer, Transport, UnreadableAnswer
from media_pipeline.vocabulary import AssetId
from media_pipeline_tests.contract.remote_host import (
    ASSET_ID,
    IMAGES,
    CountingBudget,
    Host,
    answer,
    client_of,
    page,
    reset,
)

MIB = 1024 * 1024


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _drip(head: bytes, host: list[Host]) -> Callable[[socket.socket], None]:
    """Send *head*, then a byte every 20 ms until the test ends."""

    def reply(connection: socket.socket) -> None:
        connection.sendall(head)
        while not host[0].ended.wait(0.02):
            connection.sendall(b"x")

    return reply


@pytest.fixture
def patient() -> Iterator[Transport]:
    """A transport that would wait long for the next piece but not for the whole."""
    with closing(Transport(connect_seconds=5, read_seconds=30, total_seconds=0.3)) as transport:
        yield transport


def test_a_page_arrives_byte_for_byte() -> None:
    body = b'{"resources" : [ {"asset_id":"\\u00e4", "n": 1.50} ],\n "next_cursor":"c"}'
    with Host(answer(body)) as host, client_of(host.url) as client:
        got = client.list_page(IMAGES, cursor=None, page_size=500)
    assert (body, 200) == (got.body, got.status)


def test_a_compressed_page_is_unpacked() -> None:
    body = b'{"resources":[]}'
    with (
        Host(answer(gzip.compress(body), headers={"Content-Encoding": "gzip"})) as host,
        client_of(host.url) as client,
    ):
        assert body == client.list_page(IMAGES, cursor=None, page_size=500).body


def test_garbage_that_claims_to_be_compressed_is_malformed() -> None:
    with (
        Host(answer(b"no gzip", headers={"Content-Encoding": "gzip"})) as host,
        client_of(host.url) as client,
        pytest.raises(RemoteMalformed, match="not encoded as its headers say"),
    ):
        client.list_page(IMAGES, cursor=None, page_size=500)
    assert len(host.requests) == 3


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "compressed"])
def test_an_answer_above_32_mib_is_given_up(is_packed: bool) -> None:
    body = b" " * (33 * MIB)
    reply = answer(gzip.compress(body, 1), headers={"Content-Encoding": "gzip"}) if is_packed else answer(body)
    with (
        Host(reply) as host,
        client_of(host.url, retries=0) as client,
        pytest.raises(RemoteMalformed, match="larger than 33554432 bytes"),
    ):
        client.ping()


def test_an_endless_answer_is_given_up_at_its_size_limit() -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b" " * MIB)

    with (
        Host(endless) as host,
        closing(Transport(connect_seconds=5, read_seconds=5, body_limit_bytes=MIB)) as transport,
        pytest.raises(UnreadableAnswer),
    ):
        transport.send("GET", host.url, headers={})


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Slow: "],
    ids=["body", "headers"],
)
def test_a_dripping_answer_ends_at_the_total_time(head: bytes, patient: Transport) -> None:
    hosts: list[Host] = []
    with Host(_drip(head, hosts)) as host:
        hosts.append(host)
        with pytest.raises(NoAnswer, match=r"timed out|took too long") as caught:
            patient.send("GET", host.url, headers={})
    assert caught.value.was_sent


def test_silence_is_unavailable_after_all_tries() -> None:
    waiting = threading.Event()

    def wait(_: socket.socket) -> None:
        waiting.wait(5)

    with (
        Host(wait) as host,
        client_of(host.url, retries=1, read_timeout_seconds=0.1) as client,
    ):
        with pytest.raises(RemoteUnavailable, match="did not answer"):
            client.ping()
        waiting.set()
    assert len(host.requests) == 2


def test_a_large_request_may_take_longer_than_a_connection() -> None:
    """urllib3 would send a whole body under the connect timeout."""
    reader_may_go_on = threading.Event()

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as stream:
                reader_may_go_on.wait(5)
                while stream.readline().strip():
                    pass
                stream.read(8 * MIB)
                connection.sendall(answer({"status": "ok"}))

        server = threading.Thread(target=serve)
        server.start()
        threading.Timer(0.4, reader_may_go_on.set).start()
        with closing(Transport(connect_seconds=0.1, read_seconds=5)) as transport:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
            assert transport.send("POST", url, headers={}, body=b"x" * (8 * MIB)).status == 200
        server.join()


def test_a_redirect_is_not_followed() -> None:
    with Host(page()) as target, Host(answer("", status=302, headers={"Location": target.url})) as host:
        with client_of(host.url) as client, pytest.raises(RemoteMalformed, match="status 302"):
            client.list_page(IMAGES, cursor=None, page_size=500)
        assert target.requests == []


@pytest.mark.parametrize(
    "reply",
    [
        reset,
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{",
        b"not http at all\r\n\r\n",
    ],
    ids=["reset", "body ends early", "chunk ends early", "no http"],
)
def test_a_broken_answer_is_unavailable_for_a_read_and_unknown_for_a_write(reply: object) -> None:
    def broken(connection: socket.socket) -> None:
        if callable(reply):
            reply(connection)
        else:
            assert isinstance(reply, bytes)
            connection.sendall(reply)
            connection.close()

    with Host(broken) as host, client_of(host.url) as client:
        with pytest.raises(RemoteUnavailable):
            client.read_assets([AssetId(ASSET_ID)])
        assert len(host.requests) == 3
        with pytest.raises(RemoteOutcomeUnknown, match="The answer was lost"):
            client.delete_assets([AssetId(ASSET_ID)])
        assert len(host.requests) == 4


def test_a_write_that_never_left_is_only_unavailable_and_costs_nothing() -> None:
    budget = CountingBudget()
    with client_of(f"http://127.0.0.1:{_free_port()}", budget=budget) as client, pytest.raises(RemoteUnavailable):
        client.delete_assets([AssetId(ASSET_ID)])
    assert budget.acquired == [("delete_assets", "push")]
    assert [told["cost"] for told in budget.observed] == [0]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new certificate of 127.0.0.1 that only its own file vouches for, with its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate of this test")
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", file, "-out", f"{file}.crt"], check=True, capture_output=True)
    with file.open("a") as stream:
        stream.write(Path(f"{file}.crt").read_text())
    return file


def _tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_page_arrives_over_tls_on_one_connection(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certifi.where", lambda: str(certificate))
    big = page({"asset_id": ASSET_ID, "context": "x" * MIB})
    with Host(big, tls=_tls(certificate)) as host, client_of(host.url) as client:
        pages = [client.list_page(IMAGES, cursor=None, page_size=500).body for _ in range(3)]
    assert {len(body) for body in pages} == {len(big.partition(b"\r\n\r\n")[2])}
    assert (host.connection_count, len(host.requests)) == (1, 3)


def test_a_dripping_answer_over_tls_ends_at_the_total_time(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certifi.where", lambda: str(certificate))
    hosts: list[Host] = []
    drip = _drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", hosts)
    with (
        Host(drip, tls=_tls(certificate)) as host,
        closing(Transport(connect_seconds=5, read_seconds=30, total_seconds=0.3)) as transport,
    ):
        hosts.append(host)
        with pytest.raises(NoAnswer, match=r"timed out|took too long"):
            transport.send("GET", host.url, headers={})


def test_a_host_that_nobody_vouches_for_gets_no_write(certificate: Path) -> None:
    budget = CountingBudget()
    with (
        Host(page(), tls=_tls(certificate)) as host,
        client_of(host.url, budget=budget) as client,
        pytest.raises(RemoteUnavailable, match="certificate"),
    ):
        client.delete_assets([AssetId(ASSET_ID)])
    assert host.requests == []
    assert [told["cost"] for told in budget.observed] == [0]


def test_connections_are_used_again() -> None:
    with Host(page()) as host, client_of(host.url) as client:
        for _ in range(5):
            client.list_page(IMAGES, cursor=None, page_size=500)
    assert (host.connection_count, len(host.requests)) == (1, 5)


def test_a_closed_client_leaves_no_connection_open() -> None:
    with Host(answer(b"no gzip", headers={"Content-Encoding": "gzip"})) as host:
        with pytest.raises(RemoteMalformed) as kept, client_of(host.url, retries=0) as client:
            client.ping()
        # The traceback holds the pool, so that no garbage collector can close what we forgot.
        assert host.closed_count.acquire(timeout=5), kept


def test_clouds_and_threads_do_not_disturb_each_other() -> None:
    def wait_for_all(body: dict[str, object], barrier: threading.Barrier) -> Callable[[socket.socket], None]:
        def reply(connection: socket.socket) -> None:
            barrier.wait(10)
            connection.sendall(answer(body, headers={"Connection": "close"}))

        return reply

    threads = 6
    barrier = threading.Barrier(2 * threads)
    with (
        Host(wait_for_all({"resources": ["of one"]}, barrier)) as one,
        Host(wait_for_all({"resources": ["of two"]}, barrier)) as two,
        client_of(one.url, cloud_name="one") as client_one,
        client_of(two.url, cloud_name="two") as client_two,
        ThreadPoolExecutor(2 * threads) as pool,
    ):
        pages = list(
            pool.map(
                lambda client: (client.cloud_name, client.list_page(IMAGES, cursor=None, page_size=1).body),
                [client_one, client_two] * threads,
            )
        )
    assert {("one", b'{"resources": ["of one"]}'), ("two", b'{"resources": ["of two"]}')} == set(pages)
    for name, host in (("one", one), ("two", two)):
        basic = "Basic " + b64encode(f"key-of-{name}:not-a-real-secret".encode()).decode()
        assert {basic} == {request.headers["authorization"] for request in host.requests}
        assert {f"/v1_1/{name}/resources/image/upload"} == {request.path for request in host.requests}


def test_other_users_of_the_sdk_keep_their_own_connections() -> None:
    reply = answer({"status": "theirs"}, headers={"Connection": "close"})
    with Host(reply) as host, client_of(host.url) as client:
        client.ping()
        theirs = cloudinary.api.ping(cloud_name="theirs", api_key="a", api_secret="b", upload_prefix=host.url)
    assert theirs["status"] == "theirs"
    assert [request.path for request in host.requests] == ["/v1_1/not-a-real-cloud/ping", "/v1_1/theirs/ping"]


def test_the_global_configuration_of_the_sdk_has_no_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "cloud_name": "wrong",
        "api_key": "wrong",
        "api_secret": "wrong",
        "oauth_token": "wrong",
        "upload_prefix": "http://127.0.0.1:9",
        "upload_preset": "wrong",
        "signature_algorithm": "sha256",
    }.items():
        monkeypatch.setitem(cloudinary.config().__dict__, name, value)
    uploaded = answer({"asset_id": ASSET_ID, "public_id": "a"})
    with Host(uploaded) as host, client_of(host.url) as client:
        client.ping()
        client.upload(b"x", public_id="a", resource_type=IMAGES.resource_type, delivery_type="upload", overwrite=False)
    ping, upload = host.requests
    assert ping.path == "/v1_1/not-a-real-cloud/ping"
    assert ping.headers["authorization"].startswith("Basic ")
    assert upload.path == "/v1_1/not-a-real-cloud/image/upload"
    assert b"wrong" not in upload.body
    assert "authorization" not in upload.headers


@pytest.mark.parametrize("url", ["https://key:secret@cloud", "not a url"])
def test_a_wrong_cloudinary_url_is_a_configuration_error_even_at_import(url: str) -> None:
    program = (
        "from media_pipeline.errors import ConfigurationError\n"
        "try:\n    import media_pipeline.remote.client\n"
        "except ConfigurationError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"CLOUDINARY_URL": url, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "CLOUDINARY_URL does not start with cloudinary://.\n"


def test_a_page_is_not_parsed_by_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    real = json.loads

    def record(text: str) -> Any:
        parsed.append(text)
        return real(text)

    with Host(page({"asset_id": ASSET_ID})) as host, client_of(host.url) as client:
        monkeypatch.setattr(json, "loads", record)
        client.list_page(IMAGES, cursor=None, page_size=500)
    assert parsed == ["{}"]
