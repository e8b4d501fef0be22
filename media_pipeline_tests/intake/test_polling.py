from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydantic import SecretStr

from media_pipeline import polling
from media_pipeline import settings as settings_module
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.errors import RemoteError, RemoteRejectedKey, SpoolFull
from media_pipeline.intake.change_file import Notification
from media_pipeline.intake.configured import verifier_of
from media_pipeline.intake.signature import Verifier
from media_pipeline.intake.spool import Spool
from media_pipeline.polling import VISIBILITY_SECONDS, PollResult
from media_pipeline.remote.calls import UnlimitedBudget
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.vocabulary import Channel
from media_pipeline_tests.contract.remote_host import CountingBudget, Host, answer
from media_pipeline_tests.intake.conftest import SECRET, Cloud

CHANNEL = "orders"


@pytest.fixture
def channel(cloud: Cloud) -> Cloud:
    cloud.client.create_trigger(f"poll://{CHANNEL}", event_type="all", uri_type="poll", is_additive=True)
    return cloud


@pytest.fixture
def verifier(cloud: Cloud) -> Verifier:
    return verifier_of(cloud.settings())


def take(cloud: Cloud, spool: Spool, verifier: Verifier) -> PollResult:
    return polling.poll_what_waits(cloud.client, spool, verifier, channel=CHANNEL)


def kept(spool: Spool) -> list[Notification]:
    return [one for file in spool.claim("tests", 1000) for one in spool.read(file)]


def test_messages_are_kept_then_acknowledged_and_cost_no_admin_call(
    channel: Cloud, spool: Spool, verifier: Verifier
) -> None:
    channel.tell(3)
    budget = CountingBudget()
    settings = channel.settings()
    assert settings.cloud is not None
    with CloudinaryClient(settings.cloud, settings=settings, budget=budget, refuse_emulator=False) as client:
        found_here = polling.poll_what_waits(client, spool, verifier, channel=CHANNEL)
    assert (found_here, budget.acquired) == (PollResult(3, 3, 0), [])

    found = kept(spool)
    assert [json.loads(one.body)["public_id"] for one in found] == ["told/0", "told/1", "told/2"]
    assert {one.channel for one in found} == {Channel.POLL}
    assert {one.headers["key"] for one in found} == {"123456789012345"}
    channel.let_pass(10 * VISIBILITY_SECONDS)
    assert take(channel, spool, verifier) == PollResult()
    assert {delivery.state for delivery in channel.control.notifications()} == {"delivered"}


def test_what_cannot_be_kept_is_not_acknowledged_and_comes_back(
    channel: Cloud, spool: Spool, verifier: Verifier
) -> None:
    channel.tell()
    with pytest.raises(SpoolFull):
        take(channel, Spool(spool.directory, file_limit=1, reserve_bytes=10**18), verifier)
    assert take(channel, spool, verifier) == PollResult()
    channel.let_pass(VISIBILITY_SECONDS)
    assert take(channel, spool, verifier) == PollResult(1, 1, 0)


def test_nothing_is_acknowledged_before_it_is_durable(
    channel: Cloud, spool: Spool, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel.tell()
    order: list[str] = []
    put, acknowledge = spool.put, channel.client.acknowledge

    def noting_put(notifications: Sequence[Notification]) -> Path:
        path = put(notifications)
        order.append("durable")
        return path

    def noting_acknowledge(handles: Sequence[str]) -> None:
        order.append("acknowledged")
        acknowledge(handles)

    monkeypatch.setattr(spool, "put", noting_put)
    monkeypatch.setattr(channel.client, "acknowledge", noting_acknowledge)
    take(channel, spool, verifier)
    assert order == ["durable", "acknowledged"]


@pytest.mark.parametrize("kind", [Kind.RESET_BEFORE_EFFECT, Kind.RESET_AFTER_EFFECT, Kind.STATUS])
def test_an_acknowledgement_that_is_lost_loses_nothing(
    channel: Cloud, spool: Spool, verifier: Verifier, kind: Kind
) -> None:
    channel.tell()
    channel.control.add_faults(Rule(kind, method="POST", path="*ack*", times=1, status=503))
    with pytest.raises(RemoteError):
        take(channel, spool, verifier)
    channel.let_pass(VISIBILITY_SECONDS)
    take(channel, spool, verifier)
    assert {one.body for one in kept(spool)} == {delivery.body.encode() for delivery in channel.control.notifications()}


def test_a_message_that_is_not_proved_is_set_aside_and_does_not_come_back(
    channel: Cloud, spool: Spool, verifier: Verifier
) -> None:
    channel.control.add_faults(Rule(Kind.WEBHOOK_TAMPERED, times=1))
    channel.tell(2)
    assert take(channel, spool, verifier) == PollResult(2, 1, 1)

    channel.let_pass(10 * VISIBILITY_SECONDS)
    assert take(channel, spool, verifier) == PollResult()
    [aside] = spool.list_quarantined()
    assert "no configured secret" in aside.reason
    assert [json.loads(one.body)["public_id"] for one in kept(spool)] == ["told/1"]
    spool.replay(aside.name)
    assert [json.loads(one.body).get("tampered") for one in kept(spool)] == [True]


def test_sha1_is_named_where_it_is_not_taken(channel: Cloud, spool: Spool) -> None:
    channel.tell()
    strict = verifier_of(channel.settings(webhook_sha1=False))
    assert take(channel, spool, strict) == PollResult(1, 0, 1)
    assert "MEDIA_PIPELINE_WEBHOOK_SHA1" in spool.list_quarantined()[0].reason
    channel.control.change_settings(notification_algorithm="sha256")
    channel.tell()
    assert take(channel, spool, strict) == PollResult(1, 1, 0)


def test_the_age_of_a_message_does_not_matter(channel: Cloud, spool: Spool, verifier: Verifier) -> None:
    channel.let_pass(-10 * 86400)
    channel.tell()
    assert take(channel, spool, verifier) == PollResult(1, 1, 0)


def test_odd_messages_do_not_keep_the_others(spool: Spool) -> None:
    """Shapes that no honest server sends: each is set aside, and what has a handle is acknowledged."""
    odd = [
        {"receipt_handle": "a", "signed_payload": "!!", "signature": "x", "timestamp": "1"},
        {"receipt_handle": "b"},
        {"receipt_handle": "c", "signed_payload": "e30", "signature": "é" * 64, "timestamp": "1795391744"},
        {"receipt_handle": 5, "signed_payload": ["e30"], "signature": None, "timestamp": 1795391744},
        "text",
        None,
    ]
    replies = [answer({"messages": odd}), answer({"results": [{"status": "acked"}] * 3}), answer({})]
    with Host(*replies) as host:
        url = SecretStr(f"cloudinary://key:{SECRET}@live?upload_prefix={host.url}")
        settings = settings_module.load(CLOUDINARY_URL=url, retries=0)
        assert settings.cloud is not None
        with CloudinaryClient(
            settings.cloud, settings=settings, budget=UnlimitedBudget(), refuse_emulator=False
        ) as client:
            found = polling.poll_what_waits(client, spool, verifier_of(settings), channel=CHANNEL)
        assert found == PollResult(6, 0, 6)
        assert host.requests[1].json() == {"receipt_handles": ["a", "b", "c"]}
    assert len(spool.list_quarantined()) == 6


def test_the_poller_waits_for_what_is_down_and_goes_on(
    channel: Cloud, spool: Spool, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel.tell()
    channel.control.add_faults(
        Rule(Kind.STATUS, path="*messages*", times=2, status=503), Rule(Kind.HTML, path="*messages*", times=1)
    )
    stop = threading.Event()
    totals: list[PollResult] = []

    def work() -> None:
        totals.append(
            polling.poll(
                channel.client, spool, verifier, channel=CHANNEL, wait_seconds=0, pause_seconds=0.01, stop=stop
            )
        )

    thread = threading.Thread(target=work)
    thread.start()
    until = time.monotonic() + 20
    while not spool.depth().file_count and time.monotonic() < until:
        time.sleep(0.02)
    stop.set()
    thread.join(20)
    assert totals == [PollResult(1, 1, 0)]
    assert sum(state.injected for state in channel.control.faults()) == 3


def test_the_poller_waits_for_a_full_disk_and_loses_nothing(
    channel: Cloud, spool: Spool, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel.tell()
    stop = threading.Event()
    put, failures = spool.put, [SpoolFull("no room"), SpoolFull("no room")]

    def put_later(notifications: Sequence[Notification]) -> Path:
        if failures:
            channel.let_pass(VISIBILITY_SECONDS)
            raise failures.pop()
        stop.set()
        return put(notifications)

    monkeypatch.setattr(spool, "put", put_later)
    total = polling.poll(
        channel.client, spool, verifier, channel=CHANNEL, wait_seconds=1, pause_seconds=0.01, stop=stop
    )
    assert (total, len(kept(spool))) == (PollResult(1, 1, 0), 1)


def test_a_refused_key_ends_the_poller(channel: Cloud, spool: Spool, verifier: Verifier) -> None:
    channel.control.add_faults(Rule(Kind.REVOKED_KEY))
    with pytest.raises(RemoteRejectedKey):
        polling.poll(channel.client, spool, verifier, channel=CHANNEL, stop=threading.Event())
