"""Snapshots of the whole state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from media_pipeline.emulator.control import ControlClient, ControlFailed
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.emulator.server import EmulatorConfig, EmulatorThread
from media_pipeline_tests.emulator.conftest import Upload
from media_pipeline_tests.emulator.material import picture
from media_pipeline_tests.emulator.receiver import Receiver


@pytest.fixture
def snapshots(control: ControlClient) -> ControlClient:
    for name in control.snapshots():
        control.drop_snapshot(name)
    return control


def test_everything_comes_back(upload: Upload, sdk: Any, snapshots: ControlClient, receiver: Receiver) -> None:
    control = snapshots
    sdk.api.create_trigger(receiver.url, "all")
    asset = upload(public_id="a", asset_folder="x", eager="w_4", tags="t", backup=True)
    control.add_faults(Rule(Kind.STATUS, path="/never", first=2))
    control.set_quota(777, used=100)
    control.change_settings(delete_limit=5, clock_offset_seconds=60)
    messages = control.settle_notifications()
    control.save_snapshot("before")

    control.reset()
    assert sdk.api.resources()["resources"] == []
    assert control.snapshots() == ["before"]
    control.restore_snapshot("before")

    assert control.notifications() == messages
    assert (control.settings().delete_limit, control.settings().clock_offset_seconds) == (5, 60)
    assert (control.settings().quota_per_hour, control.stats().quota_used) == (777, 100)
    assert [state.rule.path for state in control.faults()] == ["/never"]
    detail = sdk.api.resource("a", versions=True)
    assert (detail["asset_id"], detail["asset_folder"], detail["tags"]) == (asset["asset_id"], "x", ["t"])
    assert (len(detail["derived"]), len(detail["versions"])) == (1, 1)
    assert httpx.get(detail["url"], trust_env=False).content == picture()
    assert httpx.get(detail["derived"][0]["url"], trust_env=False).status_code == 200
    assert sdk.api.triggers()["total"] == 1


def test_a_snapshot_may_be_restored_again_and_again(upload: Upload, sdk: Any, snapshots: ControlClient) -> None:
    upload(public_id="a")
    snapshots.save_snapshot("one")
    for name in ("b", "c"):
        upload(public_id=name)
        snapshots.restore_snapshot("one")
        assert [a["public_id"] for a in sdk.api.resources()["resources"]] == ["a"]
    upload(public_id="d")
    assert snapshots.stats().assets == 2


def test_a_later_snapshot_takes_the_place_of_an_older_one(upload: Upload, sdk: Any, snapshots: ControlClient) -> None:
    snapshots.save_snapshot("one")
    upload(public_id="a")
    snapshots.save_snapshot("one")
    snapshots.reset()
    snapshots.restore_snapshot("one")
    assert snapshots.stats().assets == 1


def test_counts_and_chances_of_faults_go_on_where_they_were(http: httpx.Client, snapshots: ControlClient) -> None:
    snapshots.add_faults(Rule(Kind.STATUS, share=0.5, seed=3, first=2, status=500))

    def outcomes() -> list[int]:
        return [http.get("/ping").status_code for _ in range(12)]

    outcomes()
    snapshots.save_snapshot("one")
    expected = outcomes()
    snapshots.restore_snapshot("one")
    assert outcomes() == expected


def test_a_snapshot_and_its_bytes_outlive_a_restart(tmp_path: Path) -> None:
    config = EmulatorConfig(tmp_path, "snapshots")

    def root(emulator: EmulatorThread) -> str:
        return f"{emulator.endpoints.base_url}/v1_1/{emulator.endpoints.cloud_name}"

    credentials = (config.api_key, config.api_secret)
    with EmulatorThread(config) as emulator, ControlClient(emulator.endpoints) as control:
        upload = {"data": {"public_id": "a"}, "files": {"file": ("a.png", picture())}}
        url = httpx.post(f"{root(emulator)}/image/upload", auth=credentials, trust_env=False, **upload).json()["url"]  # type: ignore[arg-type]
        control.save_snapshot("one")
        control.reset()
    with EmulatorThread(config) as emulator, ControlClient(emulator.endpoints) as control:
        control.restore_snapshot("one")
        assert httpx.get(url, trust_env=False).content == picture()


def test_names_of_snapshots_are_checked(snapshots: ControlClient) -> None:
    with pytest.raises(ControlFailed, match="cannot be called"):
        snapshots.save_snapshot("a.b")
    with pytest.raises(ControlFailed, match="No snapshot is called nobody"):
        snapshots.restore_snapshot("nobody")
    with pytest.raises(ControlFailed, match="No snapshot is called nobody"):
        snapshots.drop_snapshot("nobody")
    snapshots.save_snapshot("one")
    snapshots.drop_snapshot("one")
    assert snapshots.snapshots() == []
