"""What the client makes of an answer: the error of each status, retries, the budget, the guards.

Belongs here: honest HTTP with every status and body. Not here: what is sent (``test_remote_calls``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import structlog

from media_pipeline.errors import (
    CursorRejected,
    RateLimited,
    RemoteError,
    RemoteForbidden,
    RemoteMalformed,
    RemoteNotFound,
    RemoteOutcomeUnknown,
    RemoteRefused,
    RemoteRejectedKey,
    RemoteUnavailable,
    WrongCloud,
)
from media_pipeline.remote.calls import CallRecord, TagCommand
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.remote.key_report import describe_key
from media_pipeline.vocabulary import AssetId, CallPurpose, ResourceType
from media_pipeline_tests.contract.remote_host import (
    ASSET_ID,
    IMAGES,
    REQUEST_ID,
    CountingBudget,
    Host,
    answer,
    client_of,
    error,
    page,
)

ID = AssetId(ASSET_ID)
HTML = "<html><body>404</body></html>"
UPDATED = answer({"asset_id": ASSET_ID, "public_id": "a"})
EMULATOR = {"X-Media-Pipeline-Emulator": "1"}

READS: dict[str, Callable[[CloudinaryClient], object]] = {
    "list_page": lambda client: client.list_page(IMAGES, cursor=None, page_size=500),
    "read_assets": lambda client: client.read_assets([ID]),
    "read_asset": lambda client: client.read_asset(ID),
    "search": lambda client: client.search("x", fields=[], sort_by=[], cursor=None, max_results=1),
    "search_folders": lambda client: client.search_folders(cursor=None, max_results=1),
    "root_folders": lambda client: client.root_folders(),
    "subfolders": lambda client: client.subfolders("a", cursor=None),
    "metadata_fields": lambda client: client.metadata_fields(),
    "config": lambda client: client.config(),
    "ping": lambda client: client.ping(),
}
WRITES: dict[str, Callable[[CloudinaryClient], object]] = {
    "upload": lambda client: client.upload(
        b"x", public_id="a", resource_type=ResourceType.IMAGE, delivery_type="upload", overwrite=False
    ),
    "change_tags": lambda client: client.change_tags(
        TagCommand.ADD, ["t"], public_ids=["a"], resource_type=ResourceType.IMAGE, delivery_type="upload"
    ),
    "rename": lambda client: client.rename("a", "b", resource_type=ResourceType.IMAGE, delivery_type="upload"),
    "update": lambda client: client.update(ID, display_name="b"),
    "delete_assets": lambda client: client.delete_assets([ID]),
    "create_metadata_field": lambda client: client.create_metadata_field({"type": "string"}),
}
PERMISSIONS = {
    "list_page": "assets: read",
    "read_assets": "assets: read",
    "read_asset": "assets: read",
    "search": "assets: read",
    "search_folders": "folders: read",
    "root_folders": "folders: read",
    "subfolders": "folders: read",
    "metadata_fields": "metadata fields: read",
    "config": "product environment: read",
    "ping": "Admin API: use",
    "upload": "assets: create",
    "change_tags": "assets: update",
    "rename": "assets: rename",
    "update": "assets: update",
    "delete_assets": "assets: delete",
    "create_metadata_field": "metadata fields: create",
}


@pytest.mark.parametrize(
    ("reply", "of_a_read", "of_a_write"),
    [
        (error(400, "bad parameter"), RemoteRefused, RemoteRefused),
        (error(400, "no such next_cursor"), RemoteRefused, RemoteRefused),
        (error(401, "unknown api_key"), RemoteRejectedKey, RemoteRejectedKey),
        (error(403, "not allowed"), RemoteForbidden, RemoteForbidden),
        (error(404, "Resource not found - a"), RemoteNotFound, RemoteNotFound),
        (error(408, "too slow"), RemoteUnavailable, RemoteOutcomeUnknown),
        (error(409, "already exists"), RemoteRefused, RemoteRefused),
        (error(413, "Request entity too large"), RemoteRefused, RemoteRefused),
        (error(420, "Rate Limit Exceeded"), RateLimited, RateLimited),
        (error(423, "still processing"), RemoteRefused, RemoteRefused),
        (error(429, "too many requests"), RateLimited, RateLimited),
        (error(500, "General Error"), RemoteUnavailable, RemoteOutcomeUnknown),
        (error(503, "away"), RemoteUnavailable, RemoteOutcomeUnknown),
        (answer({"error": "a text"}, status=400), RemoteRefused, RemoteRefused),
        (answer({"error": {}}, status=404), RemoteNotFound, RemoteNotFound),
        (answer(HTML, status=429), RateLimited, RateLimited),
        (answer(HTML, status=502), RemoteUnavailable, RemoteOutcomeUnknown),
        (answer("", status=504), RemoteUnavailable, RemoteOutcomeUnknown),
        (answer(HTML, status=404), RemoteMalformed, RemoteOutcomeUnknown),
        (answer(HTML, status=401), RemoteMalformed, RemoteOutcomeUnknown),
        (answer({}, status=404), RemoteMalformed, RemoteOutcomeUnknown),
        (answer({"resources": []}, status=403), RemoteMalformed, RemoteOutcomeUnknown),
        (answer({"resources": []}, status=201), RemoteMalformed, RemoteOutcomeUnknown),
        (answer(HTML), RemoteMalformed, RemoteOutcomeUnknown),
        (answer(""), RemoteMalformed, RemoteOutcomeUnknown),
        (answer('{"resources":[{"asset_id":'), RemoteMalformed, RemoteOutcomeUnknown),
        (answer('{"resources":[]} and more'), RemoteMalformed, RemoteOutcomeUnknown),
        (answer([]), RemoteMalformed, RemoteOutcomeUnknown),
        (answer(None), RemoteMalformed, RemoteOutcomeUnknown),
        (answer({"error": {"message": "x"}, "resources": []}), RemoteMalformed, RemoteOutcomeUnknown),
        (answer({"resources": {}}), RemoteMalformed, RemoteOutcomeUnknown),
        (answer({"resources": None}), RemoteMalformed, RemoteOutcomeUnknown),
        (answer({}), RemoteMalformed, RemoteOutcomeUnknown),
    ],
)
def test_an_answer_becomes_the_error_of_its_status_and_shape(
    reply: bytes, of_a_read: type[RemoteError], of_a_write: type[RemoteError]
) -> None:
    with Host(reply) as host, client_of(host.url, retries=0) as client:
        for invoke, expected in ((READS["list_page"], of_a_read), (WRITES["delete_assets"], of_a_write)):
            with pytest.raises(RemoteError) as caught:
                invoke(client)
            assert (expected, REQUEST_ID) == (type(caught.value), caught.value.request_id)


@pytest.mark.parametrize("name", [*READS, *WRITES])
def test_a_missing_permission_is_named(name: str) -> None:
    with (
        Host(error(403, "not allowed")) as host,
        client_of(host.url) as client,
        pytest.raises(RemoteForbidden) as caught,
    ):
        {**READS, **WRITES}[name](client)
    assert (name, PERMISSIONS[name]) == (caught.value.call, caught.value.permission)
    assert PERMISSIONS[name] in caught.value.hint


@pytest.mark.parametrize("name", list(WRITES))
@pytest.mark.parametrize(
    "body",
    [
        {"asset_id": "not an id", "public_id": "a"},
        {"public_ids": "a", "deleted": [], "external_id": None},
        {"public_ids": [1], "deleted": {"a": 1}, "external_id": 1, "asset_id": 1, "public_id": 1},
    ],
)
def test_a_write_whose_answer_does_not_say_what_was_done_is_unknown(name: str, body: object) -> None:
    with Host(answer(body)) as host, client_of(host.url) as client, pytest.raises(RemoteOutcomeUnknown):
        WRITES[name](client)


@pytest.mark.parametrize("status", [400, 404])
def test_a_refused_cursor_is_told_from_other_refusals(status: int) -> None:
    with Host(error(status, "Invalid next_cursor")) as host, client_of(host.url) as client:
        with pytest.raises(CursorRejected):
            client.list_page(IMAGES, cursor="old", page_size=500)
        with pytest.raises(CursorRejected):
            client.search("x", fields=[], sort_by=[], cursor="old", max_results=1)
        with pytest.raises(CursorRejected):
            client.search_folders(cursor="old", max_results=1)
        with pytest.raises(CursorRejected):
            client.subfolders("a", cursor="old")
    with Host(error(status, "Invalid max_results")) as host, client_of(host.url) as client:
        with pytest.raises((RemoteRefused, RemoteNotFound)) as caught:
            client.list_page(IMAGES, cursor="old", page_size=500)
        assert not isinstance(caught.value, CursorRejected)


def test_control_characters_of_a_message_do_not_reach_a_terminal() -> None:
    with (
        Host(error(400, "a\x1b[31mred\n" + "x" * 9000)) as host,
        client_of(host.url) as client,
        pytest.raises(RemoteRefused) as caught,
    ):
        client.ping()
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 700


# The allowance


def _clock(now: datetime, **headers: str) -> dict[str, str]:
    return {"Date": format_datetime(now.astimezone(UTC), usegmt=True), **headers}


NOON = datetime(2031, 5, 4, 12, 10, 30, tzinfo=UTC)
NEXT_HOUR = datetime(2031, 5, 4, 13, tzinfo=UTC)
LIMIT_TEXT = "Rate Limit Exceeded. Limit of 500 api operations reached. Try again on {} UTC"


@pytest.mark.parametrize(
    ("message", "headers", "expected"),
    [
        (LIMIT_TEXT.format("2031-05-04 12:45:00"), {}, NOON.replace(minute=45, second=0)),
        (
            LIMIT_TEXT.format("2031-05-04 12:45:00"),
            {"X-FeatureRateLimit-Reset": "Sun, 04 May 2031 12:30:00 GMT"},
            NOON.replace(minute=30, second=0),
        ),
        ("slow down", {"Retry-After": "40"}, NOON + timedelta(seconds=40)),
        ("slow down", {}, NEXT_HOUR),
        ("slow down", {"X-FeatureRateLimit-Reset": "nonsense", "Retry-After": "soon"}, NEXT_HOUR),
        ("slow down", {"X-FeatureRateLimit-Reset": "Sun, 04 May 2031 11:00:00 GMT"}, NEXT_HOUR),
        (LIMIT_TEXT.format("2031-99-04 12:45:00"), {}, NEXT_HOUR),
    ],
    ids=["message", "header", "retry-after", "nothing", "nonsense", "a past moment", "no moment"],
)
def test_the_end_of_a_limit_is_found(message: str, headers: dict[str, str], expected: datetime) -> None:
    reply = answer({"error": {"message": message}}, status=420, headers=_clock(NOON, **headers))
    with Host(reply) as host, client_of(host.url) as client, pytest.raises(RateLimited) as caught:
        client.ping()
    assert expected == caught.value.reset_at


def test_a_limit_without_any_clock_ends_with_the_hour_of_ours() -> None:
    before = datetime.now(UTC)
    with Host(answer("", status=429)) as host, client_of(host.url) as client, pytest.raises(RateLimited) as caught:
        client.ping()
    assert timedelta(0) < caught.value.reset_at - before <= timedelta(hours=1, seconds=5)
    assert (caught.value.reset_at.minute, caught.value.reset_at.second) == (0, 0)


def test_the_budget_is_asked_before_each_try_and_told_after_it() -> None:
    told = {
        "X-FeatureRateLimit-Limit": "500",
        "X-FeatureRateLimit-Remaining": "499",
        "X-FeatureRateLimit-Reset": "Sun, 04 May 2031 13:00:00 GMT",
    }
    budget = CountingBudget()
    with (
        Host(error(503, "away"), answer(HTML), answer({"resources": []}, headers=told)) as host,
        client_of(host.url, budget=budget) as client,
    ):
        client.list_page(IMAGES, cursor=None, page_size=500)
    assert budget.acquired == [("list_page", "listing")] * 3
    spent = {"call": "list_page", "purpose": CallPurpose.LISTING, "cost": 1}
    unknown = {"limit": None, "remaining": None, "reset_at": None, **spent}
    known = {"limit": 500, "remaining": 499, "reset_at": NEXT_HOUR, **spent}
    assert [unknown, unknown, known] == budget.observed


def test_nothing_is_sent_when_the_budget_refuses() -> None:
    refusal = RateLimited("share spent", call="ping", reset_at=NEXT_HOUR)
    budget = CountingBudget(refusal)
    with Host(page()) as host, client_of(host.url, budget=budget) as client, pytest.raises(RateLimited) as caught:
        client.ping()
    assert (refusal, [], []) == (caught.value, host.requests, budget.observed)


@pytest.mark.parametrize("name", ["upload", "change_tags", "rename"])
def test_calls_of_the_upload_api_cost_no_allowance(name: str) -> None:
    budget = CountingBudget()
    body = {"asset_id": ASSET_ID, "public_id": "a", "public_ids": ["a"]}
    with Host(answer(body)) as host, client_of(host.url, budget=budget) as client:
        WRITES[name](client)
    assert (budget.acquired, budget.observed) == ([], [])


def test_a_point_read_is_booked_on_the_purpose_of_its_caller() -> None:
    budget = CountingBudget()
    with Host(page()) as host, client_of(host.url, budget=budget) as client:
        client.read_assets([ID])
        client.read_assets([ID], purpose=CallPurpose.PUSH)
    assert budget.acquired == [("read_assets", "verify"), ("read_assets", "push")]


# Trying again


@pytest.mark.parametrize("bad", [error(500, "x"), answer(HTML), answer('{"resources":[')])
def test_a_read_is_tried_again_until_it_is_good(bad: bytes) -> None:
    with Host(bad, bad, page()) as host, client_of(host.url) as client:
        assert client.list_page(IMAGES, cursor=None, page_size=500).body == b'{"resources": []}'
    assert len(host.requests) == 3


def test_a_read_gives_up_with_the_last_error() -> None:
    with (
        Host(error(500, "x"), error(500, "y"), answer(HTML)) as host,
        client_of(host.url) as client,
        pytest.raises(RemoteMalformed),
    ):
        client.list_page(IMAGES, cursor=None, page_size=500)
    assert len(host.requests) == 3


@pytest.mark.parametrize(
    "reply",
    [
        error(400, "x"),
        error(401, "x"),
        error(403, "x"),
        error(404, "x"),
        error(420, "x"),
        error(429, "x"),
        answer({"resources": []}, headers=EMULATOR),
    ],
    ids=["400", "401", "403", "404", "420", "429", "emulator"],
)
def test_what_cannot_get_better_is_not_tried_again(reply: bytes) -> None:
    with Host(reply) as host, client_of(host.url) as client, pytest.raises((RemoteError, WrongCloud)):
        client.list_page(IMAGES, cursor=None, page_size=500)
    assert len(host.requests) == 1


@pytest.mark.parametrize("name", list(WRITES))
@pytest.mark.parametrize("reply", [error(500, "x"), answer(HTML), error(429, "x")])
def test_a_write_is_never_tried_again(name: str, reply: bytes) -> None:
    with Host(reply) as host, client_of(host.url) as client, pytest.raises((RemoteOutcomeUnknown, RateLimited)):
        WRITES[name](client)
    assert len(host.requests) == 1


def test_a_retry_is_logged_once_and_each_call_once() -> None:
    with (
        Host(error(500, "x"), page()) as host,
        client_of(host.url) as client,
        structlog.testing.capture_logs() as lines,
    ):
        client.list_page(IMAGES, cursor=None, page_size=500)
    assert [(line["event"], line["log_level"], line["status"]) for line in lines if "status" in line] == [
        ("remote_call_made", "debug", 500),
        ("remote_call_made", "debug", 200),
    ]
    assert [
        (line["event"], line["log_level"], line["call"], line["attempt"]) for line in lines if "status" not in line
    ] == [("remote_call_retried", "info", "list_page", 1)]


# What a call tells


def test_each_request_is_recorded_also_without_an_answer() -> None:
    records: list[CallRecord] = []

    def close(connection: object) -> None:
        connection.close()  # type: ignore[attr-defined]

    with Host(close, page()) as host, client_of(host.url, on_call=records.append) as client:
        client.list_page(IMAGES, cursor=None, page_size=500)
        with pytest.raises(RemoteOutcomeUnknown):
            client.update(ID, display_name="x")
    assert [
        (record.call, record.purpose, record.status, record.request_id, record.bytes_received) for record in records
    ] == [
        ("list_page", CallPurpose.LISTING, None, None, 0),
        ("list_page", CallPurpose.LISTING, 200, REQUEST_ID, 17),
        ("update", CallPurpose.PUSH, 200, REQUEST_ID, 17),
    ]
    assert all(0 <= record.duration_seconds < 60 for record in records)


def test_the_emulator_is_refused_where_it_must_not_be() -> None:
    reply = answer({"status": "ok"}, headers=EMULATOR)
    with Host(reply) as host:
        with client_of(host.url) as client, pytest.raises(WrongCloud, match="emulator"):
            client.ping()
        with client_of(host.url, refuse_emulator=False) as client:
            assert client.is_emulator is None
            client.ping()
            assert client.is_emulator is True


def test_an_error_of_the_emulator_is_refused_as_well() -> None:
    reply = answer({"error": {"message": "x"}}, status=500, headers=EMULATOR)
    with Host(reply) as host, client_of(host.url) as client, pytest.raises(WrongCloud):
        client.ping()


def test_only_an_answer_of_an_api_proves_that_it_is_no_emulator() -> None:
    with Host(answer(HTML, status=502), answer({"status": "ok"})) as host, client_of(host.url, retries=0) as client:
        with pytest.raises(RemoteUnavailable):
            client.ping()
        assert client.is_emulator is None
        client.ping()
        assert client.is_emulator is False


def test_the_difference_of_the_clocks_is_known_after_an_answer() -> None:
    ahead = answer({"status": "ok"}, headers=_clock(datetime.now(UTC) + timedelta(hours=2)))
    with Host(ahead) as host, client_of(host.url) as client:
        assert client.clock_skew_seconds is None
        client.ping()
        assert client.clock_skew_seconds == pytest.approx(-7200, abs=30)


def test_an_odd_date_or_request_id_is_ignored() -> None:
    odd = answer({"status": "ok"}, headers={"Date": "yesterday", "X-Request-Id": "a\x07b"})
    with Host(odd) as host, client_of(host.url) as client:
        assert client.ping().request_id is None
        assert client.clock_skew_seconds is None


# What a key may do


def test_a_full_key_lacks_nothing() -> None:
    body: dict[str, object] = {"resources": [], "folders": [], "metadata_fields": []}
    with Host(answer(body)) as host, client_of(host.url) as client:
        report = describe_key(client)
    assert (report.is_accepted, report.lacking, report.is_emulator) == (True, (), False)
    assert [(tried.permission, tried.is_granted) for tried in report.permissions] == [
        ("product environment: read", True),
        ("assets: read", True),
        ("folders: read", True),
        ("metadata fields: read", True),
    ]
    assert len(host.requests) == 5


def test_a_key_without_folders_is_told_from_one_that_could_not_be_tried() -> None:
    ok = answer({"resources": [], "status": "ok"})
    with (
        Host(ok, ok, ok, error(403, "no folders"), answer(HTML, status=404)) as host,
        client_of(host.url, retries=0) as client,
    ):
        report = describe_key(client)
    assert report.lacking == ("folders: read",)
    assert [tried.is_granted for tried in report.permissions] == [True, True, False, None]
    assert "no folders" in report.permissions[2].detail


def test_a_rejected_key_is_not_tried_further() -> None:
    with Host(error(401, "unknown api_key")) as host, client_of(host.url) as client:
        report = describe_key(client)
    assert (report.is_accepted, report.permissions) == (False, ())
    assert "unknown api_key" in report.detail
    assert len(host.requests) == 1


def test_a_cloud_that_does_not_answer_says_nothing_about_the_key() -> None:
    with Host(error(500, "x")) as host, client_of(host.url) as client, pytest.raises(RemoteUnavailable):
        describe_key(client)
