"""Trouble of a finer kind: slow, skipping, partial, in the wrong cloud, behind, now and then."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline_tests.emulator.conftest import StoppedClock, Upload


def walked(sdk: Any, size: int) -> list[str]:
    names: list[str] = []
    answer = sdk.api.resources(max_results=size, direction="asc")
    while True:
        names += [asset["public_id"] for asset in answer["resources"]]
        if "next_cursor" not in answer:
            return names
        answer = sdk.api.resources(max_results=size, direction="asc", next_cursor=answer["next_cursor"])


def test_a_body_may_come_slowly(upload: Upload, http: httpx.Client, control: ControlClient) -> None:
    upload(public_id="a")
    control.add_faults(Rule(Kind.SLOW_BODY, seconds=0.3))
    with http.stream("GET", "/resources/image") as answer:
        pieces = list(answer.iter_raw())
    assert len(pieces) > 1
    assert b'"public_id":"a"' in b"".join(pieces)
    with pytest.raises(httpx.ReadTimeout):
        http.get("/resources/image", timeout=0.02)


@pytest.mark.parametrize(("keep", "expected"), [(1, "abdegh"), (2, "abefi"), (20, "ab")])
def test_a_cursor_may_skip(upload: Upload, sdk: Any, control: ControlClient, keep: int, expected: str) -> None:
    for name in "abcdefghi":
        upload(public_id=name)
    control.set_quota(100)
    control.add_faults(Rule(Kind.SKIPPING_CURSOR, path="/resources/image", keep=keep))
    assert "".join(walked(sdk, 2)) == expected
    pages = [entry for entry in control.journal() if entry.path.endswith("/resources/image")]
    assert control.stats().quota_used == len(pages)


def test_a_cursor_of_search_may_skip(upload: Upload, sdk: Any, control: ControlClient) -> None:
    for name in "abcd":
        upload(public_id=name)
    control.add_faults(Rule(Kind.SKIPPING_CURSOR, path="/resources/search", keep=1, times=1))
    search = sdk.search().sort_by("public_id", "asc").max_results(1)
    first = search.execute()
    rest = search.next_cursor(first["next_cursor"]).max_results(10).execute()
    assert [a["public_id"] for a in first["resources"] + rest["resources"]] == ["a", "c", "d"]


def test_a_last_page_has_no_cursor_to_spoil(upload: Upload, sdk: Any, control: ControlClient) -> None:
    upload(public_id="a")
    control.add_faults(Rule(Kind.SKIPPING_CURSOR, keep=1))
    assert walked(sdk, 2) == ["a"]


def test_a_deletion_may_stay_partial(upload: Upload, sdk: Any, control: ControlClient) -> None:
    ids = [upload(public_id=name, tags="t")["asset_id"] for name in "abcdef"]
    control.add_faults(Rule(Kind.PARTIAL_DELETE, method="DELETE", keep=1))
    first = sdk.api.delete_resources(["a", "b"])
    assert (first["deleted"], first["partial"], bool(first["next_cursor"])) == ({"a": "deleted"}, True, True)
    second = sdk.api.delete_resources_by_asset_ids(ids[2:4])
    assert (second["deleted"], second["partial"]) == ({"c": "deleted"}, True)
    third = sdk.api.delete_resources_by_tag("t")
    assert (third["deleted"], third["partial"]) == ({"b": "deleted"}, True)
    fourth = sdk.api.delete_resources_by_tag("t", next_cursor=third["next_cursor"])
    assert fourth["deleted"] == {"d": "deleted"}
    control.clear_faults()
    rest = sdk.api.delete_resources_by_tag("t", next_cursor=fourth["next_cursor"])
    assert (sorted(rest["deleted"]), rest["partial"]) == (["e", "f"], False)


def test_a_deletion_may_do_nothing(upload: Upload, sdk: Any, control: ControlClient) -> None:
    upload(public_id="a", tags="t")
    control.add_faults(Rule(Kind.PARTIAL_DELETE, method="DELETE", keep=0))
    assert sdk.api.delete_resources(["a"])["deleted"] == {}
    assert sdk.api.delete_resources_by_tag("t")["deleted"] == {}
    assert sdk.api.resource("a")["public_id"] == "a"


def test_the_wrong_cloud_is_empty_and_knows_nothing(upload: Upload, sdk: Any, control: ControlClient) -> None:
    asset = upload(public_id="a", asset_folder="x", tags="t")
    [rule] = control.add_faults(Rule(Kind.WRONG_CLOUD))
    assert sdk.api.resources()["resources"] == []
    assert sdk.api.resources_by_asset_ids([asset["asset_id"]])["resources"] == []
    assert sdk.api.resource_types()["resource_types"] == []
    assert sdk.api.root_folders()["total_count"] == 0
    assert sdk.search().execute()["total_count"] == 0
    assert sdk.api.delete_resources(["a"])["deleted"] == {"a": "not_found"}
    assert sdk.uploader.destroy("a")["result"] == "not found"
    assert sdk.api.config()["cloud_name"] == "emu-tests"
    with pytest.raises(sdk.errors.NotFound):
        sdk.api.resource_by_asset_id(asset["asset_id"])
    assert httpx.get(asset["url"], trust_env=False).status_code == 404
    assert control.faults()[0].injected == 10
    control.remove_fault(rule.id)
    assert sdk.api.resource("a")["asset_id"] == asset["asset_id"]


def test_what_is_written_to_the_wrong_cloud_stays_there(upload: Upload, sdk: Any, control: ControlClient) -> None:
    control.add_faults(Rule(Kind.WRONG_CLOUD, times=1))
    upload(public_id="a")
    assert sdk.api.resources()["resources"] == []
    control.add_faults(Rule(Kind.WRONG_CLOUD, times=1))
    assert [a["public_id"] for a in sdk.api.resources()["resources"]] == ["a"]
    control.reset()
    control.add_faults(Rule(Kind.WRONG_CLOUD))
    assert sdk.api.resources()["resources"] == []


def test_search_may_be_behind_while_its_count_is_not(
    upload: Upload, sdk: Any, control: ControlClient, clock: StoppedClock
) -> None:
    upload(public_id="old")
    clock.advance(60)
    upload(public_id="new")
    control.add_faults(Rule(Kind.LAGGING_SEARCH, path="/resources/search", seconds=30))
    answer = sdk.search().execute()
    assert ([a["public_id"] for a in answer["resources"]], answer["total_count"]) == (["old"], 2)
    sdk.uploader.add_tag("t", ["old"])
    assert sdk.search().execute()["resources"] == []
    clock.advance(30)
    assert len(sdk.search().execute()["resources"]) == 2


def test_a_share_of_requests_suffers_always_the_same_ones(http: httpx.Client, control: ControlClient) -> None:
    def outcomes(seed: int) -> list[int]:
        control.clear_faults()
        control.add_faults(Rule(Kind.STATUS, share=0.4, seed=seed, status=500))
        return [http.get("/ping").status_code for _ in range(40)]

    first = outcomes(1)
    assert first == outcomes(1)
    assert first != outcomes(2)
    assert 5 < first.count(500) < 30
    assert control.faults()[0].injected == outcomes(2).count(500)


def test_a_share_and_a_number_go_together(http: httpx.Client, control: ControlClient) -> None:
    control.add_faults(Rule(Kind.STATUS, share=0.5, first=3, times=2, status=500))
    outcomes = [http.get("/ping").status_code for _ in range(40)]
    assert (outcomes[:2], outcomes.count(500)) == ([200, 200], 2)
