"""``/metrics`` of the receiver: what it counts, who may read it, and that nobody can make it grow."""

from __future__ import annotations

import asyncio
import socket
import time

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from starlette.applications import Starlette

from media_pipeline.intake import scrape
from media_pipeline.intake.receiver import PATH
from media_pipeline.intake.scrape import Scrape
from media_pipeline.intake.spool import Spool
from media_pipeline.intake.tally import Tally
from media_pipeline_tests.intake.conftest import BODY, Running, Start, signed

TOKEN = "a-token-of-these-tests"


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look is a new one."""
    monkeypatch.setattr(scrape, "_FRESH_SECONDS", 0.0)


def figures(running: Running, **headers: str) -> dict[str, float]:
    answer = running.http.get("/metrics", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {
        sample.name.removeprefix("media_pipeline_") + "".join(f"{{{value}}}" for value in sample.labels.values()): (
            sample.value
        )
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.mark.usefixtures("fresh")
def test_every_answer_is_counted_where_it_belongs(starting: Start) -> None:
    running = starting(refusals=3, spool_file_limit=2)
    assert figures(running)["receiver_refused_total{forged}"] == 0
    running.post(headers=signed())
    running.post(headers={**signed(), "X-Cld-Signature": "0" * 64})
    for _ in range(5):
        running.post(headers={})
    running.post(b"", signed(b""))
    running.post(headers={**signed(), "Content-Encoding": "gzip"})
    running.http.get("/nothing-here")
    running.http.get(PATH)
    running.post(headers=signed())
    running.post(headers=signed())

    found = figures(running)

    refused = {name.split("{")[1][:-1]: n for name, n in found.items() if name.startswith("receiver_refused") and n}
    assert refused == {"forged": 1, "unsigned": 3, "flood": 2, "empty": 1, "encoding": 1, "path": 1, "method": 1}
    assert found["receiver_acknowledgement_seconds_count"] == found["receiver_commit_notifications_count"] == 2
    assert found["receiver_acknowledgement_seconds_bucket{+Inf}"] == 2
    assert 0 < found["receiver_acknowledgement_seconds_sum"] < 2
    assert found["receiver_acknowledged_bytes_total"] == 2 * len(BODY)
    assert (found["receiver_failed_total{no_room}"], found["receiver_failed_total{unexpected}"]) == (1, 0)
    assert (found["receiver_ready"], found["spool_files"], found["spool_limit_files"]) == (0, 2, 2)
    assert found["spool_oldest_timestamp_seconds"] == pytest.approx(time.time(), abs=30)
    assert found["spool_free_bytes"] > 0
    assert found["process_resident_memory_bytes"] > 1_000_000
    assert not any("_created" in name for name in found)


@pytest.mark.usefixtures("fresh")
def test_two_receivers_of_one_process_count_apart(starting: Start) -> None:
    one, other = starting(), starting()
    one.post(headers=signed())

    assert figures(one)["receiver_acknowledgement_seconds_count"] == 1
    assert figures(other)["receiver_acknowledgement_seconds_count"] == 0


@pytest.mark.usefixtures("fresh")
def test_a_spool_that_is_gone_is_no_failure_of_the_look(starting: Start) -> None:
    running = starting()
    assert figures(running)["receiver_ready"] == 1
    (running.spool.directory / "new").rename(running.spool.directory / "elsewhere")

    found = figures(running)

    assert found["receiver_ready"] == 0
    assert {name for name in found if name.startswith("spool")} == {"spool_limit_files"}


@pytest.mark.usefixtures("fresh")
def test_a_sender_that_goes_away_is_counted(starting: Start) -> None:
    running = starting()
    head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "localhost", **signed()}.items())
    with socket.create_connection(("127.0.0.1", running.port)) as connection:
        connection.sendall(f"POST {PATH} HTTP/1.1\r\n{head}Content-Length: 9\r\n\r\n1".encode())
    until = time.monotonic() + 5
    while not figures(running)["receiver_abandoned_total"]:
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"x-forwarded-proto": "https"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 proxy"},
        {"X-Real-IP": "127.0.0.1"},
        {"Host": "media.example.com"},
        {"Host": "media.example.com:3080"},
        {"Host": ""},
    ],
)
def test_without_a_token_nothing_is_told_to_who_may_come_from_elsewhere(
    running: Running, headers: dict[str, str]
) -> None:
    answer = running.http.get("/metrics", headers=headers)

    nowhere = running.http.get("/nothing-here").json()
    assert answer.status_code == 404
    assert {**answer.json(), "request_id": ""} == {**nowhere, "request_id": ""}


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:3080", "[::1]:3080", "LOCALHOST:1", "[::ffff:127.0.0.1]"])
def test_without_a_token_this_machine_may_read(running: Running, host: str) -> None:
    assert running.http.get("/metrics", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("127.0.0.1", 200),
        ("127.9.9.9", 200),
        ("::1", 200),
        ("::ffff:127.0.0.1", 200),
        ("192.0.2.1", 404),
        ("::ffff:192.0.2.1", 404),
        ("2001:db8::1", 404),
        ("10.0.0.1", 404),
        ("", 404),
    ],
)
def test_without_a_token_another_machine_finds_nothing(spool: Spool, address: str, status: int) -> None:
    async def ask() -> int:
        app = Starlette(routes=[Scrape(Tally(), spool, None).route()])
        transport = httpx.ASGITransport(app, client=(address, 40_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            return (await http.get("/metrics")).status_code

    assert asyncio.run(ask()) == status


def test_with_a_token_only_who_has_it_may_read(starting: Start) -> None:
    running = starting(metrics_token=SecretStr(TOKEN))
    for wrong in (None, TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer é"):
        answer = running.http.get("/metrics", headers={} if wrong is None else {b"Authorization": wrong.encode()})
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert TOKEN not in answer.text
    twice = [("Authorization", f"Bearer {TOKEN}"), ("Authorization", f"Bearer {TOKEN}")]
    assert running.http.get("/metrics", headers=twice).status_code == 401
    passed_on = {"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": "192.0.2.1", "Host": "media.example.com"}
    assert figures(running, **passed_on)["receiver_ready"] == 1


def test_guesses_of_a_token_are_cut_off_and_keep_nobody_out_who_has_it(starting: Start) -> None:
    running = starting(metrics_token=SecretStr(TOKEN))
    statuses = [running.http.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code for _ in range(12)]

    assert statuses == [401] * 10 + [429] * 2
    assert running.http.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_it_is_only_read(running: Running) -> None:
    assert running.http.head("/metrics").status_code == 200
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE"):
        answer = running.http.request(method, "/metrics", content=BODY)
        assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")


@pytest.mark.usefixtures("fresh")
def test_nothing_that_is_sent_makes_the_answer_longer(starting: Start) -> None:
    running = starting()
    before = figures(running).keys()
    for number in range(50):
        running.http.request(f"METHOD{number}", f"/path/{number}", headers={f"X-{number}": "x"})
        running.post(headers={"X-Cld-Signature": f"{number}"})
        running.http.get(f"/metrics?name={number}")

    assert figures(running).keys() == before


def test_many_who_ask_share_one_look(running: Running) -> None:
    running.http.get("/metrics")
    first = figures(running)["receiver_refused_total{path}"]
    running.http.get("/nothing-here")

    assert figures(running)["receiver_refused_total{path}"] == first
