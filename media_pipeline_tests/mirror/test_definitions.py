"""Folders and definitions of structured metadata."""

from __future__ import annotations

import httpx
import pytest

from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.errors import RemoteMalformed
from media_pipeline.mirror import FoldersResult, definitions, refresh_folders, refresh_metadata_fields
from media_pipeline.progress import Silent
from media_pipeline_tests.mirror.conftest import Rig


def refresh(rig: Rig) -> FoldersResult:
    with rig.client() as client:
        return refresh_folders(rig.engine, client, progress=Silent())


def folders(rig: Rig) -> set[str]:
    return {row[0] for row in rig.query("select path from media_folders")}


def http(rig: Rig, method: str, path: str) -> None:
    """An outsider's call about folders."""
    assert rig.settings.cloud is not None
    answer = httpx.request(
        method,
        f"{rig.endpoints.base_url}/v1_1/{rig.endpoints.cloud_name}/folders/{path}",
        auth=(rig.settings.cloud.api_key, rig.settings.cloud.api_secret),
    )
    assert answer.status_code == 200, answer.text


def test_nested_and_empty_folders_are_mirrored_with_their_parents(rig: Rig) -> None:
    rig.upload("a", asset_folder="shop/summer/shoes")
    http(rig, "POST", "empty%20one")

    refresh(rig)

    assert folders(rig) == {"shop", "shop/summer", "shop/summer/shoes", "empty one"}
    assert rig.query("select name, parent_path from media_folders where path = 'shop/summer'") == [("summer", "shop")]


def test_a_folder_that_is_gone_is_deleted_after_its_own_read(rig: Rig) -> None:
    http(rig, "POST", "old")
    http(rig, "POST", "kept")
    refresh(rig)
    http(rig, "DELETE", "old")

    found = refresh(rig)

    assert (found.deleted, found.unproved) == (1, 0)
    assert folders(rig) == {"kept"}


def test_a_folder_that_the_search_hides_stays(rig: Rig) -> None:
    http(rig, "POST", "hidden")
    refresh(rig)
    body = '{"total_count": 0, "folders": []}'
    rig.control.add_faults(Rule(Kind.STATUS, path="/folders/search", status=200, body=body))

    found = refresh(rig)

    assert (found.deleted, found.unproved) == (0, 1)
    assert folders(rig) == {"hidden"}


def test_in_a_tree_beyond_the_reach_of_the_search_folders_with_assets_are_known_for_few_calls(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(definitions, "_SEARCH_REACH", 3)
    monkeypatch.setattr(definitions, "_PAGE_SIZE", 2)
    for number in range(8):
        rig.upload(f"a{number}", asset_folder=f"top/f{number}", colour=number)
    rig.sync()

    found = refresh(rig)

    assert folders(rig) == {"top", *(f"top/f{number}" for number in range(8))}
    assert found.call_count <= 4


def test_an_unreadable_answer_changes_nothing(rig: Rig) -> None:
    http(rig, "POST", "kept")
    refresh(rig)
    rig.control.add_faults(Rule(Kind.HTML, path="/folders/search", status=200))

    with pytest.raises(RemoteMalformed):
        refresh(rig)

    assert folders(rig) == {"kept"}


def test_definitions_of_metadata_follow_the_cloud(rig: Rig) -> None:
    with rig.client() as client:
        client.create_metadata_field({"type": "string", "external_id": "note", "label": "Note", "mandatory": False})
        first = refresh_metadata_fields(rig.engine, client)
        again = refresh_metadata_fields(rig.engine, client)

    assert (first.found, first.written, again.written) == (1, 1, 0)
    assert rig.query("select external_id, label, type, is_mandatory from media_metadata_fields") == [
        ("note", "Note", "string", False)
    ]
