"""Publishing restricted assets."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from media_pipeline_tests.emulator.conftest import Upload
from media_pipeline_tests.emulator.material import picture


def names(answer: dict[str, Any]) -> tuple[list[str], list[str]]:
    return [a["public_id"] for a in answer["published"]], [a["public_id"] for a in answer["failed"]]


def test_published_assets_are_delivered_to_anybody(upload: Upload, sdk: Any) -> None:
    private = upload(public_id="x/a", type="private")
    upload(public_id="x/b", type="authenticated")
    upload(public_id="y", type="private", tags="t")
    assert names(sdk.api.publish_by_prefix("x/")) == (["x/a", "x/b"], [])
    assert names(sdk.api.publish_by_tag("t")) == (["y"], [])
    found = sdk.api.resource("x/a")
    assert (found["asset_id"], found["version"]) == (private["asset_id"], private["version"])
    assert httpx.get(found["secure_url"], trust_env=False).content == picture()


def test_a_taken_name_fails_unless_it_may_be_overwritten(upload: Upload, sdk: Any) -> None:
    kept = upload(picture(9, 9), public_id="a")
    private = upload(public_id="a", type="private")
    assert names(sdk.api.publish_by_ids(["a", "nobody"])) == ([], ["a"])
    assert sdk.api.resource("a")["asset_id"] == kept["asset_id"]
    assert names(sdk.api.publish_by_ids(["a"], overwrite=True)) == (["a"], [])
    assert sdk.api.resource("a")["asset_id"] == private["asset_id"]


def test_only_the_type_that_is_named_is_published(upload: Upload, sdk: Any) -> None:
    upload(public_id="a", type="private")
    upload(public_id="b", type="authenticated")
    assert names(sdk.api.publish_by_ids(["a", "b"], type="authenticated")) == (["b"], [])


def test_publishing_needs_names(sdk: Any) -> None:
    with pytest.raises(sdk.errors.BadRequest, match="Missing required parameter - public_ids"):
        sdk.api.publish_by_ids([])
    with pytest.raises(sdk.errors.BadRequest, match="Invalid value upload for parameter type"):
        sdk.api.publish_by_ids(["a"], type="upload")
