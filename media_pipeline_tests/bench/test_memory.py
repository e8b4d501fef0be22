"""The benchmark of memory: the shape of its figures, and the goal at a size that a test can afford."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from media_pipeline_tests.bench.test_first_sync import short_directory

__all__ = ["short_directory"]

_SCRIPT = Path(__file__).resolve().parents[2] / "bench" / "memory.py"


@pytest.mark.slow
def test_twice_the_assets_take_hardly_more_memory(tmp_path: Path, short_directory: Path) -> None:
    done = subprocess.run(
        [sys.executable, _SCRIPT, "--assets", "20000", "--json"],
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(short_directory)},
        timeout=600,
        check=True,
    )

    figures = json.loads(done.stdout)
    assert (figures["assets"], figures["few_assets"]) == (20_000, 10_000)
    assert figures["ratio"] == pytest.approx(figures["peak_rss_bytes"] / figures["few_peak_rss_bytes"], abs=0.001)
    assert figures["ratio"] <= 1.3
    assert list(short_directory.iterdir()) == []


@pytest.mark.parametrize("assets", ["10000", "1000001"])
def test_a_size_that_shows_nothing_is_refused(assets: str) -> None:
    done = subprocess.run([sys.executable, _SCRIPT, "--assets", assets], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "--assets" in done.stderr
