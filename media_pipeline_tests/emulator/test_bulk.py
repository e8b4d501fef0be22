"""Made-up assets: always the same ones, and whole in every respect but their bytes."""

from __future__ import annotations

from typing import Any

import pytest

from media_pipeline.emulator.control import ControlClient, ControlFailed

ASK = {"tags": True, "context": True, "metadata": True, "max_results": 500}


def test_equal_plans_make_equal_assets(control: ControlClient, sdk: Any) -> None:
    control.bulk(300)
    first = sdk.api.resources(**ASK)["resources"]
    control.reset()
    control.bulk(100, first=200)
    control.bulk(200)
    assert sorted(sdk.api.resources(**ASK)["resources"], key=str) == sorted(first, key=str)


def test_another_series_makes_other_assets(control: ControlClient, sdk: Any) -> None:
    control.bulk(100)
    control.bulk(100, seed=2)
    assert control.stats().assets == 200
    with pytest.raises(ControlFailed, match="raise 'first'"):
        control.bulk(50, first=99)
    assert control.stats().assets == 200


def test_all_kinds_forms_and_scripts_occur(control: ControlClient, sdk: Any) -> None:
    assert control.bulk(2_000).assets == 2_000
    slices = {
        (kind, type_): sdk.api.resources(resource_type=kind, type=type_, **ASK)["resources"]
        for kind in ("image", "video", "raw")
        for type_ in ("upload", "private", "authenticated")
    }
    assert all(slices.values())
    everything = [asset for assets in slices.values() for asset in assets]
    assert any("tags" not in asset for asset in everything)
    assert any(asset.get("context", {}).get("custom", {}).get("caption", "").count("|") for asset in everything)
    assert any(not asset["public_id"].isascii() for asset in everything)
    assert any(" " in asset["public_id"] for asset in everything)
    assert sdk.api.root_folders()["total_count"] > 3
    assert len(sdk.api.list_metadata_fields()["metadata_fields"]) == 5
    found = sdk.search().expression("metadata.in_stock>=0").max_results(1).execute()
    assert found["total_count"] > 500


def test_made_up_assets_can_be_changed_like_any_other(control: ControlClient, sdk: Any) -> None:
    control.bulk(50)
    asset = sdk.api.resources(type="upload")["resources"][0]
    document = sdk.api.update(asset["public_id"], tags="new", metadata={"season": "summer"})
    assert (document["tags"], document["metadata"]["season"]) == (["new"], "summer")
    assert sdk.uploader.rename(asset["public_id"], "renamed")["asset_id"] == asset["asset_id"]
