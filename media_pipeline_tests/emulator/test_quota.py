"""The hourly quota and what every answer carries."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from media_pipeline.emulator.control import ControlClient, ControlFailed
from media_pipeline_tests.emulator.conftest import START, Upload


def test_every_admin_answer_tells_the_quota(sdk: Any) -> None:
    answer = sdk.api.ping()
    assert answer == {"status": "ok"}
    assert (answer.rate_limit_allowed, answer.rate_limit_remaining) == (5000, 4999)
    assert answer.rate_limit_reset_at[:6] == (2024, 6, 25, 9, 0, 0)
    assert len(answer.request_id) == 32
    assert sdk.api.root_folders().rate_limit_remaining == 4998


def test_a_spent_quota_is_a_420_until_the_next_full_hour(control: ControlClient, sdk: Any, clock: Any) -> None:
    control.set_quota(per_hour=500, used=499)
    assert sdk.api.ping().rate_limit_remaining == 0
    with pytest.raises(sdk.errors.RateLimited) as refused:
        sdk.api.ping()
    assert str(refused.value) == (
        "Error 420 - Rate Limit Exceeded. Limit of 500 api operations reached. Try again on 2024-06-25 09:00:00 UTC"
    )
    clock.advance(99)
    with pytest.raises(sdk.errors.RateLimited):
        sdk.api.ping()
    clock.advance(1)
    assert sdk.api.ping().rate_limit_remaining == 499


def test_uploads_and_refused_calls_cost_as_they_should(
    control: ControlClient, upload: Upload, sdk: Any, http: httpx.Client
) -> None:
    upload(public_id="a")
    sdk.uploader.explicit("a", type="upload")
    sdk.uploader.destroy("nobody")
    assert control.stats().quota_used == 0
    assert http.get("/resources/image/upload/nobody").headers["x-featureratelimit-remaining"] == "4999"
    http.get("/ping", auth=("1", "wrong"))
    assert control.stats().quota_used == 1
    sdk.search().execute()
    assert control.stats().quota_used == 2


def test_the_versions_of_an_asset_cost_eleven_calls(control: ControlClient, upload: Upload, sdk: Any) -> None:
    upload(public_id="a")
    sdk.api.resource("a", versions=True)
    assert control.stats().quota_used == 11


def test_the_emulator_announces_itself_on_every_answer(endpoints: Any, http: httpx.Client) -> None:
    config = endpoints.base_url
    answers = [
        http.get("/ping"),
        http.get("/resources/images"),
        http.get("/nowhere"),
        http.get("/ping", auth=("1", "2")),
        http.post("/image/upload"),
        http.get(f"{config}/_emulator/stats"),
        http.get(f"{config}/{endpoints.cloud_name}/image/upload/nobody.png"),
        http.get(f"{config}/"),
    ]
    assert [answer.status_code for answer in answers] == [200, 400, 404, 401, 400, 401, 404, 404]
    for answer in answers:
        assert answer.headers["x-media-pipeline-emulator"] == "1"
        assert len(answer.headers["x-request-id"]) == 32
        assert answer.headers["date"] == "Tue, 25 Jun 2024 08:58:20 GMT"


def test_the_journal_tells_what_was_asked(control: ControlClient, http: httpx.Client) -> None:
    request_id = http.get("/resources/image/upload/%C3%A4%20b?tags=true").headers["x-request-id"]
    http.post("/image/upload")
    first, second = control.journal()
    assert (first.method, first.path, first.query, first.status, first.request_id) == (
        "GET", "/v1_1/emu-tests/resources/image/upload/ä b", "tags=true", 404, request_id,
    )  # fmt: skip
    assert (second.method, second.status) == ("POST", 400)
    control.clear_journal()
    assert control.journal() == []


def test_server_time_is_told_by_route(control: ControlClient, http: httpx.Client) -> None:
    for name in "ab":
        http.get(f"/resources/image/upload/{name}")
    times = control.stats().routes
    detail = times["GET /resources/{kind}/{type}/{public_id}"]
    assert detail.requests == 2
    assert 0 < detail.slowest_seconds <= detail.seconds
    control.clear_stats()
    assert control.stats().routes == {}


def test_the_clock_can_be_moved(control: ControlClient, upload: Upload, sdk: Any) -> None:
    control.set_clock_offset(86_400)
    with pytest.raises(sdk.errors.BadRequest, match="Stale request"):
        upload()
    sdk.utils.now = lambda: str(START + 86_400)
    assert upload()["created_at"] == "2024-06-26T08:58:20Z"


def test_settings_are_checked(control: ControlClient) -> None:
    for wrong in ({"nonsense": 1}, {"backup": "maybe"}, {"quota_per_hour": 1.5}):
        with pytest.raises(ControlFailed, match="answered 400"):
            control.change_settings(**wrong)
    assert control.settings().quota_per_hour == 5000


def test_a_reset_leaves_an_empty_cloud_with_the_first_settings(
    control: ControlClient, upload: Upload, sdk: Any, http: httpx.Client
) -> None:
    url = upload(public_id="a", asset_folder="f", backup=True)["url"]
    sdk.api.add_metadata_field({"external_id": "x", "type": "string", "label": "X"})
    control.change_settings(quota_per_hour=7, backup=True)
    control.reset()
    assert sdk.api.resource_types()["resource_types"] == []
    assert (sdk.api.root_folders()["folders"], sdk.api.list_metadata_fields()["metadata_fields"]) == ([], [])
    assert sdk.api.restore(["a"])["a"] == {"error": "no_backup"}
    assert control.settings().quota_per_hour == 5000
    assert http.get(url).status_code == 404


def test_usage_and_config_tell_of_the_cloud(upload: Upload, sdk: Any) -> None:
    size = upload()["bytes"]
    usage = sdk.api.usage()
    assert (usage["storage"]["usage"], usage["resources"], usage["last_updated"]) == (size, 1, "2024-06-25")
    assert "limit" in usage["credits"]
    assert "limit" not in sdk.api.usage(date="20-06-2024")["credits"]
    with pytest.raises(sdk.errors.BadRequest, match="for parameter date"):
        sdk.api.usage(date="2024-06-20")
    config = sdk.api.config(settings="true")
    assert (config["cloud_name"], config["settings"]) == ("emu-tests", {"folder_mode": "dynamic"})
    assert "settings" not in sdk.api.config()
