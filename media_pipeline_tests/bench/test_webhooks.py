"""bench/webhooks.py, with little to do: what it prints, and that a killed receiver loses nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from media_pipeline_tests.house_rules import sources

SCRIPT = str(sources.ROOT / "bench" / "webhooks.py")


def figures(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        (sys.executable, SCRIPT, *arguments, "--json"), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


@pytest.mark.slow
def test_a_receiver_that_is_killed_under_load_loses_nothing_it_said_yes_to() -> None:
    found = figures("--connections", "4", "--seconds", "0.3", "--kills", "1", "--changes", "3", "--drained", "200")

    assert found["acknowledged"] > 20
    assert (found["kills"], found["missing"], found["torn"]) == (1, 0, 0)
    [row] = found["connections"]
    assert row["connections"] == 4
    assert row["ours_per_second"] / row["empty_per_second"] == pytest.approx(row["ratio"])
    assert 0 < found["arrival"]["lag_p50_seconds"] <= found["arrival"]["lag_p95_seconds"]
    assert found["arrival"]["drained_per_second"] > 0
    assert 0 < row["p50_ms"] <= row["p95_ms"] <= row["p99_ms"]


def test_sizes_that_make_no_sense_are_refused() -> None:
    done = subprocess.run((sys.executable, SCRIPT, "--kills", "1000"), capture_output=True, timeout=60, check=False)
    assert done.returncode == 2
