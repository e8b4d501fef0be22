"""Signatures and credentials."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from media_pipeline.emulator.auth import (
    check_request_signature,
    delivery_signature,
    response_signature,
    sign,
)
from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.errors import ApiError
from media_pipeline.emulator.server import EmulatorConfig
from media_pipeline_tests.emulator.conftest import START, StoppedClock, Upload
from media_pipeline_tests.emulator.material import picture


def no_credentials(request: httpx.Request) -> httpx.Request:
    return request


PARAMETERS = {
    "public_id": "dir/ä b,c&d",
    "timestamp": "1700000000",
    "tags": "x,y",
    "overwrite": "0",
    "public_ids": ["p1", "p2"],
}
VECTORS = [
    ("sha1", 1, "d1e7b51affa69e6de1d0e4229b6c429a3b0d02f3"),
    ("sha1", 2, "4d91cab94b7134298ccf30043fe5aebf491e9a8e"),
    ("sha256", 1, "89e5e426dfcf94351b0626ef5355a19118e9f7f551081ed36d1379b1968edfef"),
    ("sha256", 2, "af3f34d0e36c53bebb9b07429f3796bde816241069de677f48915231543c0a91"),
]


@pytest.mark.parametrize(("algorithm", "version", "expected"), VECTORS)
def test_a_signature_equals_the_vector(algorithm: str, version: int, expected: str) -> None:
    assert sign(PARAMETERS, "abcd", algorithm, version) == expected


@pytest.mark.parametrize(("algorithm", "version", "expected"), VECTORS)
def test_every_version_and_algorithm_is_accepted(algorithm: str, version: int, expected: str) -> None:
    check_request_signature({**PARAMETERS, "api_key": "k", "signature": expected}, "k", "abcd", 1_700_000_000)


def test_a_signature_over_other_parameters_is_refused() -> None:
    changed = {**PARAMETERS, "tags": "x,z", "api_key": "k", "signature": VECTORS[1][2]}
    with pytest.raises(ApiError, match="Invalid Signature") as refused:
        check_request_signature(changed, "k", "abcd", 1_700_000_000)
    assert refused.value.status == 401


def test_a_response_signature_equals_the_vector() -> None:
    assert response_signature("sample", 1_700_000_000, "abcd") == "764bbcdb4e2ac730a68474ba1eab51584df73050"


def test_a_delivery_signature_equals_the_sdks(sdk: Any) -> None:
    url, _ = sdk.utils.cloudinary_url("folder/ä", format="jpg", type="authenticated", sign_url=True, api_secret="abcd")
    assert f"s--{delivery_signature('folder/%C3%A4.jpg', 'abcd')}--" in url


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
@pytest.mark.parametrize("version", [1, 2])
def test_the_sdk_may_sign_in_any_way(upload: Upload, algorithm: str, version: int) -> None:
    answer = upload(tags="a&b", signature_algorithm=algorithm, signature_version=version)
    assert answer["tags"] == ["a&b"]


def test_the_answer_to_an_upload_is_signed(upload: Upload, config: EmulatorConfig) -> None:
    answer = upload(public_id="ä")
    assert answer["signature"] == response_signature("ä", answer["version"], config.api_secret)


def test_an_upload_with_a_wrong_secret_is_refused(upload: Upload, sdk: Any) -> None:
    with pytest.raises(sdk.errors.AuthorizationRequired, match=r"Invalid Signature [0-9a-f]{40}\. String to sign - 'p"):
        upload(public_id="a", api_secret="no-real-secret")


def test_an_upload_with_an_unknown_key_is_refused(upload: Upload, sdk: Any) -> None:
    with pytest.raises(sdk.errors.AuthorizationRequired, match="Invalid api_key 999"):
        upload(api_key="999")


def test_a_timestamp_older_than_an_hour_is_stale(upload: Upload, sdk: Any, clock: StoppedClock) -> None:
    sdk.utils.now = lambda: str(START - 3601)
    with pytest.raises(sdk.errors.BadRequest) as refused:
        upload()
    assert str(refused.value) == (
        "Stale request - reported time is 2024-06-25 07:58:19 +0000 which is more than 1 hour ago"
    )
    sdk.utils.now = lambda: str(START - 3600)
    assert upload()["version"] == START


def test_parameters_of_notifications_may_be_left_out_of_a_signature(upload: Upload, sdk: Any) -> None:
    upload(public_id="a")
    answer = sdk.uploader.add_tag("t", ["a"], notification_url="http://127.0.0.1:1/none")
    assert answer["public_ids"] == ["a"]


def test_an_upload_may_use_basic_credentials(http: httpx.Client) -> None:
    answer = http.post("/image/upload", data={"public_id": "basic"}, files={"file": ("a.png", picture())})
    assert answer.status_code == 200
    assert answer.json()["public_id"] == "basic"


def test_an_unsigned_upload_without_any_credentials_is_refused(http: httpx.Client) -> None:
    answer = http.post("/image/upload", data={"public_id": "a"}, auth=no_credentials)
    assert (answer.status_code, answer.json()) == (401, {"error": {"message": "Must supply api_key"}})


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        (("123456789012345", "wrong"), "api_secret mismatch"),
        (("1", "wrong"), "unknown api_key"),
        (None, "You must provide credentials: HTTP Basic with api_key and api_secret"),
    ],
)
def test_admin_calls_need_the_right_credentials(http: httpx.Client, auth: tuple[str, str] | None, message: str) -> None:
    answer = http.get("/ping", auth=auth or no_credentials)
    assert (answer.status_code, answer.json()) == (401, {"error": {"message": message}})


def test_another_cloud_is_refused_and_an_unknown_key_before_it(sdk: Any) -> None:
    with pytest.raises(sdk.errors.AuthorizationRequired, match="cloud_name mismatch"):
        sdk.api.ping(cloud_name="emu-other")
    with pytest.raises(sdk.errors.AuthorizationRequired, match="unknown api_key"):
        sdk.api.ping(cloud_name="emu-other", api_key="1")


def test_a_bearer_token_opens_both_apis(sdk: Any, control: ControlClient) -> None:
    control.change_settings(oauth_tokens=["good-token"])
    assert sdk.api.ping(oauth_token="good-token")["status"] == "ok"
    assert sdk.uploader.upload(picture(), oauth_token="good-token", public_id="a")["public_id"] == "a"
    with pytest.raises(sdk.errors.AuthorizationRequired, match="Invalid OAuth token"):
        sdk.api.ping(oauth_token="expired-token")
    with pytest.raises(sdk.errors.AuthorizationRequired, match="Invalid OAuth token"):
        sdk.uploader.upload(picture(), oauth_token="expired-token")
