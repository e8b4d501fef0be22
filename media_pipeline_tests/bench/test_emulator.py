"""The benchmark of the emulator: the shape of its figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = Path(__file__).resolve().parents[2] / "bench" / "emulator.py"


@pytest.mark.slow
def test_every_way_to_page_through_a_library_is_measured(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, _SCRIPT, "--assets", "3000", "--json"],
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        timeout=300,
        check=True,
    )

    figures = json.loads(done.stdout)

    assert figures["assets"] == 3000
    assert figures["memory"]["peak_bytes"] >= figures["memory"]["walked_bytes"] > 0
    assert figures["filling"]["database_bytes"] > 3_000_000
    pages = {name: walk["pages"] for name, walk in figures["walks"].items()}
    # Two thousand images of three thousand assets are uploads; every search finds all assets, 500 a page.
    assert pages["type and delivery type"] in (4, 5)
    assert pages["search, all"] == 6
    assert all(walk["last_ms"] > 0 for walk in figures["walks"].values())
    assert list(tmp_path.iterdir()) == []
