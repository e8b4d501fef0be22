"""``holds``: a mass deletion waits, a person decides, the next sync acts."""

from __future__ import annotations

import io

import pytest

from media_pipeline.errors import ExitCode
from media_pipeline.ops import holds
from media_pipeline.vocabulary import HoldState
from media_pipeline_tests.cli.conftest import SAMPLE_COUNT, Call, Deployment


@pytest.fixture
def held(mirrored: Deployment) -> Deployment:
    """The whole cloud was emptied, and the guard spoke."""
    mirrored.control.reset()
    mirrored.sync()
    return mirrored


def _open_images(deployment: Deployment) -> holds.Hold:
    found = holds.list_holds(deployment.engine)
    return next(hold for hold in found if (hold.resource_type, hold.delivery_type) == ("image", "upload"))


def test_no_hold_is_a_plain_sentence(call: Call, mirrored: Deployment) -> None:
    ended = call("holds", "list", **mirrored.variables)
    assert ended.code == 0
    assert "No hold is open" in ended.out


def test_list_shows_each_with_its_slice_and_count(call: Call, held: Deployment) -> None:
    hold = _open_images(held)
    out = call("holds", "list", **held.variables).out
    line = next(line for line in out.splitlines() if "image/upload" in line)
    assert line.split()[0] == str(hold.id)
    assert str(hold.asset_count) in line.split()


def test_show_names_the_assets_and_what_an_approval_does(call: Call, held: Deployment) -> None:
    hold = _open_images(held)
    out = call("holds", "show", str(hold.id), **held.variables).out
    assert "logos/brackenhaven-emblem" in out
    assert f"media-pipeline holds approve {hold.id}" in out
    assert "reads each of these assets by its id" in out


def test_the_typed_count_approves_and_the_actor_is_kept(
    call: Call, held: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = _open_images(held)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{hold.asset_count}\n"))
    ended = call("holds", "approve", str(hold.id), **held.variables)
    assert ended.code == 0
    assert "is approved" in ended.out
    after = next(one for one in holds.list_holds(held.engine, only_open=False) if one.id == hold.id)
    assert after.state is HoldState.APPROVED
    assert (after.decided_by or "").startswith("cli:")


def test_another_number_approves_nothing(call: Call, held: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = _open_images(held)
    monkeypatch.setattr("sys.stdin", io.StringIO("1\n"))
    ended = call("holds", "approve", str(hold.id), **held.variables)
    assert ended.code == ExitCode.FAILED
    assert "Nothing was approved" in ended.out
    assert _open_images(held).id == hold.id


def test_approved_suspects_are_deleted_by_the_next_sync(call: Call, held: Deployment) -> None:
    for hold in holds.list_holds(held.engine):
        assert call("holds", "approve", str(hold.id), "--yes", **held.variables).code == 0
    held.sync()
    statistics = call("status", "--json", **held.variables).json["status"]["statistics"]
    assert (statistics["asset_count"], statistics["deleted_count"]) == (0, SAMPLE_COUNT)


def test_rejected_suspects_stay(call: Call, held: Deployment) -> None:
    hold = _open_images(held)
    ended = call("holds", "reject", str(hold.id), **held.variables)
    assert ended.code == 0
    assert "is rejected" in ended.out
    statistics = call("status", "--json", **held.variables).json["status"]["statistics"]
    assert statistics["asset_count"] == SAMPLE_COUNT


def test_a_decided_hold_cannot_be_decided_again(call: Call, held: Deployment) -> None:
    number = str(_open_images(held).id)
    call("holds", "reject", number, **held.variables)
    for decision in (("approve", number, "--yes"), ("reject", number)):
        ended = call("holds", *decision, **held.variables)
        assert ended.code == ExitCode.USAGE
        assert "rejected" in ended.err
    listed = call("holds", "list", "--all", **held.variables).out
    assert "rejected by cli:" in listed


@pytest.mark.parametrize("decision", [("show", "9999"), ("approve", "9999", "--yes"), ("reject", "9999")])
def test_an_unknown_number_is_told(call: Call, mirrored: Deployment, decision: tuple[str, ...]) -> None:
    ended = call("holds", *decision, **mirrored.variables)
    assert ended.code == ExitCode.USAGE
    assert "There is no hold 9999" in ended.err
