"""bench/push.py and bench/crash.py, with little to do: what they print, and that it is true."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from media_pipeline_tests.house_rules import sources


def figures(script: str, *arguments: str) -> dict[str, Any]:
    command = (sys.executable, str(sources.ROOT / "bench" / script), *arguments, "--json")
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


@pytest.mark.slow
def test_a_push_is_counted_and_confirmed() -> None:
    found = figures("push.py", "--deletes", "3", "--tags", "5")

    assert (found["deletions"]["operations"], found["deletions"]["confirmed"]) == (3, 3)
    assert (found["tags"]["operations"], found["tags"]["confirmed"]) == (5, 5)
    assert sum(found["deletions"]["calls"].values()) == found["deletions"]["total_calls"]
    assert found["deletions"]["calls"]["DELETE /resources"] == 1
    assert found["fewest_deletion_calls"] == 2


@pytest.mark.slow
def test_a_killed_pusher_loses_nothing() -> None:
    found = figures("crash.py", "--every", "45")

    assert found["points"] == found["killed"] > 2
    assert (found["lost"], found["wrong_asset"], found["diverged"]) == (0, 0, 0)


@pytest.mark.parametrize("arguments", [("--deletes", "0"), ("--tags", "1000000")])
def test_sizes_that_make_no_sense_are_refused(arguments: tuple[str, str]) -> None:
    command = (sys.executable, str(sources.ROOT / "bench" / "push.py"), *arguments)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 2
    assert "1 to 20,000" in done.stderr
