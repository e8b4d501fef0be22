"""Lists and details: which assets, in which order, with which members, page by page."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest

from media_pipeline.emulator import bulk, listing, search
from media_pipeline.emulator.config import EmulatorConfig
from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.emulator import Emulator
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.listing import page_statement, slice_selection
from media_pipeline.emulator.params import Params
from media_pipeline.emulator.store import Store
from media_pipeline_tests.emulator.conftest import Upload
from media_pipeline_tests.emulator.material import picture

DEFAULT = [
    "asset_id", "public_id", "format", "version", "resource_type", "type", "created_at", "bytes", "width", "height",
    "asset_folder", "display_name", "url", "secure_url",
]  # fmt: skip


def walk(sdk: Any, **options: Any) -> list[dict[str, Any]]:
    """All assets of a listing, page by page."""
    seen: list[dict[str, Any]] = []
    page = sdk.api.resources(**options)
    while True:
        seen += page["resources"]
        if "next_cursor" not in page:
            return seen
        page = sdk.api.resources(next_cursor=page["next_cursor"], **options)


@pytest.mark.parametrize("page", [500, 137])
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_a_walk_loses_and_repeats_nothing(control: ControlClient, sdk: Any, page: int, direction: str) -> None:
    control.bulk(2_000)
    seen = [
        asset
        for resource_type in sdk.api.resource_types()["resource_types"]
        for type_ in ("upload", "private", "authenticated")
        for asset in walk(sdk, resource_type=resource_type, type=type_, max_results=page, direction=direction)
    ]
    assert len(seen) == len({asset["asset_id"] for asset in seen}) == 2_000


def test_a_walk_over_all_types_is_the_sum_of_its_slices(control: ControlClient, sdk: Any) -> None:
    control.bulk(500)
    whole = [asset["asset_id"] for asset in walk(sdk, resource_type="image", max_results=50)]
    slices = [
        asset["asset_id"]
        for type_ in ("upload", "private", "authenticated")
        for asset in walk(sdk, resource_type="image", type=type_, max_results=500)
    ]
    assert len(whole) == len(set(whole))
    assert set(whole) == set(slices)


def pages_of(library: Library, form: str, cursor: str | None) -> dict[str, Any]:
    """One page of a walk over most of a library, in one of the ways there are."""
    paging: dict[str, object] = {"max_results": 50, "next_cursor": cursor}
    since = "2023-01-01T00:00:00Z"
    match form:
        case "slice":
            body = listing.by_slice(library, Params(paging), "image", "upload")
        case "start_at":
            body = listing.by_slice(
                library, Params(paging | {"start_at": since, "direction": "asc"}), "image", "upload"
            )
        case "prefix":
            body = listing.by_slice(library, Params(paging | {"prefix": "c"}), "image", "upload")
        case "tag":
            body = listing.by_tag(library, Params(paging | {"start_at": since, "direction": "asc"}), "image", "common")
        case _:
            order = [{"last_updated.updated_at": "asc"}] if form == "search since" else [{"created_at": "desc"}]
            expression = f'last_updated.updated_at>="{since}"' if form == "search since" else ""
            given = paging | {"expression": expression, "sort_by": order}
            body = msgspec.json.encode(search.search_assets(library, Params(given)))
    found: dict[str, Any] = msgspec.json.decode(body)
    return found


@pytest.mark.parametrize("form", ["slice", "start_at", "prefix", "tag", "search", "search since"])
def test_the_last_page_of_a_walk_costs_no_more_than_the_second(tmp_path: Path, form: str) -> None:
    emulator = Emulator(EmulatorConfig(tmp_path, "x"))
    library = emulator.library
    bulk.generate(library, bulk.Plan(3_000))
    with library.store.write() as db:
        db.execute("INSERT INTO asset_tag SELECT resource_type, 'common', created_at, seq FROM asset")
    steps: list[int] = []
    with library.store.read() as db:
        # Every call below reads by this connection, the last one that was given back.
        db.set_progress_handler(lambda: steps.append(1), 10)
    cursor, costs = None, []
    while page := pages_of(library, form, cursor):
        costs.append(len(steps))
        steps.clear()
        cursor = page.get("next_cursor")
        if cursor is None:
            break
    emulator.close()
    assert len(costs) > 5
    assert max(costs[1:]) < 1.5 * costs[1]


@pytest.mark.parametrize(
    ("type_", "given"),
    [
        (None, {}),
        (None, {"direction": "asc"}),
        ("upload", {}),
        ("upload", {"direction": "asc"}),
        ("upload", {"start_at": "2024-01-01"}),
        ("upload", {"prefix": "a"}),
    ],
)
def test_a_page_is_read_from_an_index_in_its_order(tmp_path: Path, type_: str | None, given: dict[str, object]) -> None:
    store = Store(tmp_path / "empty.sqlite")
    selection = slice_selection(Params(given), "image", type_)
    with store.read() as db:
        for position in (None, [0] * len(selection.keys)):
            statement, values = page_statement(selection, position, 500)
            plan = " ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}", values))
            assert "USING INDEX" in plan
            assert "TEMP B-TREE" not in plan
    store.close()


def test_the_newest_come_first_unless_asked_otherwise(upload: Upload, sdk: Any, clock: Any) -> None:
    for name in ("a", "b", "c"):
        upload(public_id=name)
        clock.advance(60)
    assert [asset["public_id"] for asset in walk(sdk, max_results=2)] == ["c", "b", "a"]
    assert [asset["public_id"] for asset in walk(sdk, max_results=2, direction="asc")] == ["a", "b", "c"]
    since = walk(sdk, max_results=1, direction="asc", start_at="2024-06-25T08:59:20Z")
    assert [asset["public_id"] for asset in since] == ["b", "c"]


@pytest.mark.parametrize(
    "since",
    [
        "2024-06-25T08:59:20Z",
        "2024-06-25 08:59:20 UTC",
        "Tue, 25 Jun 2024 08:59:20 GMT",
        "Tue Jun 25 2024 10:59:20 GMT+0200 (Central European Summer Time)",
    ],
)
def test_a_list_starts_at_a_time_as_any_sdk_writes_it(
    upload: Upload, http: httpx.Client, clock: Any, since: str
) -> None:
    upload(public_id="a")
    clock.advance(60)
    upload(public_id="b")
    listed = http.get("/resources/image/upload", params={"start_at": since, "direction": "asc"}).json()
    assert [asset["public_id"] for asset in listed["resources"]] == ["b"]


def test_an_overwrite_does_not_move_an_asset(upload: Upload, sdk: Any, clock: Any) -> None:
    for name in ("a", "b"):
        upload(public_id=name)
        clock.advance(60)
    upload(picture(9, 9), public_id="a")
    assert [asset["public_id"] for asset in walk(sdk)] == ["b", "a"]


def test_ten_are_shown_by_default_and_five_hundred_at_most(control: ControlClient, sdk: Any) -> None:
    control.bulk(800)
    assert len(sdk.api.resources()["resources"]) == 10
    assert len(sdk.api.resources(max_results=1000)["resources"]) == 500


def test_a_default_item_has_exactly_these_members_in_this_order(upload: Upload, sdk: Any) -> None:
    upload(public_id="a", tags="t", context={"k": "v"})
    assert list(sdk.api.resources()["resources"][0]) == DEFAULT
    flagged = sdk.api.resources(tags=True, context=True, metadata=True, moderations=True)["resources"][0]
    assert list(flagged) == [*DEFAULT, "tags", "context"]
    assert (flagged["tags"], flagged["context"]) == (["t"], {"custom": {"k": "v"}})


def test_empty_members_are_left_out(upload: Upload, sdk: Any) -> None:
    upload(public_id="a")
    assert list(sdk.api.resources(tags=True, context=True, metadata=True)["resources"][0]) == DEFAULT
    assert not {"tags", "context", "metadata", "moderation"} & set(sdk.api.resource("a"))


def test_fields_beat_flags_and_always_tell_both_ids(upload: Upload, sdk: Any) -> None:
    first = upload(public_id="a", tags="t", context={"k": "v"})
    names = ["etag", "version_id", "uploaded_at", "signature", "status", "filename", "pixels", "aspect_ratio"]
    item = sdk.api.resources(fields=names, tags=True)["resources"][0]
    assert item == {
        "asset_id": first["asset_id"],
        "public_id": "a",
        "etag": first["etag"],
        "version_id": first["version_id"],
        "uploaded_at": "2024-06-25T08:58:20Z",
        "signature": first["signature"],
        "status": "active",
        "filename": "a",
        "pixels": 48,
        "aspect_ratio": 1.33333,
    }


def test_a_field_nobody_knows_is_refused(sdk: Any) -> None:
    with pytest.raises(sdk.errors.BadRequest, match="Invalid value secrets for parameter fields"):
        sdk.api.resources(fields=["bytes", "secrets"])


def test_a_prefix_lists_by_name_and_only_below_it(upload: Upload, sdk: Any, clock: Any) -> None:
    for name in ("images/b", "images2/a", "images/ä", "images/a", "image"):
        upload(public_id=name)
        clock.advance(60)
    found = walk(sdk, type="upload", prefix="images/", max_results=2, direction="desc")
    assert [asset["public_id"] for asset in found] == ["images/a", "images/b", "images/ä"]
    with pytest.raises(sdk.errors.BadRequest, match="Missing required parameter - type"):
        sdk.api.resources(prefix="images/")


def test_a_cursor_belongs_to_its_query(control: ControlClient, sdk: Any) -> None:
    control.bulk(100)
    cursor = sdk.api.resources(max_results=5)["next_cursor"]
    assert set(cursor) <= set("0123456789abcdef")
    assert len(sdk.api.resources(max_results=7, next_cursor=cursor)["resources"]) == 7
    for wrong in (
        {"next_cursor": cursor, "tags": True},
        {"next_cursor": cursor, "type": "upload"},
        {"next_cursor": cursor, "resource_type": "video"},
        {"next_cursor": cursor[:-1] + ("0" if cursor[-1] != "0" else "1")},
        {"next_cursor": "no hex"},
    ):
        with pytest.raises(sdk.errors.BadRequest, match="for parameter next_cursor"):
            sdk.api.resources(**wrong)


def test_a_deleted_row_does_not_break_a_walk(control: ControlClient, sdk: Any) -> None:
    control.bulk(100)
    first = sdk.api.resources(max_results=10)
    before = {asset["asset_id"] for asset in walk(sdk, max_results=500)}
    last = first["resources"][-1]["asset_id"]
    sdk.api.delete_resources_by_asset_ids([last])
    rest = walk(sdk, max_results=10)
    assert {asset["asset_id"] for asset in rest} == before - {last}
    second = sdk.api.resources(max_results=500, next_cursor=first["next_cursor"])["resources"]
    assert {asset["asset_id"] for asset in first["resources"] + second} == before


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/resources/images", "Invalid value images for parameter resource_type"),
        ("/resources/image?max_results=0", "Invalid value 0 for parameter max_results"),
        ("/resources/image?max_results=many", "Invalid value many for parameter max_results"),
        ("/resources/image?direction=up", "Invalid value up for parameter direction"),
        ("/resources/image?start_at=soon", "Invalid value soon for parameter start_at"),
        ("/resources/image/context", "Missing required parameter - key"),
        ("/resources/image/moderations/manual/maybe", "Invalid value maybe for parameter moderation_status"),
        ("/resources/by_asset_ids", "Missing required parameter - asset_ids"),
    ],
)
def test_a_wrong_parameter_is_a_400_with_its_name(http: httpx.Client, path: str, message: str) -> None:
    answer = http.get(path)
    assert (answer.status_code, answer.json()) == (400, {"error": {"message": message}})


def test_assets_are_found_by_their_ids(upload: Upload, sdk: Any, control: ControlClient) -> None:
    picture_id = upload(public_id="a", tags="t")["asset_id"]
    raw_id = upload(b"x", public_id="r", resource_type="raw", type="private")["asset_id"]
    found = sdk.api.resources_by_asset_ids([picture_id, raw_id, "0" * 32], tags=True)
    assert {asset["asset_id"] for asset in found["resources"]} == {picture_id, raw_id}
    assert "next_cursor" not in found
    by_name = sdk.api.resources_by_ids(["a", "nobody"])["resources"]
    assert [asset["asset_id"] for asset in by_name] == [picture_id]


def test_the_limit_of_ids_in_a_call_is_a_setting(sdk: Any, control: ControlClient) -> None:
    ids = [f"{number:032x}" for number in range(101)]
    assert sdk.api.resources_by_asset_ids(ids[:100])["resources"] == []
    with pytest.raises(sdk.errors.BadRequest, match="Too many asset_ids: 101, at most 100"):
        sdk.api.resources_by_asset_ids(ids)
    control.change_settings(by_asset_ids_limit=10)
    with pytest.raises(sdk.errors.BadRequest, match="at most 10"):
        sdk.api.resources_by_asset_ids(ids[:11])


def test_ids_may_come_as_comma_separated_text(upload: Upload, http: httpx.Client) -> None:
    ids = [upload(public_id=name)["asset_id"] for name in "ab"]
    assert len(http.get("/resources/by_asset_ids", params={"asset_ids": ",".join(ids)}).json()["resources"]) == 2


def test_assets_are_found_by_tag_context_and_folder(upload: Upload, sdk: Any) -> None:
    upload(public_id="a", tags="rot & grün/1", context={"k": "v"}, asset_folder="Märkte/Nord")
    upload(public_id="b", tags="rot", context={"k": "w"}, asset_folder="Märkte")
    upload(b"x", public_id="r", resource_type="raw", asset_folder="märkte/nord")

    def names(answer: Any) -> list[str]:
        return sorted(asset["public_id"] for asset in answer["resources"])

    assert names(sdk.api.resources_by_tag("rot & grün/1")) == ["a"]
    assert names(sdk.api.resources_by_tag("ro")) == []
    assert names(sdk.api.resources_by_context("k")) == ["a", "b"]
    assert names(sdk.api.resources_by_context("k", "w")) == ["b"]
    assert names(sdk.api.resources_by_asset_folder("MÄRKTE/nord")) == ["a", "r"]
    assert names(sdk.api.resources_by_asset_folder("Märkte")) == ["b"]


def test_tags_are_listed_in_order_with_a_prefix_and_pages(upload: Upload, sdk: Any) -> None:
    upload(public_id="a", tags="b,a,ab")
    upload(public_id="b", tags="ac,b")
    upload(b"x", public_id="r", resource_type="raw", tags="only raw")
    page = sdk.api.tags(max_results=3)
    assert page["tags"] == ["a", "ab", "ac"]
    rest = sdk.api.tags(max_results=3, next_cursor=page["next_cursor"])
    assert (rest["tags"], "next_cursor" in rest) == (["b"], False)
    assert sdk.api.tags(prefix="a")["tags"] == ["a", "ab", "ac"]
    assert sdk.api.tags(resource_type="raw")["tags"] == ["only raw"]


def test_a_detail_tells_more_than_a_list_item(upload: Upload, sdk: Any) -> None:
    first = upload(public_id="a/ü ö", tags="b,a", filename="file.png")
    document = sdk.api.resource("a/ü ö")
    assert document["tags"] == ["a", "b"]
    assert (document["original_filename"], document["derived"], document["pages"]) == ("file", [], 1)
    assert "etag" not in document
    assert sdk.api.resource("a/ü ö", media_metadata=True)["etag"] == first["etag"]
    assert sdk.api.resource_by_asset_id(first["asset_id"]) == document


@pytest.mark.parametrize("public_id", ["50% off", "a+b", "?", "tags/x", "restore", "0" * 32])
def test_ids_in_a_path_are_decoded_once(http: httpx.Client, public_id: str) -> None:
    answer = http.get(f"/resources/image/upload/{quote(public_id, safe='/')}")
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, f"Resource not found - {public_id}")


def test_only_types_in_use_are_told(upload: Upload, sdk: Any) -> None:
    assert sdk.api.resource_types()["resource_types"] == []
    upload(b"x", resource_type="raw")
    upload()
    assert sdk.api.resource_types()["resource_types"] == ["image", "raw"]


def test_an_unknown_route_is_an_html_page(sdk: Any, http: httpx.Client) -> None:
    for path in ("/nowhere", "/resources/image/tags", "/image/nothing"):
        answer = http.post(path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    with pytest.raises(sdk.errors.GeneralError, match="Error parsing server response"):
        sdk.api.call_json_api("get", ["nowhere"], {})
