"""Calls that change several assets at once, and those that came with the push: what is sent, what is refused before."""

from __future__ import annotations

from typing import Any

import pytest

from media_pipeline.errors import RemoteRefused
from media_pipeline.remote.calls import TagCommand
from media_pipeline.vocabulary import ResourceType
from media_pipeline_tests.mirror.conftest import Rig

SLICE: dict[str, Any] = {"resource_type": ResourceType.IMAGE, "delivery_type": "upload"}


def test_context_is_added_key_by_key(rig: Rig) -> None:
    rig.upload("a", context={"alt": "old", "by": "ada"})
    rig.upload("b", colour=1)
    with rig.client() as client:
        changed = client.add_context({"alt": "new|=", "place": "town"}, public_ids=["a", "b", "nobody"], **SLICE)
    rig.sync()

    assert changed.public_ids == {"a", "b"}
    assert dict(rig.query("select public_id, context from media_assets")) == {
        "a": {"alt": "new|=", "by": "ada", "place": "town"},
        "b": {"alt": "new|=", "place": "town"},
    }


def test_structured_metadata_is_set_field_by_field_and_none_clears_one(rig: Rig) -> None:
    with rig.client() as client:
        for name in ("title", "owner"):
            client.create_metadata_field({"type": "string", "label": name, "external_id": name})
    rig.upload("a", metadata={"title": "old", "owner": "ada"})
    with rig.client() as client:
        changed = client.set_metadata({"title": "new", "owner": None}, public_ids=["a"], **SLICE)
    rig.sync()

    assert changed.public_ids == {"a"}
    assert rig.query("select metadata from media_assets") == [({"title": "new"},)]


def test_access_rules_are_replaced_as_a_whole(rig: Rig) -> None:
    asset_id = rig.upload("a")
    with rig.client() as client:
        client.update(asset_id, access_control=[{"access_type": "token"}])
    rig.sync()
    assert rig.query("select access_control from media_assets") == [([{"access_type": "token"}],)]

    with rig.client() as client:
        client.update(asset_id, access_control=[])
    rig.sync()

    assert rig.query("select coalesce(access_control, '[]') from media_assets") == [([],)]


def test_assets_are_restored_by_their_ids(rig: Rig) -> None:
    rig.control.change_settings(backup=True)
    asset_id = rig.upload("a")
    rig.upload("b", colour=1)
    with rig.client() as client:
        client.delete_assets([asset_id])
        client.restore_assets([asset_id])
    rig.sync()

    assert rig.live()["a"] == asset_id


def test_nothing_is_sent_for_nothing_or_for_what_would_mean_something_else(rig: Rig) -> None:
    with rig.client() as client:
        with pytest.raises(ValueError, match="needs keys"):
            client.add_context({}, public_ids=["a"], **SLICE)
        with pytest.raises(ValueError, match="needs fields"):
            client.set_metadata({}, public_ids=["a"], **SLICE)
        with pytest.raises(ValueError, match="1 to 100"):
            client.add_context({"a": "b"}, public_ids=[], **SLICE)
        with pytest.raises(RemoteRefused, match="comma"):
            client.change_tags(TagCommand.ADD, ["t"], public_ids=["a,b"], **SLICE)
