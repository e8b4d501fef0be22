"""Fault plans: every kind of trouble, which requests it meets, and what it leaves behind."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from media_pipeline.emulator.control import ControlClient, ControlFailed
from media_pipeline.emulator.faults import Kind, Rule, api_path
from media_pipeline_tests.emulator.conftest import Upload

LIST = "/resources/image/upload"


@pytest.fixture
def listed(control: ControlClient) -> ControlClient:
    """A library whose first slice has some pages of 20."""
    control.bulk(100)
    return control


def test_a_status_is_answered_instead_of_the_truth(listed: ControlClient, http: httpx.Client) -> None:
    listed.add_faults(Rule(Kind.STATUS, status=503, message="Down", headers={"Retry-After": "3"}))
    answer = http.get(LIST)
    assert (answer.status_code, answer.json()) == (503, {"error": {"message": "Down"}})
    assert (answer.headers["retry-after"], answer.headers["x-media-pipeline-emulator"]) == ("3", "1")
    assert "x-featureratelimit-limit" not in answer.headers


def test_a_status_may_carry_any_body(listed: ControlClient, http: httpx.Client) -> None:
    listed.add_faults(Rule(Kind.STATUS, status=500, body="{}"))
    answer = http.get(LIST)
    assert (answer.status_code, answer.text) == (500, "{}")


def test_an_error_body_may_come_with_200(listed: ControlClient, http: httpx.Client) -> None:
    listed.add_faults(Rule(Kind.ERROR_WITH_200, message="Odd"))
    answer = http.get(LIST)
    assert (answer.status_code, answer.json()) == (200, {"error": {"message": "Odd"}})


def test_html_may_come_instead_of_json(listed: ControlClient, sdk: Any) -> None:
    listed.add_faults(Rule(Kind.HTML, status=502))
    with pytest.raises(sdk.errors.GeneralError, match=r"Error parsing server response \(502\)"):
        sdk.api.resources()


def test_json_may_be_truncated(listed: ControlClient, http: httpx.Client) -> None:
    whole = http.get(LIST).content
    listed.add_faults(Rule(Kind.TRUNCATED_JSON))
    answer = http.get(LIST)
    assert answer.status_code == 200
    assert answer.content == whole[: len(whole) // 2]


def test_a_page_may_be_empty(listed: ControlClient, http: httpx.Client) -> None:
    listed.add_faults(Rule(Kind.EMPTY_PAGE))
    answer = http.get(LIST)
    assert answer.json() == {"resources": []}
    assert "x-featureratelimit-limit" in answer.headers


def test_a_cursor_may_be_repeated(listed: ControlClient, http: httpx.Client) -> None:
    listed.add_faults(Rule(Kind.REPEATED_CURSOR))
    cursor = http.get(LIST, params={"max_results": 20}).json()["next_cursor"]
    page = http.get(LIST, params={"max_results": 20, "next_cursor": cursor}).json()
    assert (len(page["resources"]), page["next_cursor"]) == (20, cursor)


def test_a_cursor_of_a_search_may_be_repeated(listed: ControlClient, http: httpx.Client) -> None:
    listed.add_faults(Rule(Kind.REPEATED_CURSOR, path="/resources/search"))
    cursor = http.post("/resources/search", json={"max_results": 20}).json()["next_cursor"]
    page = http.post("/resources/search", json={"max_results": 20, "next_cursor": cursor}).json()
    assert (len(page["resources"]), page["next_cursor"]) == (20, cursor)


def test_a_cursor_may_expire(listed: ControlClient, http: httpx.Client) -> None:
    listed.add_faults(Rule(Kind.EXPIRED_CURSOR, first=2))
    params: dict[str, str | int] = {"max_results": 20}
    params["next_cursor"] = http.get(LIST, params=params).json()["next_cursor"]
    assert http.get(LIST, params=params).status_code == 200
    answer = http.get(LIST, params=params)
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        400, f"Invalid value {params['next_cursor']} for parameter next_cursor",
    )  # fmt: skip


def test_a_truncated_page_looks_like_the_last_one(listed: ControlClient, http: httpx.Client) -> None:
    whole = http.get(LIST, params={"max_results": 20}).json()
    listed.add_faults(Rule(Kind.TRUNCATED_PAGE, keep=7))
    page = http.get(LIST, params={"max_results": 20}).json()
    assert page == {"resources": whole["resources"][:7]}


def test_a_point_read_may_be_cut(listed: ControlClient, http: httpx.Client) -> None:
    ids = [asset["asset_id"] for asset in http.get(LIST, params={"max_results": 20}).json()["resources"]]
    listed.add_faults(Rule(Kind.CUT_ANSWER, path="/resources/by_asset_ids", keep=10))
    answer = http.get("/resources/by_asset_ids", params={"asset_ids[]": ids}).json()
    assert len(answer["resources"]) == 10


def test_a_key_may_be_revoked(listed: ControlClient, sdk: Any) -> None:
    listed.add_faults(Rule(Kind.REVOKED_KEY))
    with pytest.raises(sdk.errors.AuthorizationRequired, match="Error 401 - unknown api_key"):
        sdk.api.resources()


@pytest.mark.parametrize("rate_headers", [True, False])
def test_a_quota_may_be_spent(listed: ControlClient, http: httpx.Client, rate_headers: bool) -> None:
    listed.add_faults(Rule(Kind.QUOTA, rate_headers=rate_headers))
    answer = http.get(LIST)
    assert answer.status_code == 420
    assert answer.json()["error"]["message"].endswith("Try again on 2024-06-25 09:00:00 UTC")
    assert answer.headers.get("x-featureratelimit-remaining") == ("0" if rate_headers else None)


def test_a_reset_before_the_effect_leaves_nothing(control: ControlClient, upload: Upload, sdk: Any) -> None:
    control.add_faults(Rule(Kind.RESET_BEFORE_EFFECT, method="POST", path="/image/upload"))
    with pytest.raises(sdk.errors.Error):
        upload(public_id="a")
    assert sdk.api.resources()["resources"] == []
    assert control.journal()[0].status is None


def test_a_reset_after_the_effect_hides_what_was_done(control: ControlClient, upload: Upload, sdk: Any) -> None:
    control.add_faults(Rule(Kind.RESET_AFTER_EFFECT, method="POST", path="/image/upload", times=1))
    with pytest.raises(sdk.errors.Error):
        upload(public_id="a")
    assert [asset["public_id"] for asset in sdk.api.resources()["resources"]] == ["a"]


def test_a_reset_is_a_reset_on_the_wire(control: ControlClient, http: httpx.Client) -> None:
    control.add_faults(Rule(Kind.RESET_BEFORE_EFFECT))
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        http.get("/ping")
    control.clear_faults()
    assert http.get("/ping").status_code == 200


def test_a_delay_is_no_time_of_the_server(control: ControlClient, http: httpx.Client) -> None:
    control.add_faults(Rule(Kind.DELAY, seconds=0.2))
    started = time.perf_counter()
    assert http.get("/ping").status_code == 200
    assert time.perf_counter() - started >= 0.2
    entry = control.journal()[-1]
    assert (entry.fault, entry.status) == ("delay", 200)
    assert entry.seconds < 0.2


def test_a_caller_that_gives_up_has_changed_something_all_the_same(
    control: ControlClient, upload: Upload, http: httpx.Client
) -> None:
    upload(public_id="a")
    control.add_faults(Rule(Kind.DELAY, method="POST", path="/image/tags", seconds=0.5))
    with pytest.raises(httpx.ReadTimeout):
        http.post("/image/tags", data={"command": "add", "tag": "t", "public_ids[]": "a"}, timeout=0.2)
    assert http.get("/resources/image/upload/a").json()["tags"] == ["t"]


def test_a_rule_meets_only_what_it_names(control: ControlClient, http: httpx.Client) -> None:
    control.add_faults(
        Rule(Kind.STATUS, method="GET", path="/resources/image*", status=500),
        Rule(Kind.STATUS, method="DELETE", status=501),
        Rule(Kind.STATUS, path="/resources/v?deo", status=502),
    )
    assert http.get("/resources/image").status_code == 500
    assert http.get("/resources/image/upload/a/b").status_code == 500
    assert http.get("/resources/video").status_code == 502
    assert http.delete("/folders/x").status_code == 501
    assert http.get("/resources/raw").status_code == 200


@pytest.mark.parametrize(
    ("first", "times", "expected"),
    [(1, None, [503] * 5), (3, 1, [200, 200, 503, 200, 200]), (2, 2, [200, 503, 503, 200, 200]), (1, 0, [200] * 5)],
)
def test_a_rule_says_which_calls_suffer(
    control: ControlClient, http: httpx.Client, first: int, times: int | None, expected: list[int]
) -> None:
    control.add_faults(Rule(Kind.STATUS, path="/ping", first=first, times=times))
    assert [http.get("/ping").status_code for _ in expected] == expected


def test_what_was_injected_is_counted(control: ControlClient, http: httpx.Client) -> None:
    added = control.add_faults(Rule(Kind.STATUS, path="/ping", first=2, times=1), Rule(Kind.HTML, path="/usage"))
    for _ in range(3):
        http.get("/ping")
    states = control.faults()
    assert [(state.id, state.matched, state.injected) for state in states] == [(added[0].id, 3, 1), (added[1].id, 0, 0)]
    assert control.stats().faults_injected == 1
    assert [entry.fault for entry in control.journal()] == [None, "status", None]
    control.remove_fault(added[0].id)
    assert [state.id for state in control.faults()] == [added[1].id]
    with pytest.raises(ControlFailed, match="No rule"):
        control.remove_fault(added[0].id)


def test_a_rule_with_an_unknown_word_is_refused(endpoints: Any) -> None:
    headers = {"Authorization": f"Bearer {endpoints.control_token}"}
    for rule in ({"kind": "nonsense"}, {"kind": "status", "statuss": 1}, {}):
        answer = httpx.post(f"{endpoints.base_url}/_emulator/faults", json=[rule], headers=headers, trust_env=False)
        assert answer.status_code == 400


def test_rules_see_paths_behind_version_and_cloud() -> None:
    assert api_path("/v1_1/emu-x/resources/image") == "/resources/image"
    assert api_path("/v2/emu-x/analysis") == "/analysis"
    assert api_path("/emu-x/image/upload/a.png") == "/emu-x/image/upload/a.png"
