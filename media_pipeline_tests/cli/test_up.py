"""``up``: everything starts, is found by others, and ends together."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]
import pytest

from media_pipeline.cli.emulator_host import is_serving
from media_pipeline.cli.up import dagster_address
from media_pipeline.errors import ExitCode
from media_pipeline.remote.calls import UnlimitedBudget
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.settings import load
from media_pipeline.vocabulary import ResourceType
from media_pipeline_tests.cli.conftest import Call

pytestmark = pytest.mark.slow

Start = Callable[..., subprocess.Popen[str]]
HOME = ".media_pipeline"


class Up:
    """A running ``up`` and all of its processes."""

    def __init__(self, process: subprocess.Popen[str], home: Path, port: int) -> None:
        self.process = process
        self.home = home
        self.port = port
        self.said: list[str] = []
        assert process.stdout is not None
        while not self.said or not self.said[-1].startswith("Ctrl-C"):
            line = process.stdout.readline()
            if not line:
                raise AssertionError(process.communicate())
            self.said.append(line)
        self.children = psutil.Process(process.pid).children(recursive=True)

    def child(self, word: str) -> psutil.Process:
        return next(child for child in self.children if word in child.cmdline())

    def end(self) -> tuple[str, str]:
        return self.process.communicate(timeout=60)

    def require_nothing_is_left(self) -> None:
        _, alive = psutil.wait_procs(self.children, timeout=60)
        assert [child.cmdline() for child in alive] == []
        assert not is_serving(self.home)
        assert dagster_address(self.home) is None


@pytest.fixture
def up(start: Start, place: Path) -> Iterator[Up]:
    with socket.socket() as taken:
        # The wanted port is taken, so that the next free one has to do.
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        yield Up(start("up", dagster_port=port), place / HOME, port)


def test_it_is_found_by_others_and_sigterm_stops_all_of_it(up: Up, run: Call) -> None:
    address = dagster_address(up.home)
    assert address is not None
    assert address != f"http://127.0.0.1:{up.port}"
    assert f"Dagster     {address}\n" in "".join(up.said)
    assert "dagster_webserver_version" in httpx.get(f"{address}/server_info", trust_env=False).json()
    assert run("sync", "--full").code == 0
    assert run("status", "--json").json["dagster_url"] == address
    busy = run("up")
    assert busy.code == ExitCode.BUSY
    assert address in busy.err
    up.process.send_signal(signal.SIGTERM)
    out, err = up.end()
    assert (up.process.returncode, err) == (0, "")
    assert out.endswith("Stopped.\n")
    up.require_nothing_is_left()
    assert not (up.home / "postgres" / "postmaster.pid").exists()


def test_a_change_in_the_cloud_is_told_and_arrives_by_itself(up: Up, run: Call) -> None:
    assert run("sync", "--full").code == 0
    url = next(line.split("'")[1] for line in up.said if "CLOUDINARY_URL=" in line)
    settings = load(CLOUDINARY_URL=url)
    assert settings.cloud is not None
    with CloudinaryClient(settings.cloud, settings=settings, budget=UnlimitedBudget(), refuse_emulator=False) as client:
        client.upload(b"text", public_id="told", resource_type=ResourceType.RAW, delivery_type="upload", overwrite=True)

    for _ in range(60):
        told = run("explain", "told", "--json")
        if told.code == 0:
            break
        time.sleep(1)

    assert {"notified", "created"} <= {event["what"] for event in told.json["events"]}
    assert run("alarm").code == 0


def test_the_end_of_one_part_is_told_and_ends_the_rest(up: Up) -> None:
    up.child("dagster._daemon").kill()
    _, err = up.end()
    assert up.process.returncode == ExitCode.FAILED
    assert "Dagster's daemon ended by signal 9" in err
    up.require_nothing_is_left()


def test_the_end_of_the_emulator_is_told(up: Up) -> None:
    up.child("media_pipeline.cli.emulator_host").kill()
    _, err = up.end()
    assert up.process.returncode == ExitCode.FAILED
    assert "The emulator ended" in err
    up.require_nothing_is_left()


def test_what_it_started_ends_even_if_it_is_killed(up: Up, run: Call) -> None:
    up.process.kill()
    up.end()
    up.require_nothing_is_left()
    # The embedded Postgres waits for the next command, which stops it at its end.
    assert run("status").code == 0
    assert not (up.home / "postgres" / "postmaster.pid").exists()
