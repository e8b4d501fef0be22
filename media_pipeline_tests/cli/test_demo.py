"""``demo``: the whole story, twice, ending in an independent comparison."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from media_pipeline.cli.emulator_host import shared_emulator
from media_pipeline.emulator import sample
from media_pipeline.errors import ExitCode
from media_pipeline_tests.cli.conftest import Call


@pytest.mark.slow
def test_the_demo_ends_without_drift_and_can_be_repeated(run: Call, place: Path) -> None:
    first = run("demo", database_url="postgresql://nobody@127.0.0.1:1/not-touched")
    assert (first.code, first.err) == (0, "")
    assert "configured database and cloud are left alone" in first.out
    filled = re.search(r"Fill the cloud: (\d+) assets", first.out)
    last = re.fullmatch(r"drift 0 of (\d+) assets, (\d+) fields", first.out.splitlines()[-1])
    assert filled is not None
    assert last is not None
    changes = sample.outsider_changes()
    uploads = len([change for change in changes if isinstance(change, sample.UploadNew)])
    deletions = len([change for change in changes if isinstance(change, sample.Delete)])
    deleted_here = 1
    assert int(last[1]) == int(filled[1]) + uploads - deletions - deleted_here
    assert first.out.count("done      ") > 5
    assert "done      legacy/newspaper  asset: there -> deleted" in first.out
    assert 'done      slides/chimneys-1962  public_id: "slides/box-07-04" -> "slides/chimneys-1962"' in first.out
    # Undone before it was pushed: nothing of it reached the cloud.
    assert "maps/cycle-routes  asset" not in first.out
    assert int(last[2]) > 21 * int(last[1])
    second = run("demo")
    assert second.code == 0
    assert second.out.splitlines()[-1] == first.out.splitlines()[-1]
    home = place / ".media_pipeline" / "demo"
    assert run("drift", home=home).out.splitlines()[-1] == first.out.splitlines()[-1]
    with shared_emulator(home):
        assert run("demo").code == ExitCode.BUSY


def test_production_is_refused(call: Call, tmp_path: Path) -> None:
    url = "cloudinary://1:not-a-secret@real-cloud"
    ended = call("demo", home=tmp_path, environment="production", cloudinary_url=url)
    assert ended.code == ExitCode.CONFIGURATION
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_not_its_own_is_left_alone(call: Call, tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "letters.txt").write_text("mine")
    ended = call("demo", home=tmp_path)
    assert ended.code == ExitCode.CONFIGURATION
    assert "nothing was removed" in ended.err
    assert (tmp_path / "demo" / "letters.txt").read_text() == "mine"
