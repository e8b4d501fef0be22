"""Search: the language of expressions, fields, order, pages and the shape of a result."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.errors import ApiError
from media_pipeline.emulator.search_language import (
    Bare,
    Comparison,
    Either,
    Every,
    Negation,
    Range,
    Value,
    parse,
)
from media_pipeline_tests.emulator.conftest import Upload
from media_pipeline_tests.emulator.material import film, picture

A, B, C = (Bare(Value(name), False) for name in "abc")


@pytest.mark.parametrize(
    ("expression", "condition"),
    [
        ("", Every(())),
        ("a", A),
        ('"a"', Bare(Value("a"), True)),
        ("a b", Every((A, B))),
        ("a AND b", Every((A, B))),
        ("a OR b AND c", Either((A, Every((B, C))))),
        ("(a OR b) c", Every((Either((A, B)), C))),
        ("NOT a b", Every((Negation(A), B))),
        ("-a", Negation(A)),
        ("ANDROID", Bare(Value("ANDROID"), False)),
        ("f:v", Comparison("f", ":", Value("v"))),
        ("f=v*", Comparison("f", "=", Value("v", is_prefix=True))),
        ('f:"x/*"', Comparison("f", ":", Value("x/", is_prefix=True))),
        (r'f:"x/\*"', Comparison("f", ":", Value("x/*"))),
        (r'f="say \"hi\" \\"', Comparison("f", "=", Value('say "hi" \\'))),
        (r"f:a\:b\ c", Comparison("f", ":", Value("a:b c"))),
        ("f>=5", Comparison("f", ">=", Value("5"))),
        ("a.b-c<-2", Comparison("a.b-c", "<", Value("-2"))),
        ("f:[1 TO 2]", Comparison("f", ":", Range(Value("1"), Value("2"), True, True))),
        ("f:{1 TO 2]", Comparison("f", ":", Range(Value("1"), Value("2"), False, True))),
        ("f:(a OR b)", Either((Comparison("f", ":", Value("a")), Comparison("f", ":", Value("b"))))),
        (
            "f=(a b) OR -c",
            Either((Every((Comparison("f", "=", Value("a")), Comparison("f", "=", Value("b")))), Negation(C))),
        ),
    ],
)
def test_an_expression_states_a_condition(expression: str, condition: object) -> None:
    assert parse(expression) == condition


@pytest.mark.parametrize("expression", ["(a", "a)", "f:", "f:[1 2]", "a OR", 'f:"open', "f::v", "a ^ b"])
def test_an_expression_without_sense_is_refused(expression: str) -> None:
    with pytest.raises(ApiError, match="Failed to parse search expression") as refused:
        parse(expression)
    assert refused.value.status == 400


@pytest.fixture
def library(upload: Upload, sdk: Any, clock: Any) -> Any:
    """Five assets, an hour apart: ``a`` to ``e``."""
    sdk.api.add_metadata_field({"external_id": "stock", "type": "integer", "label": "Stock"})
    sdk.api.add_metadata_field(
        {"external_id": "col", "type": "set", "label": "Col", "datasource": {"values": [
            {"external_id": "r", "value": "Red"}, {"external_id": "g", "value": "Green"}]}}
    )  # fmt: skip
    upload(picture(100, 50), public_id="a", tags="Red Shoe,x:y", asset_folder="shop/summer", display_name="Über alles")
    clock.advance(3600)
    upload(picture(10, 10, kind="JPEG"), public_id="dir/b", tags="blue", context={"alt": "Red shoe", "k": "v"})
    clock.advance(3600)
    upload(b"text", public_id="c.txt", resource_type="raw", asset_folder="shop", metadata={"stock": 5})
    clock.advance(3600)
    upload(film(), public_id="d", resource_type="video", type="private", metadata={"stock": 9, "col": ["r", "g"]})
    clock.advance(3600)
    upload(picture(20, 20), public_id="e", type="authenticated", access_control={"access_type": "token"})
    clock.advance(3600)
    return sdk


def found(sdk: Any, expression: str) -> str:
    """The last letters of what an expression finds, in order of creation."""
    answer = sdk.search().expression(expression).sort_by("created_at", "asc").max_results(500).execute()
    assert answer["total_count"] == len(answer["resources"])
    return "".join(asset["public_id"].removesuffix(".txt")[-1] for asset in answer["resources"])


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("", "abcde"),
        ("resource_type:image", "abe"),
        ("resource_type=IMAGE", ""),
        ("type:upload OR type:private OR type:authenticated", "abcde"),
        ("-type:upload", "de"),
        ("NOT (type:private OR resource_type:raw)", "abe"),
        ("tags", "ab"),
        ("-tags", "cde"),
        ("tags:red", "a"),
        ("tags=red", ""),
        ('tags="Red Shoe"', "a"),
        (r'tags:"red shoe" OR tags=bl*', "ab"),
        (r"tags=x\:y", "a"),
        ("public_id:b", "b"),
        ("public_id=dir/*", "b"),
        ('public_id="dir/b"', "b"),
        ("filename=b", "b"),
        ("display_name:über", "a"),
        ("asset_folder=shop", "c"),
        ('asset_folder:"shop/*"', "ac"),
        ('asset_folder="shop/*"', "ac"),
        ('asset_folder:"SHOP/sum*"', "a"),
        ('asset_folder:"*"', "abcde"),
        ('public_id:"c/*"', ""),
        ('asset_folder="shop/summer"', "a"),
        ("format=(jpg OR mp4)", "bd"),
        ("context:alt", "b"),
        ("context.alt:red", "b"),
        ("context.alt=red", ""),
        ("context.k=v", "b"),
        ("context", "b"),
        ("metadata.stock>5", "d"),
        ("metadata.stock=5", "c"),
        ("metadata.stock:[5 TO 9]", "cd"),
        ("metadata.stock:{5 TO 9]", "d"),
        ("metadata.col=r", "d"),
        ("metadata.col", "d"),
        ("-metadata.stock", "abe"),
        ("red", "ab"),
        ("red shoe -alt", "ab"),
        ("width>=20 height<50", "de"),
        ("width:[20 TO 100]", "ade"),
        ("pixels>1kb", "ad"),
        ("aspect_ratio=2", "a"),
        ("duration>0.5", "d"),
        ("bytes<5", "c"),
        ('created_at>"2024-06-25T10:58:20Z"', "de"),
        ('created_at>="2024-06-25T10:58:20Z" AND created_at<"2024-06-25T12:58:20Z"', "cd"),
        ("created_at:2024-06-25", "abcde"),
        ("created_at<2024-06-25", ""),
        ("uploaded_at>3h", "de"),
        ("created_at:[4h TO 2h]", "bcd"),
        ('last_updated.updated_at>"2024-06-25T11:00:00+00:00"', "de"),
        ("last_updated.tags_updated_at>1y", "ab"),
        ("status=active", "abcde"),
        ("nobody:x", ""),
        ("-nobody:x", "abcde"),
        ("resource_type:image (tags:red OR tags:blue) -format:jpg", "a"),
    ],
)
def test_an_expression_finds(library: Any, expression: str, names: str) -> None:
    assert found(library, expression) == names


@pytest.mark.parametrize("expression", ["bytes>many", "created_at>soon", "created_at:[1 TO 2]"])
def test_a_value_of_the_wrong_kind_is_refused(library: Any, expression: str) -> None:
    with pytest.raises(library.errors.BadRequest, match="in search expression"):
        found(library, expression)


def test_an_asset_is_found_by_its_id(library: Any) -> None:
    asset_id = library.api.resource("a")["asset_id"]
    assert found(library, f"asset_id:{asset_id}") == found(library, f"asset_id={asset_id}") == "a"


def test_a_result_has_the_forms_of_search(library: Any) -> None:
    answer = library.search().expression("public_id=dir/*").with_field(["tags", "context", "metadata"]).execute()
    result = answer["resources"][0]
    assert (result["created_at"], result["uploaded_at"]) == ("2024-06-25T09:58:20+00:00",) * 2
    assert (result["context"], result["tags"], result["status"]) == (
        {"alt": "Red shoe", "k": "v"}, ["blue"], "active",
    )  # fmt: skip
    assert (result["access_control"], result["filename"], result["pixels"]) == (None, "b", 100)
    assert result["etag"] == library.api.resource("dir/b", media_metadata=True)["etag"]
    assert result["last_updated"]["context_updated_at"] == "2024-06-25T09:58:20+00:00"
    plain = library.search().expression("public_id=dir/*").execute()["resources"][0]
    assert not {"tags", "context", "metadata", "version_id"} & set(plain)


def test_fields_choose_members(library: Any) -> None:
    result = library.search().expression("public_id=a").fields("bytes").fields("tags").execute()["resources"][0]
    assert set(result) == {
        "asset_id", "public_id", "asset_folder", "created_at", "status", "type", "resource_type", "bytes", "tags",
    }  # fmt: skip


def test_only_deleted_assets_with_a_backup_are_found_and_only_when_asked_for(upload: Upload, sdk: Any) -> None:
    upload(public_id="a", backup=True)
    upload(public_id="b")
    sdk.api.delete_resources(["a", "b"])
    assert (found(sdk, ""), found(sdk, "status=deleted")) == ("", "a")
    assert found(sdk, "resource_type:image AND (status:deleted OR status:active)") == "a"


@pytest.mark.parametrize(
    "order",
    [
        [],
        [("created_at", "asc")],
        [("bytes", "desc"), ("public_id", "asc")],
        [("width", "asc"), ("duration", "desc"), ("public_id", "desc")],
    ],
)
def test_pages_lose_and_repeat_nothing_in_any_order(
    control: ControlClient, sdk: Any, order: list[tuple[str, str]]
) -> None:
    control.bulk(700)
    seen: list[dict[str, Any]] = []
    cursor = ""
    while True:
        query = sdk.search().expression("type:upload").max_results(90).next_cursor(cursor)
        for name, direction in order:
            query = query.sort_by(name, direction)
        page = query.execute()
        seen += page["resources"]
        if "next_cursor" not in page:
            break
        cursor = page["next_cursor"]
        assert page["total_count"] > len(page["resources"])
    assert len({asset["asset_id"] for asset in seen}) == len(seen) == page["total_count"]
    if order == [("bytes", "desc"), ("public_id", "asc")]:
        keys = [(-asset["bytes"], asset["public_id"]) for asset in seen]
        assert keys == sorted(keys)


def test_a_cursor_belongs_to_its_expression(control: ControlClient, sdk: Any) -> None:
    control.bulk(100)
    cursor = sdk.search().expression("type:upload").max_results(5).execute()["next_cursor"]
    with pytest.raises(sdk.errors.BadRequest, match="for parameter next_cursor"):
        sdk.search().expression("type:private").max_results(5).next_cursor(cursor).execute()


def test_a_search_may_be_a_get_with_a_query_or_a_body(library: Any, http: httpx.Client) -> None:
    sort = '[{"created_at": "asc"}]'
    answer = http.get("/resources/search", params={"expression": "type:upload", "max_results": "2", "sort_by": sort})
    assert [asset["public_id"] for asset in answer.json()["resources"]] == ["a", "dir/b"]
    body = {"expression": "type:private", "max_results": "10"}
    assert http.request("GET", "/resources/search", json=body).json()["total_count"] == 1


def test_results_are_counted_by_format(library: Any) -> None:
    answer = library.search().expression("resource_type:image").aggregate("format").execute()
    assert answer["aggregations"] == {"format": {"png": 2, "jpg": 1}}


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"sort_by": [{"tags": "asc"}]}, "sort_by"),
        ({"sort_by": [{"created_at": "up"}]}, "sort_by"),
        ({"sort_by": "created_at"}, "sort_by"),
        ({"with_field": ["secrets"]}, "with_field"),
        ({"aggregate": ["bytes"]}, "aggregate"),
    ],
)
def test_a_wrong_option_is_refused(library: Any, http: httpx.Client, body: dict[str, Any], name: str) -> None:
    answer = http.post("/resources/search", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].endswith(f"for parameter {name}")


def test_ranges_are_counted(upload: Upload, sdk: Any) -> None:
    upload(b"12345", resource_type="raw")
    upload(b"1234567890", resource_type="raw")
    upload(picture(20, 10))
    ranges = [{"key": "tiny", "to": 5}, {"key": "small", "from": 6, "to": 20}, {"key": "rest", "from": 21}]
    found = sdk.search().aggregate({"type": "bytes", "ranges": ranges}).aggregate("resource_type").execute()
    assert found["aggregations"] == {
        "bytes": {"tiny": 1, "small": 1, "rest": 1},
        "resource_type": {"image": 1, "raw": 2},
    }
    pixels = {"type": "image_pixels", "ranges": [{"key": "all", "from": 0}, {"key": "large", "from": 201}]}
    assert sdk.search().aggregate(pixels).execute()["aggregations"] == {"image_pixels": {"all": 1, "large": 0}}


@pytest.mark.parametrize("aggregate", ["nonsense", {"type": "bytes"}, {"type": "x", "ranges": [{"key": "a"}]}])
def test_an_aggregation_that_makes_no_sense_is_refused(sdk: Any, aggregate: object) -> None:
    with pytest.raises(sdk.errors.BadRequest, match="for parameter aggregate"):
        sdk.search().aggregate(aggregate).execute()


def test_visual_search_is_not_enabled(sdk: Any) -> None:
    with pytest.raises(sdk.errors.NotAllowed, match="not enabled"):
        sdk.api.visual_search(text="a dog")
