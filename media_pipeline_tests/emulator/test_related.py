"""Relations between assets."""

from __future__ import annotations

from typing import Any

import pytest

from media_pipeline_tests.emulator.conftest import Upload


def related(sdk: Any, public_id: str) -> list[str]:
    return sorted(a["public_id"] for a in sdk.api.resource(public_id, related=True)["related_assets"])


def test_a_relation_goes_both_ways(upload: Upload, sdk: Any) -> None:
    for name in "abc":
        upload(public_id=name)
    answer = sdk.api.add_related_assets("a", ["image/upload/b", "image/upload/c"])
    assert answer == {
        "failed": [],
        "success": [
            {"message": "success", "code": "success_ids", "asset": f"image/upload/{name}", "status": 200}
            for name in "bc"
        ],
    }
    assert (related(sdk, "a"), related(sdk, "b")) == (["b", "c"], ["a"])
    gone = sdk.api.delete_related_assets("b", ["image/upload/a"])
    assert [told["asset"] for told in gone["deleted"]] == ["image/upload/a"]
    assert (related(sdk, "a"), related(sdk, "b")) == (["c"], [])


def test_a_relation_may_be_told_by_asset_ids(upload: Upload, sdk: Any) -> None:
    ids = [upload(public_id=name)["asset_id"] for name in "ab"]
    [told] = sdk.api.add_related_assets_by_asset_ids(ids[0], [ids[1]])["success"]
    assert told["asset_id"] == ids[1]
    [asset] = sdk.api.resource_by_asset_id(ids[1], related=True)["related_assets"]
    assert asset == {"asset_id": ids[0], "public_id": "a", "resource_type": "image", "type": "upload"}
    assert sdk.api.delete_related_assets_by_asset_ids(ids[0], [ids[1]])["failed"] == []


@pytest.mark.parametrize(
    ("name", "code", "status"),
    [
        ("image/upload/nobody", "non_existing_ids", 404),
        ("nonsense", "invalid_ids", 400),
        ("image/upload/a", "invalid_relate_to_self_id", 400),
        ("image/upload/b", "already_exists_ids", 409),
    ],
)
def test_each_refusal_has_its_code(upload: Upload, sdk: Any, name: str, code: str, status: int) -> None:
    upload(public_id="a")
    upload(public_id="b")
    sdk.api.add_related_assets("a", ["image/upload/b"])
    [told] = sdk.api.add_related_assets("a", [name])["failed"]
    assert (told["code"], told["status"], told["asset"]) == (code, status, name)


def test_a_relation_that_is_not_there_cannot_end(upload: Upload, sdk: Any) -> None:
    upload(public_id="a")
    upload(public_id="b")
    [told] = sdk.api.delete_related_assets("a", ["image/upload/b"])["failed"]
    assert told["code"] == "relation_does_not_exist_ids"


def test_ten_others_at_most_are_related_in_a_call(upload: Upload, sdk: Any) -> None:
    upload(public_id="a")
    with pytest.raises(sdk.errors.BadRequest, match="Too many assets_to_relate"):
        sdk.api.add_related_assets("a", [f"image/upload/{n}" for n in range(11)])
    with pytest.raises(sdk.errors.NotFound):
        sdk.api.add_related_assets("nobody", ["image/upload/a"])


def test_relations_end_with_their_asset(upload: Upload, sdk: Any) -> None:
    upload(public_id="a")
    upload(public_id="b")
    sdk.api.add_related_assets("a", ["image/upload/b"])
    sdk.api.delete_resources(["b"])
    assert related(sdk, "a") == []


def test_more_than_a_hundred_relations_need_a_cursor(upload: Upload, sdk: Any) -> None:
    upload(public_id="a")
    others = [upload(public_id=f"o{n}")["public_id"] for n in range(103)]
    for start in range(0, len(others), 10):
        sdk.api.add_related_assets("a", [f"image/upload/{name}" for name in others[start : start + 10]])
    first = sdk.api.resource("a", related=True)
    rest = sdk.api.resource("a", related=True, related_next_cursor=first["related_next_cursor"])
    assert (len(first["related_assets"]), len(rest["related_assets"])) == (100, 3)
    assert "related_next_cursor" not in rest
