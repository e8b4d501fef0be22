"""``receive``, ``poll``, ``triggers`` and ``spool`` as people and scripts call them; none of them needs a database."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from media_pipeline.emulator.config import API_SECRET, Endpoints
from media_pipeline.emulator.control import ControlClient
from media_pipeline.intake.spool import Spool
from media_pipeline_tests.cli.conftest import Call
from media_pipeline_tests.intake.conftest import SECRET, notification

BODY = b'{"notification_type":"upload"}'


def post(url: str, secret: str) -> int:
    timestamp = str(int(time.time()))
    headers = {
        "X-Cld-Timestamp": timestamp,
        "X-Cld-Signature": hashlib.sha256(BODY + timestamp.encode() + secret.encode()).hexdigest(),
    }
    return httpx.post(url, content=BODY, headers=headers, trust_env=False).status_code


def test_a_receiver_says_where_it_is_and_ends_in_good_order(
    start: Callable[..., subprocess.Popen[str]], place: Path
) -> None:
    process = start("receive", "--port", "0", "--json", home=place / "home", webhook_secrets=SECRET)
    assert process.stdout is not None
    lines = [process.stdout.readline()]
    while lines[-1] != "}\n":
        lines.append(process.stdout.readline())
    announced = json.loads("".join(lines))
    assert post(announced["url"], SECRET) == 200

    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    spool = Spool(Path(announced["spool"]), file_limit=1, reserve_bytes=0)
    assert [one.body for file in spool.claim("w", 9) for one in spool.read(file)] == [BODY]
    assert not (place / "home" / "postgres").exists()


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"webhook_secrets": "sh0rt"}, "MEDIA_PIPELINE_WEBHOOK_SECRETS"),
        ({"webhook_secrets": f"{SECRET},"}, "MEDIA_PIPELINE_WEBHOOK_SECRETS"),
        ({"webhook_secrets": f"{SECRET}\n"}, "MEDIA_PIPELINE_WEBHOOK_SECRETS"),
        ({"webhook_secrets": "your_api_secret_of_the_console"}, "MEDIA_PIPELINE_WEBHOOK_SECRETS"),
        ({"cloudinary_url": "cloudinary://key:sh0rt@cloud"}, "CLOUDINARY_URL"),
    ],
)
def test_a_secret_that_anybody_could_guess_starts_nothing(
    call: Call, tmp_path: Path, variables: dict[str, str], named: str
) -> None:
    ended = call("receive", "--port", "0", "--json", home=tmp_path, **variables)

    assert (ended.code, ended.json["error"]["kind"]) == (78, "ConfigurationError")
    assert named in ended.err
    for value in variables.values():
        assert value.strip() not in ended.err + ended.out


def test_a_port_that_is_taken_is_named(call: Call, tmp_path: Path) -> None:
    ended = call("receive", "--host", "192.0.2.1", "--port", "0", home=tmp_path, webhook_secrets=SECRET)
    assert (ended.code, "cannot listen on port" in ended.err) == (78, True)


def test_triggers_are_shown_then_applied_then_polled(
    call: Call, emulator: Endpoints, control: ControlClient, tmp_path: Path
) -> None:
    variables = {"home": tmp_path / "home", "cloudinary_url": emulator.cloudinary_url, "poll_channel": "orders"}
    shown = call("triggers", "show", "--json", **variables)
    assert shown.json == {
        "wanted": ["poll://orders"],
        "seen": [],
        "steps": [{"change": "create", "uri": "poll://orders", "trigger_id": None}],
    }
    assert call("triggers", "apply", "--dry-run", "--json", **variables).json == shown.json
    assert "would create a trigger of all events to poll://orders" in call("triggers", "show", **variables).out

    applied = call("triggers", "apply", "--json", **variables)
    assert (applied.code, applied.json["after"]["steps"]) == (0, [])
    assert "ours, as wanted" in call("triggers", "apply", **variables).out

    control.notify("upload", public_id="a")
    polled = call("poll", "--once", "--json", **variables)
    assert (polled.code, polled.json) == (0, {"received_count": 1, "kept_count": 1, "set_aside_count": 0})
    assert "0 notifications polled" in call("poll", "--once", **variables).out
    listed = call("spool", "list", "--json", **variables).json
    assert (listed["depth"]["file_count"], listed["quarantined"]) == (1, [])


def test_nothing_is_wanted_without_settings(call: Call, emulator: Endpoints, tmp_path: Path) -> None:
    shown = call("triggers", "show", home=tmp_path, cloudinary_url=emulator.cloudinary_url)
    assert "found by syncs alone" in shown.out
    ended = call("poll", home=tmp_path, cloudinary_url=emulator.cloudinary_url)
    assert (ended.code, "MEDIA_PIPELINE_POLL_CHANNEL" in ended.err) == (78, True)


def test_a_poller_ends_in_good_order(
    start: Callable[..., subprocess.Popen[str]], emulator: Endpoints, control: ControlClient, place: Path
) -> None:
    variables = {"home": place / "home", "cloudinary_url": emulator.cloudinary_url}
    process = start("poll", "--channel", "orders", **variables)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("Polling the channel orders")
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def test_files_in_quarantine_are_listed_and_replayed(call: Call, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "elsewhere", file_limit=10, reserve_bytes=0)
    spool.prepare()
    names = [spool.put_aside([notification()], "bad_json").name for _ in range(2)]
    variables = {"home": tmp_path, "spool": tmp_path / "elsewhere", "cloudinary_url": f"cloudinary://k:{SECRET}@c"}

    listed = call("spool", "list", **variables)
    assert (names[0] in listed.out, "bad_json" in listed.out, "0 change files wait" in listed.out) == (True,) * 3
    assert call("spool", "replay", "nobody.evt", **variables).code == 2
    assert call("spool", "replay", **variables).code == 2
    assert call("spool", "replay", names[0], "--json", **variables).json == {"replayed": [names[0]]}
    assert "1 change file will be landed again" in call("spool", "replay", "--all", **variables).out
    assert call("spool", "list", "--json", **variables).json["depth"]["file_count"] == 2


def test_the_emulators_own_webhooks_are_taken_without_any_setting(
    start: Callable[..., subprocess.Popen[str]], emulator: Endpoints, control: ControlClient, place: Path, call: Call
) -> None:
    """It signs with SHA-1, as Cloudinary does unless it is told otherwise."""
    variables = {"home": place / "home", "cloudinary_url": emulator.cloudinary_url}
    process = start("receive", "--port", "0", **variables)
    assert process.stdout is not None
    url = process.stdout.readline().rsplit(" ", 1)[1].strip()
    assert call("triggers", "apply", notification_url=url, **variables).code == 0
    control.notify("upload", public_id="a")
    assert [delivery.state for delivery in control.settle_notifications()] == ["delivered"]
    assert API_SECRET not in call("spool", "list", **variables).out
    assert call("spool", "list", "--json", **variables).json["depth"]["file_count"] == 1
