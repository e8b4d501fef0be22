"""The emulator of a home, shared by processes; ``emulator``; the sample library through the API."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from media_pipeline.cli import sample_library
from media_pipeline.cli.emulator_host import has_users, is_serving, shared_emulator
from media_pipeline.emulator import sample
from media_pipeline.errors import ConfigurationError, ExitCode, RemoteNotFound
from media_pipeline.progress import Silent
from media_pipeline_tests.cli.conftest import SAMPLE_COUNT, Call, Deployment, environment

Start = Callable[..., subprocess.Popen[str]]

USER = """
import sys, pathlib
from media_pipeline.cli.emulator_host import shared_emulator
with shared_emulator(pathlib.Path(sys.argv[1])) as endpoints:
    print(endpoints.base_url, flush=True)
    sys.stdin.read()
"""


def _answers(base_url: str) -> bool:
    try:
        return httpx.get(f"{base_url}/v1_1/emu-demo/ping", trust_env=False).status_code == 401
    except httpx.TransportError:
        return False


def _user(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USER, str(home)],
        env=environment({}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_users_share_one_emulator_and_the_last_one_stops_it(tmp_path: Path) -> None:
    with _user(tmp_path) as other:
        assert other.stdout is not None
        base_url = other.stdout.readline().strip()
        with shared_emulator(tmp_path) as endpoints:
            assert endpoints.base_url == base_url
            other.communicate("")
            assert _answers(base_url)
            assert has_users(tmp_path)
    assert not _answers(base_url)
    assert not is_serving(tmp_path)
    assert not has_users(tmp_path)


def test_its_library_and_its_port_stay_for_the_next_time(tmp_path: Path) -> None:
    with shared_emulator(tmp_path) as first:
        pass
    with shared_emulator(tmp_path) as second:
        assert second.base_url == first.base_url


def test_it_ends_by_itself_when_its_only_user_was_killed(tmp_path: Path) -> None:
    with _user(tmp_path) as user:
        assert user.stdout is not None
        assert _answers(user.stdout.readline().strip())
        user.kill()
    # Waits for its end as any new user would, without starting another one.
    with (tmp_path / "emulator.serving").open("rb") as serving:
        import fcntl

        fcntl.flock(serving, fcntl.LOCK_SH)
    assert not is_serving(tmp_path)


def test_a_home_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(ConfigurationError, match="cannot be written"), shared_emulator(tmp_path / "file" / "home"):
        pass


def test_json_is_printed_once_it_accepts_connections(start: Start, place: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = start("emulator", "--json", "--port", str(port), "--state", "here", "--cloud", "Mine", "--bulk", "20")
    assert process.stdout is not None
    lines = [process.stdout.readline()]
    while not lines[-1].startswith("}"):
        lines.append(process.stdout.readline())
    endpoints = json.loads("".join(lines))
    assert set(endpoints) == {"cloudinary_url", "base_url", "delivery_url", "control_token", "cloud_name"}
    assert endpoints["cloud_name"] == "emu-mine"
    assert endpoints["base_url"] == f"http://127.0.0.1:{port}"
    assert httpx.get(f"{endpoints['base_url']}/v1_1/emu-mine/ping", trust_env=False).status_code == 401
    assert process.stderr is not None
    assert process.stderr.readline().startswith("20 made-up assets")
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err) == (0, "", "")
    assert (place / "here").is_dir()


def test_by_default_it_is_the_one_that_sync_uses(start: Start, place: Path) -> None:
    process = start("emulator")
    assert process.stdout is not None
    assert "emu-demo" in process.stdout.readline()
    with shared_emulator(place / ".media_pipeline") as endpoints:
        assert endpoints.cloudinary_url in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 0
    assert not is_serving(place / ".media_pipeline")


def test_its_end_by_itself_is_a_failure(start: Start, place: Path) -> None:
    process = start("emulator")
    assert process.stdout is not None
    while not process.stdout.readline().startswith("Ctrl-C"):
        pass
    os.kill(json.loads((place / ".media_pipeline" / "emulator.json").read_bytes())["pid"], signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    assert process.returncode == ExitCode.FAILED
    assert "ended by itself" in err


def test_a_taken_port_is_told(call: Call, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = call(
            "emulator", "--port", str(taken.getsockname()[1]), "--state", str(tmp_path / "state"), home=tmp_path
        )
    assert ended.code == ExitCode.CONFIGURATION
    assert "cannot be used" in ended.err


def test_production_is_refused(call: Call, tmp_path: Path) -> None:
    url = "cloudinary://1:not-a-secret@real-cloud"
    for arguments in (["emulator"], ["emulator", "--state", str(tmp_path / "state")]):
        ended = call(*arguments, home=tmp_path, environment="production", cloudinary_url=url)
        assert ended.code == ExitCode.CONFIGURATION
        assert "production" in ended.err


@pytest.mark.slow
def test_the_sample_goes_in_once_with_all_that_it_says(deployment: Deployment) -> None:
    again = sample_library.upload(deployment.client, progress=Silent(), count=SAMPLE_COUNT)
    assert (again.assets, again.existing, again.metadata_fields) == (0, SAMPLE_COUNT, 0)
    more = sample_library.upload(deployment.client, progress=Silent(), count=SAMPLE_COUNT + 2)
    assert (more.assets, more.existing) == (2, SAMPLE_COUNT)


def test_outside_changes_cannot_be_made_twice(deployment: Deployment) -> None:
    told: list[tuple[str, str]] = []
    count = sample_library.change(deployment.client, lambda what, name: told.append((what, name)))
    assert count == len(told) == len(sample.outsider_changes())
    with pytest.raises(RemoteNotFound):
        sample_library.change(deployment.client, lambda what, name: None)
