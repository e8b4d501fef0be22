"""Starting, stopping and starting again."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from media_pipeline.emulator.config import API_SECRET
from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.server import (
    EmulatorConfig,
    EmulatorProcess,
    EmulatorThread,
    Endpoints,
    StartRefused,
    serve,
)
from media_pipeline_tests.emulator.material import picture


def client(endpoints: Endpoints, secret: str = API_SECRET) -> httpx.Client:
    root = f"{endpoints.base_url}/v1_1/{endpoints.cloud_name}"
    return httpx.Client(base_url=root, auth=("123456789012345", secret), trust_env=False)


def send(http: httpx.Client, **data: str) -> dict[str, Any]:
    answer: dict[str, Any] = http.post("/image/upload", data=data, files={"file": ("a.png", picture())}).json()
    return answer


def test_a_restart_keeps_state_and_address(tmp_path: Path) -> None:
    config = EmulatorConfig(tmp_path, "kept")
    with EmulatorThread(config) as emulator, client(emulator.endpoints) as http:
        first = send(http, public_id="a", tags="t", asset_folder="f")
        http.post("/metadata_fields", json={"external_id": "x", "type": "string", "label": "X"})
        before = http.get("/resources/image?tags=true").json()
    with EmulatorThread(config) as again, client(again.endpoints) as http:
        assert again.endpoints.base_url == emulator.endpoints.base_url
        assert http.get("/resources/image?tags=true").json() == before
        assert http.get("/metadata_fields/x").status_code == 200
        assert httpx.get(first["url"], trust_env=False).content == picture()


def test_a_port_that_was_taken_meanwhile_is_replaced(tmp_path: Path) -> None:
    config = EmulatorConfig(tmp_path, "moved")
    with EmulatorThread(config) as emulator, client(emulator.endpoints) as http:
        send(http, public_id="a")
    port = int(emulator.endpoints.base_url.rpartition(":")[2])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with EmulatorThread(config) as again, client(again.endpoints) as http:
            assert again.endpoints.base_url != emulator.endpoints.base_url
            url = http.get("/resources/image").json()["resources"][0]["url"]
            assert url.startswith(again.endpoints.delivery_url)
            assert httpx.get(url, trust_env=False).content == picture()
        with pytest.raises(OSError, match="in use"):
            EmulatorThread(replace(config, port=port)).__enter__()


def test_one_state_serves_one_emulator(tmp_path: Path) -> None:
    config = EmulatorConfig(tmp_path, "x")
    with EmulatorThread(config), pytest.raises(StartRefused, match="Another emulator is running"):
        EmulatorThread(config).__enter__()
    with EmulatorThread(config):
        pass


def test_a_state_of_another_version_is_refused_and_kept(tmp_path: Path) -> None:
    config = EmulatorConfig(tmp_path, "x")
    with EmulatorThread(config) as emulator, client(emulator.endpoints) as http:
        send(http, public_id="a")
    with closing(sqlite3.connect(tmp_path / "emulator.sqlite")) as db:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        db.execute(f"PRAGMA user_version = {version ^ 1}")
    for _ in range(2):
        with pytest.raises(StartRefused, match="holds the state of another version"):
            EmulatorThread(config).__enter__()
    with closing(sqlite3.connect(tmp_path / "emulator.sqlite")) as db:
        assert db.execute("SELECT public_id FROM asset").fetchall() == [("a",)]


def test_writes_from_many_sides_lose_nothing(tmp_path: Path) -> None:
    names = [f"t{number}" for number in range(24)]
    with EmulatorThread(EmulatorConfig(tmp_path, "x")) as emulator, client(emulator.endpoints) as http:
        send(http, public_id="a")

        def add(name: str) -> tuple[int, int]:
            answer = http.post("/image/tags", data={"command": "add", "tag": name, "public_ids[]": "a"})
            return answer.status_code, http.get("/resources/image?tags=true").status_code

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(add, names)) == [(200, 200)] * len(names)
        assert http.get("/resources/image/upload/a").json()["tags"] == sorted(names)


def test_another_secret_signs_stored_assets_anew(tmp_path: Path) -> None:
    config = EmulatorConfig(tmp_path, "x")
    query = "/resources/image?fields=signature"
    with EmulatorThread(config) as emulator, client(emulator.endpoints) as http:
        send(http, public_id="a")
        before = http.get(query).json()["resources"][0]["signature"]
    other = replace(config, api_secret="another-secret-not-a-real-1")
    with EmulatorThread(other) as emulator, client(emulator.endpoints, other.api_secret) as http:
        answer = send(http, public_id="a")
        assert http.get(query).json()["resources"][0]["signature"] == answer["signature"] != before


def test_originals_nobody_needs_are_swept_at_the_next_start(tmp_path: Path) -> None:
    config = EmulatorConfig(tmp_path, "x")
    with EmulatorThread(config) as emulator, client(emulator.endpoints) as http:
        send(http, public_id="a")
        http.post("/image/destroy", data={"public_id": "a"})
        assert len(list((tmp_path / "originals").glob("*/*"))) == 1
    with EmulatorThread(config):
        assert list((tmp_path / "originals").glob("*/*")) == []


def test_the_cloud_name_always_has_its_prefix_and_is_lower_case(tmp_path: Path) -> None:
    assert EmulatorConfig(tmp_path, "Demo").cloud_name == "emu-demo"
    assert EmulatorConfig(tmp_path, "emu-demo").cloud_name == "emu-demo"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.com", ""])
def test_only_loopback_addresses_are_bound(tmp_path: Path, host: str) -> None:
    with pytest.raises(StartRefused, match="loopback"):
        serve(EmulatorConfig(tmp_path, "x", host=host), lambda _: None)


@pytest.mark.parametrize("environment", ["production", " Production "])
def test_a_production_environment_is_refused(tmp_path: Path, environment: str) -> None:
    config = EmulatorConfig(tmp_path, "x", environment=environment)
    with pytest.raises(StartRefused, match="production"):
        serve(config, lambda _: None)
    with pytest.raises(StartRefused, match="production"):
        EmulatorProcess(config)
    assert not list(tmp_path.iterdir())


def test_the_command_refuses_production_with_a_code(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "media_pipeline.emulator", "--state-directory", str(tmp_path)]
    ended = subprocess.run(
        [*command, "--environment", "production"], capture_output=True, text=True, timeout=30, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "production" in ended.stderr


def test_a_child_process_serves_and_stops_cleanly(tmp_path: Path) -> None:
    with EmulatorProcess(EmulatorConfig(tmp_path, "child")) as emulator:
        with client(emulator.endpoints) as http, ControlClient(emulator.endpoints) as control:
            assert send(http, public_id="a")["public_id"] == "a"
            assert control.stats().assets == 1
        assert emulator.pid != os.getpid()
    assert emulator.exit_code == 0
    assert not list(tmp_path.glob("*-wal"))
    with pytest.raises(ProcessLookupError):
        os.kill(emulator.pid, 0)


def test_a_child_process_dies_with_its_parent(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib, time\n"
        "from media_pipeline.emulator.server import EmulatorConfig, EmulatorProcess\n"
        "with EmulatorProcess(EmulatorConfig(pathlib.Path(sys.argv[1]), 'x')) as emulator:\n"
        "    sys.stdout.write(f'{emulator.pid} {emulator.endpoints.base_url}\\n')\n"
        "    sys.stdout.flush()\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid, base_url = parent.stdout.readline().split()
        assert httpx.get(base_url, trust_env=False).status_code == 404
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while _is_running(int(pid)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_running(int(pid))


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_the_control_api_needs_its_token(endpoints: Endpoints, http: httpx.Client) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        answer = httpx.post(f"{endpoints.base_url}/_emulator/reset", headers=headers, trust_env=False)
        assert (answer.status_code, "token" in answer.json()["error"]["message"]) == (401, True)
    assert "control_token" not in repr(endpoints)
