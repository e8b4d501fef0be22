"""Transformation texts, and the resource that keeps them."""

from __future__ import annotations

from typing import Any

import pytest

from media_pipeline.emulator.errors import ApiError
from media_pipeline.emulator.transformations import Wanted, components, info, looks_like_steps, ordered, wanted
from media_pipeline_tests.emulator.conftest import Upload


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("w_100,c_scale", "c_scale,w_100"),
        ("w_10,h_20/a_90,", "h_20,w_10/a_90"),
        ("w_mul,$mul_2,if_w_gt_10", "if_w_gt_10,$mul_2,w_mul"),
        ("l_text:arial_20:hello%20there,w_100", "l_text:arial_20:hello%20there,w_100"),
        ("", ""),
    ],
)
def test_parts_of_a_step_have_an_order(text: str, expected: str) -> None:
    assert ordered(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("w_10,c_fit/png", Wanted("c_fit,w_10", "png")),
        ("c_fit,w_10/", Wanted("c_fit,w_10", None)),
        ("c_fit,w_10/a_90", Wanted("c_fit,w_10/a_90", None)),
        ("jpg", Wanted("", "jpg")),
    ],
)
def test_a_format_may_stand_behind_the_steps(text: str, expected: Wanted) -> None:
    assert wanted(text) == expected


def test_details_tell_a_text_in_long_words() -> None:
    assert info("c_scale,l_text:arial_20:x,w_100/e_sepia,o_0.5,x_-3") == [
        {"crop": "scale", "overlay": "text:arial_20:x", "width": 100},
        {"effect": "sepia", "opacity": 0.5, "x": -3},
    ]
    assert info("c_scale,w_4/jpg") == [{"crop": "scale", "width": 4, "extension": "jpg"}]
    assert info("jpg") == [{"extension": "jpg"}]


def test_what_is_no_step_is_refused() -> None:
    with pytest.raises(ApiError, match="Invalid transformation component - folder"):
        components("w_10/folder")
    assert looks_like_steps("c_fill,w_10")
    assert not looks_like_steps("my folder")


def test_a_named_transformation_lives(sdk: Any) -> None:
    assert sdk.api.create_transformation("small", {"width": 102, "crop": "scale"}) == {"message": "created"}
    found = sdk.api.transformation("small")
    assert (found["name"], found["named"], found["used"], found["derived"]) == ("t_small", True, False, [])
    assert found["info"] == [{"crop": "scale", "width": 102}]
    sdk.api.update_transformation("small", allowed_for_strict=False, unsafe_update={"width": 103, "crop": "scale"})
    changed = sdk.api.transformation("t_small")
    assert (changed["info"], changed["allowed_for_strict"]) == ([{"crop": "scale", "width": 103}], False)
    assert sdk.api.delete_transformation("small") == {"message": "deleted"}
    with pytest.raises(sdk.errors.NotFound, match="Transformation not found - small"):
        sdk.api.transformation("small")


def test_a_named_transformation_may_name_a_format_or_none(sdk: Any, upload: Upload) -> None:
    sdk.api.create_transformation("small_jpg", "c_scale,w_4/jpg")
    assert sdk.api.transformation("small_jpg")["info"] == [{"crop": "scale", "width": 4, "extension": "jpg"}]
    sdk.api.create_transformation("plain", "c_scale,w_4/")
    assert sdk.api.transformation("plain")["info"] == [{"crop": "scale", "width": 4, "extension": "none"}]
    assert upload(eager="t_small_jpg")["eager"][0]["width"] == 4


def test_a_name_is_taken_once_and_a_text_never_changes(sdk: Any, upload: Upload) -> None:
    sdk.api.create_transformation("small", "c_scale,w_102")
    with pytest.raises(sdk.errors.AlreadyExists, match="Transformation small already exists"):
        sdk.api.create_transformation("small", "c_scale,w_103")
    upload(eager="c_scale,w_4")
    with pytest.raises(sdk.errors.BadRequest, match="Only named transformations"):
        sdk.api.update_transformation("c_scale,w_4", unsafe_update="c_scale,w_5")


def test_every_text_that_was_used_is_listed_newest_first(sdk: Any, upload: Upload) -> None:
    upload(public_id="a", eager=[{"width": 4, "crop": "scale"}, {"width": 5, "crop": "scale", "format": "jpg"}])
    sdk.api.create_transformation("small", "c_scale,w_102")
    listed = sdk.api.transformations()["transformations"]
    assert [(item["name"], item["named"], item["used"]) for item in listed] == [
        ("t_small", True, False),
        ("c_scale,w_5/jpg", False, True),
        ("c_scale,w_4", False, True),
    ]
    assert [item["name"] for item in sdk.api.transformations(named=True)["transformations"]] == ["t_small"]
    first = sdk.api.transformations(max_results=2)
    rest = sdk.api.transformations(max_results=2, next_cursor=first["next_cursor"])
    assert [item["name"] for item in rest["transformations"]] == ["c_scale,w_4"]
    assert "next_cursor" not in rest


def test_a_text_is_found_in_any_order_of_its_parts(sdk: Any, upload: Upload) -> None:
    upload(public_id="a", eager="c_scale,w_4")
    assert sdk.api.transformation("w_4,c_scale")["name"] == "c_scale,w_4"


def test_a_detail_pages_through_what_was_derived(sdk: Any, upload: Upload) -> None:
    for name in "abc":
        upload(public_id=name, eager="c_scale,w_4")
    first = sdk.api.transformation("c_scale,w_4", max_results=2)
    rest = sdk.api.transformation("c_scale,w_4", max_results=2, next_cursor=first["next_cursor"])
    assert "next_cursor" not in rest
    assert sorted(d["public_id"] for d in first["derived"] + rest["derived"]) == ["a", "b", "c"]
    assert {d["transformation"] for d in first["derived"]} == {"c_scale,w_4"}


def test_deleting_a_transformation_deletes_what_was_derived_with_it(sdk: Any, upload: Upload) -> None:
    upload(public_id="a", eager="c_scale,w_4|c_scale,w_5")
    sdk.api.delete_transformation("c_scale,w_4")
    assert [d["transformation"] for d in sdk.api.resource("a")["derived"]] == ["c_scale,w_5"]
