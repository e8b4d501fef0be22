"""The benchmark of the first sync: the shape of its figures, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

_SCRIPT = Path(__file__).resolve().parents[2] / "bench" / "first_sync.py"
_SLICES = 9
_OTHER_CALLS = 6


@pytest.fixture
def short_directory() -> Iterator[Path]:
    """A directory for temporary files whose path leaves room for the address of a socket."""
    made = Path(tempfile.mkdtemp(prefix="b"))
    yield made
    shutil.rmtree(made)


def _processes_of(directory: Path) -> list[str]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = " ".join(process.info["cmdline"] or [])
        if str(directory) in command:
            found.append(command)
    return found


def _runs_side(pid: int) -> bool:
    for child in psutil.Process(pid).children():
        with suppress(psutil.NoSuchProcess):
            if "bench.side_ours" in child.cmdline():
                return True
    return False


@pytest.mark.slow
def test_every_side_is_measured_first_and_unchanged(tmp_path: Path, short_directory: Path) -> None:
    done = subprocess.run(
        [sys.executable, _SCRIPT, "--assets", "2000", "--json"],
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(short_directory)},
        timeout=600,
        check=True,
    )

    figures: dict[str, Any] = json.loads(done.stdout)
    assert figures["assets"] == 2000
    assert figures["rounds"] == 1
    for name, written in (("first", 2000), ("unchanged", 0)):
        phase = figures[name]
        for other in ("dlt", "dlt_tuned", "floor"):
            ratio = phase["ours_per_second"] / phase[f"{other}_per_second"]
            assert phase[f"ratio_to_{other}"] == pytest.approx(ratio, rel=0.02)
        for side, seen in phase["sides"].items():
            assert 2000 / seen["seconds"] == pytest.approx(phase[f"{side}_per_second"], rel=0.02)
            assert seen["cpu_seconds"] > 0
            assert seen["peak_rss_bytes"] > 10_000_000
        assert set(phase["sides"]) == {"ours", "dlt", "dlt_tuned", "floor"}
        assert phase["peak_rss_bytes"] == phase["sides"]["ours"]["peak_rss_bytes"]
        assert sum(phase["seconds"].values()) <= phase["sides"]["ours"]["seconds"] + 0.01
        assert {"listing", "mirror", "diff", "apply"} <= set(phase["seconds"])
        assert phase["emulator_seconds"] > 0
        assert phase["admin_calls"] <= 2000 // 500 + _SLICES + _OTHER_CALLS
        assert phase["media_assets_rows_written"] == written
    # The first sync also logs to which cloud the database now belongs.
    assert figures["first"]["audit_rows_written"] == 2001
    assert figures["unchanged"]["audit_rows_written"] == 0
    assert list(tmp_path.iterdir()) == []
    assert list(short_directory.iterdir()) == []
    assert _processes_of(short_directory) == []


@pytest.mark.slow
def test_an_interrupted_run_stops_what_it_started(tmp_path: Path, short_directory: Path) -> None:
    with subprocess.Popen(
        [sys.executable, _SCRIPT, "--assets", "2000", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(short_directory)},
    ) as running:
        deadline = time.monotonic() + 120
        # The first child process of a measurement: emulator and Postgres are up by then.
        while not _runs_side(running.pid):
            assert running.poll() is None, "it ended by itself"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        printed, _ = running.communicate(timeout=60)

    assert running.returncode == 130
    assert printed == b""
    assert _processes_of(short_directory) == []
    assert list(short_directory.iterdir()) == []


@pytest.mark.parametrize("arguments", [["--assets", "1000001"], ["--assets", "0"]])
def test_a_size_that_cannot_be_measured_is_refused(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, _SCRIPT, *arguments], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "--assets" in done.stderr
