"""Bad inputs of requests: each has its answer, and none of them leaves a byte. The first number is that of the plan."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from media_pipeline.intake import server
from media_pipeline.intake.receiver import PATH
from media_pipeline.vocabulary import Channel
from media_pipeline_tests.intake.conftest import BODY, OLD_SECRET, SECRET, Running, Start, signature, signed

MIB = 1024 * 1024


def problem(answer: httpx.Response) -> str:
    """The detail of a problem, which is well-formed and names nothing that was sent."""
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert set(document) == {"type", "title", "status", "detail", "request_id"}
    assert document["status"] == answer.status_code
    assert SECRET not in answer.text
    assert "0123456789abcdef" not in answer.text
    detail: str = document["detail"]
    return detail


def talk(running: Running, *pieces: bytes, seconds: float = 5) -> bytes:
    """What the receiver says to raw bytes until it closes the connection."""
    with socket.create_connection(("127.0.0.1", running.port), timeout=seconds) as connection:
        answer = b""
        # It may have heard enough before everything is sent.
        with suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
        with suppress(ConnectionError):
            while piece := connection.recv(65536):
                answer += piece
    return answer


def head(*lines: str, body: bytes = BODY) -> bytes:
    headers = {"Host": "localhost", **signed(body)}
    named = [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"POST {PATH} HTTP/1.1", *named, *lines, "", ""]).encode()


def test_a_proved_notification_is_kept_before_the_answer(running: Running) -> None:
    answer = running.post(headers={**signed(), "User-Agent": "Cloudinary", "X-Other": "not kept"})

    assert (answer.status_code, answer.text) == (200, "kept")
    [kept] = running.kept()
    assert (kept.body, kept.channel) == (BODY, Channel.WEBHOOK)
    assert set(kept.headers) == {"x-cld-timestamp", "x-cld-signature", "user-agent", "key"}
    assert kept.headers["key"] == "1"


@pytest.mark.parametrize("missing", ["X-Cld-Signature", "X-Cld-Timestamp"])  # 1, 2
def test_a_message_without_signature_or_time_is_not_proved(running: Running, missing: str) -> None:
    headers = signed()
    del headers[missing]
    answer = running.post(headers=headers)

    assert (answer.status_code, missing.lower() in problem(answer)) == (401, True)
    assert running.files() == []


@pytest.mark.parametrize("twice", ["X-Cld-Signature", "X-Cld-Timestamp"])  # 3, 4
def test_a_header_that_decides_comes_once(running: Running, twice: str) -> None:
    headers = [*signed().items(), (twice, signed()[twice])]

    assert running.post(headers=headers).status_code == 400
    assert running.files() == []


def wrong(**changes: str) -> dict[str, str]:
    return {**signed(), **{name.replace("_", "-"): value for name, value in changes.items()}}


@pytest.mark.parametrize(
    "headers",
    [
        lambda: wrong(X_Cld_Signature=signed(b"{}")["X-Cld-Signature"]),  # 5
        lambda: wrong(X_Cld_Signature=signed()["X-Cld-Signature"].upper()),  # 6
        lambda: wrong(X_Cld_Signature=f"sha256={signed()['X-Cld-Signature']}"),  # 6
        lambda: [(b"X-Cld-Timestamp", signed()["X-Cld-Timestamp"].encode()), (b"X-Cld-Signature", "é".encode() * 32)],
        lambda: signed(algorithm="sha1"),  # 8
        lambda: signed(secret="a-secret-of-nobody-here"),  # 10
        lambda: signed(secret=""),  # 11
        lambda: signed(BODY.replace(b":", b": ")),  # 12
        lambda: signed(age_seconds=7202),  # 13
        lambda: signed(age_seconds=-302),  # 13
        lambda: {"X-Cld-Timestamp": "+1795391744", "X-Cld-Signature": signature(BODY, "+1795391744")},  # 14
        lambda: {"X-Cld-Timestamp": "1" * 5000, "X-Cld-Signature": signature(BODY, "1" * 5000)},  # 14
    ],
)
def test_what_is_not_proved_is_refused(running: Running, headers: Any) -> None:
    answer = running.post(headers=headers())

    assert (answer.status_code, bool(problem(answer))) == (401, True)
    assert running.files() == []


def test_digits_that_moved_to_the_body_prove_nothing(running: Running) -> None:  # 15
    headers = signed()
    moved = headers["X-Cld-Timestamp"][:1].encode()
    headers["X-Cld-Timestamp"] = headers["X-Cld-Timestamp"][1:]

    assert running.post(BODY + moved, headers).status_code == 401


def test_an_old_secret_counts_until_it_is_taken_out(running: Running, starting: Start) -> None:  # 9, 10
    assert running.post(headers=signed(secret=OLD_SECRET)).status_code == 200
    assert [one.headers["key"] for one in running.kept()] == ["2"]
    later = starting(secrets=(SECRET,))
    assert later.post(headers=signed(secret=OLD_SECRET)).status_code == 401


def test_sha1_is_taken_only_where_the_setting_says_so(starting: Start) -> None:  # 8
    running = starting(webhook_sha1=True)
    assert running.post(headers=signed(algorithm="sha1")).status_code == 200
    assert running.post(headers=signed()).status_code == 200


def test_the_scheme_that_cannot_be_checked_is_refused_with_these_words(running: Running) -> None:
    headers = {"X-Cld-Timestamp": signed()["X-Cld-Timestamp"], "X-Cld-Signature_v2": "c2lnbmF0dXJl"}
    answer = running.post(headers=headers)

    assert answer.status_code == 401
    assert "Ed25519 scheme cannot be checked here" in problem(answer)
    assert running.post(headers={**signed(), "X-Cld-Signature_v2": "c2lnbmF0dXJl"}).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD", "TRACE", "DELETE", "OPTIONS"])  # 16
def test_only_post_is_taken(running: Running, method: str) -> None:
    answer = running.http.request(method, PATH, content=BODY, headers=signed())

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert running.files() == []


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "nonsense"])  # 17
def test_the_signature_decides_and_not_the_content_type(running: Running, content_type: str) -> None:
    assert running.post(headers={**signed(), "Content-Type": content_type}).status_code == 200


@pytest.mark.parametrize("path", [f"{PATH}/", f"/{PATH}", f"/x{PATH}", "/", "/api/cloudinary/%77ebhook/x"])  # 18
def test_another_path_is_not_found_and_leads_nowhere(running: Running, path: str) -> None:
    answer = running.http.post(f"http://127.0.0.1:{running.port}{path}", content=BODY, headers=signed())

    assert (answer.status_code, "location" in answer.headers) == (404, False)
    assert running.files() == []


def test_a_flood_from_one_address_is_cut_off_whatever_it_says_of_itself(starting: Start) -> None:  # 19, 28
    running = starting(refusals=5)
    forged = {**signed(), "X-Cld-Signature": "0" * 64}
    for headers in ({}, forged):
        statuses = [
            running.post(headers={**headers, "X-Forwarded-For": f"10.0.0.{number}"}).status_code for number in range(12)
        ]
        assert statuses == sorted(statuses)
        assert (statuses[:5], statuses[-1]) == ([401] * 5, 429)
        if not headers:
            # Scanners behind the same proxy do not keep Cloudinary out.
            assert running.post(headers=signed()).status_code == 200
    answer = running.post(headers=signed())
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "180")
    assert [path.startswith("2") for path in running.files()] == [True]


def test_other_hosts_are_refused_where_hosts_are_named(starting: Start) -> None:  # 20
    running = starting(receiver_allowed_hosts=("media.example.com", "[::1]"))
    for host, status in (
        ("media.example.com", 200),
        ("MEDIA.example.com:8443", 200),
        ("[::1]:3080", 200),
        ("example.com", 400),
        ("", 400),
        ("127.0.0.1", 400),
    ):
        assert running.post(headers={**signed(), "Host": host}).status_code == status


def test_a_body_over_the_limit_is_refused_before_it_is_read(running: Running) -> None:  # 21
    answer = talk(running, head(f"Content-Length: {MIB + 1}"))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer
    assert running.post(b"x" * MIB, signed(b"x" * MIB)).status_code == 200
    assert len(running.kept()) == 1


def test_a_body_without_a_length_is_cut_off_at_the_limit(running: Running) -> None:  # 22
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    answer = talk(running, head("Transfer-Encoding: chunked"), *[piece] * 16, b"1\r\nx\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert running.files() == []


def test_a_body_in_pieces_is_taken(running: Running) -> None:
    def pieces() -> Iterator[bytes]:
        for start in range(0, len(BODY), 7):
            yield BODY[start : start + 7]

    assert running.post(pieces(), signed()).status_code == 200
    assert [one.body for one in running.kept()] == [BODY]


def test_a_body_that_does_not_come_is_not_waited_for(running: Running) -> None:  # 23
    started = time.monotonic()
    assert talk(running, head(f"Content-Length: {len(BODY)}"), BODY[:-1]).startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - started < 3
    assert running.files() == []


def test_a_sender_that_goes_away_leaves_nothing(running: Running) -> None:  # 24
    with socket.create_connection(("127.0.0.1", running.port)) as connection:
        connection.sendall(head(f"Content-Length: {len(BODY)}") + BODY[:-1])
    assert running.post(headers=signed()).status_code == 200
    assert len(running.kept()) == 1


def test_packed_bodies_are_refused(running: Running) -> None:  # 25
    assert running.post(headers={**signed(), "Content-Encoding": "gzip"}).status_code == 415
    assert running.files() == []


def test_two_lengths_are_refused(running: Running) -> None:  # 26
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
    answer = talk(running, head(f"Content-Length: {len(BODY)}", "Transfer-Encoding: chunked"), chunked)
    assert answer.startswith(b"HTTP/1.1 400 ")
    twice = talk(running, head(f"Content-Length: {len(BODY)}", f"Content-Length: {len(BODY)}"), BODY)
    assert twice.startswith(b"HTTP/1.1 400 ")
    assert running.files() == []


@pytest.mark.parametrize(
    "lines",
    [
        [f"X-{number}: x" for number in range(200)],
        [f"X-Long: {'x' * 65536}"],
        [f"X-Long: {'x' * 33000}"],
    ],
)
def test_too_many_or_too_large_headers_are_refused(running: Running, lines: list[str]) -> None:  # 27
    answer = talk(running, head(*lines, f"Content-Length: {len(BODY)}") + BODY)
    assert answer.split(b" ")[1] in (b"400", b"431")
    assert running.files() == []


def test_a_head_without_an_end_does_not_fill_the_memory(running: Running) -> None:  # 27
    answer = talk(running, f"POST {PATH} HTTP/1.1\r\nX-Long: ".encode(), *[b"x" * 65536] * 3)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("begun", [[], [b"POST /api"]])
def test_a_head_that_does_not_come_is_not_waited_for(
    running: Running, monkeypatch: pytest.MonkeyPatch, begun: list[bytes]
) -> None:  # 23
    monkeypatch.setattr(server, "_HEAD_SECONDS", 0.3)
    started = time.monotonic()
    assert talk(running, *begun) == b""
    assert time.monotonic() - started < 3


def test_no_place_is_said_and_nothing_is_left(starting: Start) -> None:  # 29
    running = starting(spool_file_limit=1)
    assert running.http.get("/readyz").status_code == 200
    assert running.post(headers=signed()).status_code == 200
    answer = running.post(headers=signed())

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "180")
    assert (problem(answer), len(running.files())) == ("No room to keep it.", 1)
    ready = running.http.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "not ready")
    running.kept()
    # It counts what waits once a second.
    until = time.monotonic() + 5
    while running.post(headers=signed()).status_code != 200:
        assert time.monotonic() < until
        time.sleep(0.1)


def test_a_missing_spool_is_no_loss(starting: Start, tmp_path: Path) -> None:  # 30
    place = tmp_path / "spool"
    running = starting(spool=place)
    place.rename(tmp_path / "elsewhere")

    assert running.post(headers=signed()).status_code == 503
    assert running.http.get("/readyz").status_code == 503
    assert running.http.get("/healthz").status_code == 200
    (tmp_path / "elsewhere").rename(place)
    assert running.post(headers=signed()).status_code == 200


def test_duplicates_are_kept_each_time_whether_or_not_the_first_is_consumed(running: Running) -> None:  # 31, 32
    headers = signed()
    assert [running.post(headers=headers).status_code for _ in range(2)] == [200, 200]
    assert [one.body for one in running.kept()] == [BODY, BODY]
    assert running.post(headers=headers).status_code == 200


def test_parallel_requests_share_files_and_are_all_kept(running: Running) -> None:  # 33
    bodies = [json.dumps({"number": number}).encode() for number in range(49)] + [b'{"number": 0}']
    sent = threading.Barrier(len(bodies))

    def post(body: bytes) -> int:
        sent.wait()
        return httpx.post(
            f"http://127.0.0.1:{running.port}{PATH}", content=body, headers=signed(body), trust_env=False, verify=False
        ).status_code

    with ThreadPoolExecutor(len(bodies)) as threads:
        assert list(threads.map(post, bodies)) == [200] * 50
    files = len(running.files())
    assert (sorted(one.body for one in running.kept()), files <= 50) == (sorted(bodies), True)


def test_an_empty_body_is_refused_even_if_it_is_signed(running: Running) -> None:  # 34
    assert running.post(b"", signed(b"")).status_code == 400
    assert running.post(b"", {**signed(b""), "X-Cld-Signature": "0" * 64}).status_code == 401
    assert running.files() == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"notification_type": "upl',
        b"[]",
        b"null",
        b'{"public_id":"safe","public_id":"evil"}',
        b'{"bytes": NaN, "width": 1e999}',
        b"[" * 100_000,
        b'{"n": ' + b"9" * 5000 + b"}",
        b'{"public_id": "\\u0000 \\ud800"}',
        '{"public_id": "é"}'.encode("utf-16"),
        b"\xef\xbb\xbf{}",
        b'{"public_id": "\xff"}',
        b"\x00",
        b'{"notification_type": "of_tomorrow"}',
        b'{"notification_type": "delete", "resources": [' + b",".join([b"{}"] * 10_000) + b"]}",
        b"MPCF1 \n",
    ],
)
def test_what_is_proved_is_kept_however_odd_it_is(running: Running, body: bytes) -> None:  # 35 to 47
    assert running.post(body, signed(body)).status_code == 200
    assert [one.body for one in running.kept()] == [body]


def test_requests_that_follow_each_other_on_one_connection_are_all_answered(running: Running) -> None:
    request = head(f"Content-Length: {len(BODY)}") + BODY
    last = head(f"Content-Length: {len(BODY)}", "Connection: close") + BODY
    assert talk(running, request * 3 + last).count(b"HTTP/1.1 200 OK") == 4
    assert len(running.kept()) == 4


def test_a_failure_that_nobody_thought_of_is_no_yes(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("with a secret in it")

    monkeypatch.setattr("media_pipeline.intake.spool.Spool._keep", fail)
    answer = running.post(headers=signed())
    assert (answer.status_code, "secret" in answer.text) == (500, False)
    monkeypatch.undo()
    assert running.post(headers=signed()).status_code == 200
