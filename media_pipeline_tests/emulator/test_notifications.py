"""How notifications travel: recipients, signatures, retries, faults, and buffers that are polled."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from typing import Any

import httpx
import pytest

from media_pipeline.emulator.control import ControlClient, ControlFailed
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.emulator.server import EmulatorConfig, EmulatorThread, Endpoints
from media_pipeline_tests.emulator.conftest import START, StoppedClock, Upload
from media_pipeline_tests.emulator.receiver import Receiver

MINUTE = 60


def test_a_trigger_lives(sdk: Any) -> None:
    made = sdk.api.create_trigger("https://example.com/hook", "upload")
    assert (made["uri"], made["uri_type"], made["event_type"]) == ("https://example.com/hook", "webhook", "upload")
    sdk.api.create_trigger("poll://orders/1", "all", uri_type="poll")
    listed = sdk.api.triggers()
    assert (listed["total"], sorted(t["event_type"] for t in listed["triggers"])) == (2, ["all", "upload"])
    assert sdk.api.triggers(event_type="upload")["triggers"] == [made]
    assert sdk.api.update_trigger(made["id"], "poll://other") == {"message": "ok"}
    [changed] = sdk.api.triggers(event_type="upload")["triggers"]
    assert (changed["uri"], changed["uri_type"]) == ("poll://other", "poll")
    assert sdk.api.test_trigger(made["id"])["filter_result"] is True
    assert sdk.api.delete_trigger(made["id"]) == {"message": "ok"}
    with pytest.raises(sdk.errors.NotFound, match="Trigger not found"):
        sdk.api.delete_trigger(made["id"])


@pytest.mark.parametrize(
    ("uri", "options", "parameter"),
    [
        ("nonsense", {}, "uri"),
        ("poll://", {}, "uri"),
        ("https://example.com/", {"event_type": "nonsense"}, "event_type"),
        ("https://example.com/", {"uri_type": "poll"}, "uri_type"),
        ("https://example.com/", {"auth_scheme": "eddsa_v2"}, "auth_scheme"),
    ],
)
def test_a_trigger_that_makes_no_sense_is_refused(
    http: httpx.Client, uri: str, options: dict[str, str], parameter: str
) -> None:
    answer = http.post("/triggers", json={"uri": uri, "event_type": "upload"} | options)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].endswith(f"for parameter {parameter}")


def test_filters_and_templates_are_refused(http: httpx.Client) -> None:
    body = {"uri": "https://example.com/", "event_type": "upload", "filter": {"==": [1, 1]}}
    assert "knows no filter" in http.post("/triggers", json=body).json()["error"]["message"]


def test_thirty_triggers_are_enough(sdk: Any) -> None:
    for number in range(30):
        sdk.api.create_trigger(f"https://example.com/{number}", "upload")
    with pytest.raises(sdk.errors.BadRequest, match="at most 30"):
        sdk.api.create_trigger("https://example.com/more", "upload")
    with pytest.raises(sdk.errors.BadRequest):
        sdk.api.create_trigger("https://example.com/1", "upload")


def test_an_equal_trigger_is_refused(sdk: Any) -> None:
    sdk.api.create_trigger("https://example.com/1", "upload")
    with pytest.raises(sdk.errors.AlreadyExists):
        sdk.api.create_trigger("https://example.com/1", "upload")


def test_a_trigger_gets_its_own_type_only(upload: Upload, sdk: Any, control: ControlClient, receiver: Receiver) -> None:
    sdk.api.create_trigger(receiver.url, "delete")
    upload(public_id="a")
    sdk.uploader.destroy("a")
    control.settle_notifications()
    assert [d["notification_type"] for d in receiver.documents()] == ["delete"]


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_the_exact_bytes_are_signed(
    upload: Upload, sdk: Any, control: ControlClient, hook: Receiver, config: EmulatorConfig, algorithm: str
) -> None:
    control.change_settings(notification_algorithm=algorithm)
    upload(public_id="ä")
    control.settle_notifications()
    [received] = hook.received
    timestamp, signature = received.headers["x-cld-timestamp"], received.headers["x-cld-signature"]
    assert timestamp == str(START)
    signed = received.body + timestamp.encode() + config.api_secret.encode()
    assert signature == hashlib.new(algorithm, signed).hexdigest()
    assert sdk.utils.verify_notification_signature(
        received.body.decode(), int(timestamp), signature, valid_for=10**10, algorithm=algorithm
    )
    assert received.headers["user-agent"] == "Cloudinary"
    assert received.headers["x-media-pipeline-emulator"] == "1"


def test_the_signature_equals_the_vectors(control: ControlClient) -> None:
    for algorithm, body, timestamp, secret, expected in (
        ("sha1", "{public_id: 'sample'}", "1315060510", "abcd", "25f7e91709c858b97d688ce8da799dedb290d9ef"),
        (
            "sha256",
            '{"public_id":"b8sjhoslj8cq8ovoa0ma","version":"1555337587","width":1000,"height":800}',
            "7952342400000",
            "hardcoded",
            "6c5a29fd8815772fbac2f10ae741e093d0859313947ef8fadeb29126ded6649c",
        ),
    ):
        assert hashlib.new(algorithm, (body + timestamp + secret).encode()).hexdigest() == expected


def test_nothing_is_told_of_a_call_that_failed(
    upload: Upload, sdk: Any, control: ControlClient, hook: Receiver
) -> None:
    upload(public_id="a")
    sdk.uploader.rename("a", "b")
    upload(public_id="a")
    with pytest.raises(sdk.errors.BadRequest):
        sdk.uploader.rename("a", "b")
    assert [d.event_type for d in control.settle_notifications()] == ["upload", "rename", "upload"]


def test_a_call_may_name_its_own_receiver(upload: Upload, sdk: Any, control: ControlClient, hook: Receiver) -> None:
    own = hook.url.replace("/hook", "/own")
    upload(public_id="a", notification_url=own)
    sdk.api.update("a", tags="x", notification_url=own)
    sdk.uploader.add_tag("y", ["a"], notification_url=own)
    upload(public_id="b")
    told = [(d.event_type, d.uri.rpartition("/")[2]) for d in control.settle_notifications()]
    assert told == [
        ("upload", "own"),
        ("resource_tags_changed", "own"),
        ("resource_tags_changed", "own"),
        ("upload", "hook"),
    ]


def test_an_additive_trigger_gets_the_event_in_any_case(
    upload: Upload, http: httpx.Client, control: ControlClient, receiver: Receiver
) -> None:
    body = {"uri": receiver.url, "event_type": "upload", "additive": True}
    assert http.post("/triggers", json=body).json()["additive"] is True
    upload(notification_url=receiver.url.replace("/hook", "/own"))
    assert sorted(d.uri.rpartition("/")[2] for d in control.settle_notifications()) == ["hook", "own"]


def test_derived_assets_may_be_told_elsewhere(upload: Upload, control: ControlClient, receiver: Receiver) -> None:
    base = receiver.url.removesuffix("/hook")
    upload(eager="w_4", eager_async=True, notification_url=f"{base}/own", eager_notification_url=f"{base}/eager")
    told = [(d.event_type, d.uri.rpartition("/")[2]) for d in control.settle_notifications()]
    assert told == [("eager", "eager"), ("upload", "own")]


def test_a_preset_may_name_the_receiver(sdk: Any, upload: Upload, control: ControlClient, receiver: Receiver) -> None:
    sdk.api.create_upload_preset(name="web", notification_url=receiver.url)
    upload(upload_preset="web")
    [told] = control.settle_notifications()
    assert (told.uri, told.state) == (receiver.url, "delivered")


def test_webhooks_leave_by_themselves(upload: Upload, control: ControlClient, hook: Receiver) -> None:
    upload(public_id="a")
    for _ in range(500):
        [told] = control.notifications()
        if told.state == "delivered":
            break
    assert (told.state, told.attempts[0].status) == ("delivered", 200)


def test_three_retries_come_after_three_six_and_nine_minutes(
    upload: Upload, control: ControlClient, hook: Receiver, clock: StoppedClock
) -> None:
    hook.statuses = [500, 201, 404, 503]
    upload()
    for advanced, attempts in ((0, 1), (179, 1), (1, 2), (179, 2), (1, 3), (180, 4), (10 * MINUTE, 4)):
        clock.advance(advanced)
        [told] = control.settle_notifications()
        assert (len(told.attempts), len(hook.received)) == (attempts, attempts)
    assert told.state == "failed"
    assert [(a.at - START, a.status) for a in told.attempts] == [(0, 500), (180, 201), (360, 404), (540, 503)]
    stamps = [received.headers["x-cld-timestamp"] for received in hook.received]
    assert stamps == [str(START + seconds) for seconds in (0, 180, 360, 540)]
    assert len({received.body for received in hook.received}) == 1


def test_a_clock_that_is_moved_brings_the_retry(upload: Upload, control: ControlClient, hook: Receiver) -> None:
    hook.statuses = [500]
    upload()
    control.settle_notifications()
    control.set_clock_offset(3 * MINUTE)
    [told] = control.settle_notifications()
    assert (told.state, [a.status for a in told.attempts]) == ("delivered", [500, 200])


def test_a_receiver_that_is_not_there_is_retried(
    upload: Upload, sdk: Any, control: ControlClient, clock: StoppedClock
) -> None:
    sdk.api.create_trigger("http://127.0.0.1:1/hook", "all")
    upload()
    [told] = control.settle_notifications()
    assert (told.state, told.due_at) == ("waiting", START + 3 * MINUTE)
    assert told.attempts[0].error is not None
    assert told.attempts[0].error.startswith("ConnectError")


def test_no_other_machine_is_told(upload: Upload, sdk: Any, control: ControlClient) -> None:
    sdk.api.create_trigger("https://example.com/hook", "all")
    upload()
    [told] = control.settle_notifications()
    assert (told.state, told.attempts[0].error) == ("refused", "The emulator sends to this machine only")


def test_the_log_can_be_cleared(upload: Upload, control: ControlClient, hook: Receiver) -> None:
    upload()
    control.settle_notifications()
    control.clear_notifications()
    assert control.notifications() == []


def test_messages_outlive_a_restart(receiver: Receiver, tmp_path: Any) -> None:
    config, clock = EmulatorConfig(tmp_path, "restart"), StoppedClock()

    def post(endpoints: Endpoints, path: str, **options: Any) -> None:
        root = f"{endpoints.base_url}/v1_1/{endpoints.cloud_name}"
        answer = httpx.post(root + path, auth=(config.api_key, config.api_secret), trust_env=False, **options)
        assert answer.status_code == 200

    receiver.statuses = [500]
    with EmulatorThread(config, clock) as emulator, ControlClient(emulator.endpoints) as control:
        post(emulator.endpoints, "/triggers", json={"uri": receiver.url, "event_type": "all"})
        post(emulator.endpoints, "/folders/x")
        control.settle_notifications()
    clock.advance(3 * MINUTE)
    with EmulatorThread(config, clock) as emulator, ControlClient(emulator.endpoints) as control:
        [told] = control.settle_notifications()
    assert [attempt.status for attempt in told.attempts] == [500, 200]


def test_a_notification_may_be_dropped(upload: Upload, control: ControlClient, hook: Receiver) -> None:
    control.add_faults(Rule(Kind.WEBHOOK_DROPPED, path="upload", first=2, times=1))
    for name in "abc":
        upload(public_id=name)
    states = [d.state for d in control.settle_notifications()]
    assert states == ["delivered", "dropped", "delivered"]
    assert [d["public_id"] for d in hook.documents()] == ["a", "c"]
    assert control.faults()[0].injected == 1


def test_a_notification_may_come_twice(upload: Upload, control: ControlClient, hook: Receiver) -> None:
    control.add_faults(Rule(Kind.WEBHOOK_DUPLICATED, times=1))
    upload()
    control.settle_notifications()
    first, second = hook.received
    assert first.body == second.body


def test_a_notification_may_be_overtaken(upload: Upload, control: ControlClient, hook: Receiver) -> None:
    control.add_faults(Rule(Kind.WEBHOOK_REORDERED, times=1))
    for name in "abc":
        upload(public_id=name)
        control.settle_notifications()
    assert [d["public_id"] for d in hook.documents()] == ["b", "a", "c"]


def test_a_notification_may_be_late(
    upload: Upload, control: ControlClient, hook: Receiver, clock: StoppedClock
) -> None:
    control.add_faults(Rule(Kind.WEBHOOK_DELAYED, path="upl*", seconds=30))
    upload()
    control.settle_notifications()
    assert hook.received == []
    clock.advance(30)
    control.settle_notifications()
    assert len(hook.received) == 1


def test_a_notification_may_be_tampered_with(upload: Upload, sdk: Any, control: ControlClient, hook: Receiver) -> None:
    control.add_faults(Rule(Kind.WEBHOOK_TAMPERED, times=1))
    upload()
    upload()
    control.settle_notifications()
    genuine = [
        sdk.utils.verify_notification_signature(
            r.body.decode(), int(r.headers["x-cld-timestamp"]), r.headers["x-cld-signature"], valid_for=10**10
        )
        for r in hook.received
    ]
    assert genuine == [False, True]
    assert hook.received[0].document["tampered"] is True


def test_faults_of_notifications_do_not_touch_calls(upload: Upload, sdk: Any, control: ControlClient) -> None:
    control.add_faults(Rule(Kind.WEBHOOK_DROPPED))
    assert upload()["version"] == START
    assert control.faults()[0].matched == 0


@pytest.fixture
def channel(sdk: Any) -> str:
    sdk.api.create_trigger("poll://orders", "all", uri_type="poll")
    return "orders"


def test_a_polled_message_is_signed_and_acknowledged(
    upload: Upload, sdk: Any, channel: str, clock: StoppedClock
) -> None:
    upload(public_id="a", batch_id="b1")
    [message] = sdk.api.notifications(channel=channel)["messages"]
    assert (message["batch_id"], message["payload"]["notification_type"]) == ("b1", "upload")
    raw = base64.urlsafe_b64decode(message["signed_payload"] + "===")
    assert (json.loads(raw), "=" in message["signed_payload"]) == (message["payload"], False)
    assert message["timestamp"] == str(START)
    assert sdk.utils.verify_notification(message, valid_for=10**10)
    assert sdk.api.ack_notifications(message["receipt_handle"])["results"] == [{"status": "acked"}]
    clock.advance(1000)
    assert sdk.api.notifications(channel=channel, wait_seconds=0) == {}


def test_a_message_that_is_not_acknowledged_comes_back(
    upload: Upload, sdk: Any, channel: str, clock: StoppedClock
) -> None:
    upload()
    [first] = sdk.api.notifications(channel=channel, visibility_timeout=60)["messages"]
    clock.advance(59)
    assert "messages" not in sdk.api.notifications(channel=channel, wait_seconds=0)
    clock.advance(1)
    [again] = sdk.api.notifications(channel=channel)["messages"]
    assert again["payload"] == first["payload"]
    assert again["receipt_handle"] != first["receipt_handle"]
    results = sdk.api.ack_notifications([first["receipt_handle"], again["receipt_handle"]])["results"]
    assert results == [{"status": "not_found"}, {"status": "acked"}]


def test_messages_come_in_portions(upload: Upload, sdk: Any, channel: str) -> None:
    for name in "abc":
        upload(public_id=name)
    first = sdk.api.notifications(channel=channel, max_messages=2)["messages"]
    rest = sdk.api.notifications(channel=channel)["messages"]
    assert [m["payload"]["public_id"] for m in first + rest] == ["a", "b", "c"]


def test_a_batch_is_polled_by_its_own_id(upload: Upload, sdk: Any) -> None:
    upload(public_id="a", notification_url="poll://*", batch_id="mine")
    upload(public_id="b", notification_url="poll://*", batch_id="other")
    [message] = sdk.api.notifications(batch_id="mine")["messages"]
    assert message["payload"]["public_id"] == "a"


def test_a_poll_waits_for_the_first_message(upload: Upload, sdk: Any, channel: str, endpoints: Endpoints) -> None:
    claimed: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: claimed.append(sdk.api.notifications(channel=channel, wait_seconds=30)))
    thread.start()
    upload(public_id="a")
    thread.join(20)
    assert claimed[0]["messages"][0]["payload"]["public_id"] == "a"


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"channel": "a", "batch_id": "b"},
        {"channel": "a", "max_messages": 101},
        {"channel": "a", "wait_seconds": 61},
        {"channel": "a", "visibility_timeout": 0},
        {"channel": "a", "max_messages": "x"},
    ],
)
def test_a_poll_that_makes_no_sense_is_refused(endpoints: Endpoints, http: httpx.Client, query: dict[str, Any]) -> None:
    url = f"{endpoints.base_url}/v2/notifications/{endpoints.cloud_name}/messages"
    assert http.get(url, params=query).status_code == 400


def test_a_poll_needs_credentials(endpoints: Endpoints) -> None:
    url = f"{endpoints.base_url}/v2/notifications/{endpoints.cloud_name}/messages"
    assert httpx.get(url, params={"channel": "a"}, trust_env=False).status_code == 401
    assert httpx.post(f"{url}/ack", json={"receipt_handles": ["x"]}, trust_env=False).status_code == 401


def test_faults_concern_polled_messages_too(upload: Upload, sdk: Any, control: ControlClient, channel: str) -> None:
    control.add_faults(Rule(Kind.WEBHOOK_TAMPERED, times=1), Rule(Kind.WEBHOOK_DUPLICATED, times=1))
    upload(public_id="a")
    upload(public_id="b")
    messages = sdk.api.notifications(channel=channel)["messages"]
    assert [m["payload"]["public_id"] for m in messages] == ["a", "b", "b"]
    assert [sdk.utils.verify_notification(m, valid_for=10**10) for m in messages] == [False, True, True]


def test_an_algorithm_nobody_knows_is_refused(control: ControlClient) -> None:
    with pytest.raises(ControlFailed, match="md5"):
        control.change_settings(notification_algorithm="md5")
