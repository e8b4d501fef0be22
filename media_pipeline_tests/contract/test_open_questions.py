"""What Cloudinary's documentation leaves open, as the emulator decides it.

Belongs here: one test for each decision of docs/emulator.md that a live cloud can be asked about. A test that fails
with ``--live`` shows that Cloudinary does otherwise, and what. Not here: what is documented, see the emulator's tests.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from media_pipeline_tests.contract.conftest import Cloud
from media_pipeline_tests.emulator.material import picture


def test_nothing_is_left_of_a_test(cloud: Cloud) -> None:
    cloud.listen()
    cloud.upload("a", backup=True, asset_folder=cloud.name("x"))
    cloud.upload("b.txt", b"some words", resource_type="raw", type="private")
    cloud.clean()
    assert cloud.api.resources(type="upload", prefix=f"{cloud.prefix}/")["resources"] == []
    assert cloud.prefix not in str(cloud.api.root_folders()) + str(cloud.api.triggers())
    if cloud.control is not None:
        assert cloud.control.stats().assets == 0


def test_an_overwritten_asset_keeps_its_id(cloud: Cloud) -> None:
    first = cloud.upload("a")
    cloud.let_a_second_pass()
    second = cloud.upload("a", picture(9, 9))
    assert second["version"] > first["version"]
    assert (second["asset_id"], second["created_at"]) == (first["asset_id"], first["created_at"])


def test_an_asset_with_a_backup_keeps_its_id_through_deletion_and_upload(cloud: Cloud) -> None:
    first = cloud.upload("a", backup=True)
    cloud.api.delete_resources([cloud.name("a")])
    assert cloud.upload("a", picture(9, 9), backup=True)["asset_id"] == first["asset_id"]


def test_an_asset_without_a_backup_is_another_one_after_deletion_and_upload(cloud: Cloud) -> None:
    first = cloud.upload("a", backup=False)
    cloud.api.delete_resources([cloud.name("a")])
    assert cloud.upload("a", backup=False)["asset_id"] != first["asset_id"]


def test_a_rename_onto_a_taken_name_is_a_400(cloud: Cloud) -> None:
    for name in "ab":
        cloud.upload(name)
    with pytest.raises(cloud.errors.BadRequest):
        cloud.uploader.rename(cloud.name("a"), cloud.name("b"))


def test_a_cursor_survives_another_page_size_and_the_end_of_its_asset(cloud: Cloud) -> None:
    for name in "abcd":
        cloud.upload(name)
    query = {"type": "upload", "prefix": f"{cloud.prefix}/"}
    page = cloud.api.resources(**query, max_results=2)
    cloud.api.delete_resources([page["resources"][-1]["public_id"]])
    rest = cloud.api.resources(**query, max_results=3, next_cursor=page["next_cursor"])
    assert [asset["public_id"] for asset in rest["resources"]] == [cloud.name("c"), cloud.name("d")]


def test_a_list_without_a_delivery_type_shows_all_types(cloud: Cloud) -> None:
    types = ("upload", "private", "authenticated")
    for type_ in types:
        cloud.upload("a.txt", b"some words", resource_type="raw", type=type_)
    listed = cloud.api.resources(resource_type="raw", max_results=500)["resources"]
    assert {asset["type"] for asset in listed if asset["public_id"] == cloud.name("a.txt")} == set(types)


def test_a_deletion_with_a_backup_leaves_a_placeholder_in_plain_lists(cloud: Cloud) -> None:
    cloud.upload("a", backup=True)
    cloud.api.delete_resources([cloud.name("a")])
    [left] = cloud.api.resources(type="upload", prefix=f"{cloud.prefix}/")["resources"]
    assert (left["placeholder"], left["bytes"], left["backup"]) == (True, 0, True)


def test_a_hundred_assets_are_read_by_their_ids_in_one_call(cloud: Cloud) -> None:
    ids = [cloud.upload("a")["asset_id"], *(f"{number:032x}" for number in range(99))]
    assert [asset["asset_id"] for asset in cloud.api.resources_by_asset_ids(ids)["resources"]] == ids[:1]


def test_a_page_of_a_search_holds_fifty_unless_it_is_told(cloud: Cloud) -> None:
    for number in range(51):
        cloud.upload(f"{number:02d}")
    page = cloud.found(f'public_id="{cloud.prefix}/*"', 51)
    assert (page["total_count"], len(page["resources"])) == (51, 50)


def test_both_ends_of_a_range_are_in_it(cloud: Cloud) -> None:
    for width in (10, 11, 12, 13):
        cloud.upload(str(width), picture(width))
    page = cloud.found(f'public_id="{cloud.prefix}/*" AND width:[11 TO 12]', 2)
    assert sorted(asset["width"] for asset in page["resources"]) == [11, 12]


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        ({"display_name": "Other"}, {"updated_at"}),
        ({"asset_folder": "PREFIX/other"}, {"updated_at"}),
        ({"moderation_status": "approved"}, {"updated_at"}),
        ({"tags": "t"}, {"updated_at", "tags_updated_at"}),
    ],
    ids=["display name", "folder", "moderation", "tags"],
)
def test_a_change_moves_its_own_time_if_it_has_one(cloud: Cloud, change: dict[str, str], moved: set[str]) -> None:
    cloud.upload("a", moderation="manual", asset_folder=cloud.prefix)
    assert times_moved(cloud, lambda: cloud.api.update(cloud.name("a"), **with_prefix(cloud, change))) == moved


def test_a_relation_moves_no_time(cloud: Cloud) -> None:
    for name in "ab":
        cloud.upload(name)
    moved = times_moved(
        cloud, lambda: cloud.api.add_related_assets(cloud.name("a"), [f"image/upload/{cloud.name('b')}"])
    )
    assert moved == set()


def test_an_identical_upload_moves_nothing_but_says_overwritten(cloud: Cloud) -> None:
    first = cloud.upload("a")
    answers: list[dict[str, Any]] = []
    assert times_moved(cloud, lambda: answers.append(cloud.upload("a"))) == set()
    assert (answers[0]["version"], answers[0]["overwritten"]) == (first["version"], True)


def test_one_call_on_many_assets_is_one_message(cloud: Cloud) -> None:
    names = [cloud.name(str(number)) for number in range(12)]
    for number in range(12):
        cloud.upload(str(number))
    cloud.listen()
    cloud.uploader.add_tag("t", names)
    [message] = cloud.told(1)
    assert message["notification_type"] == "resource_tags_changed"
    assert sorted(asset["public_id"] for asset in message["resources"]) == sorted(names)


def test_publishing_tells_a_list_of_assets(cloud: Cloud) -> None:
    asset = cloud.upload("a", type="private")
    cloud.listen()
    cloud.api.publish_by_ids([cloud.name("a")], type="private")
    assert [tells_of(message, asset) for message in cloud.told(1)] == ["publish"]


def test_restoring_tells_a_list_of_assets(cloud: Cloud) -> None:
    asset = cloud.upload("a", backup=True)
    cloud.api.delete_resources([cloud.name("a")])
    cloud.listen()
    cloud.api.restore([cloud.name("a")])
    assert [tells_of(message, asset) for message in cloud.told(1)] == ["restore_asset_version"]


def test_a_deletion_by_token_tells_a_list_of_assets(cloud: Cloud) -> None:
    asset = cloud.upload("a", return_delete_token=True)
    cloud.listen()
    cloud.uploader.call_api("delete_by_token", {"token": asset["delete_token"]}, unsigned=True)
    assert [tells_of(message, asset) for message in cloud.told(1)] == ["delete_by_token"]


def test_a_moved_folder_is_one_message_and_none_for_its_assets(cloud: Cloud) -> None:
    cloud.upload("a", asset_folder=cloud.name("old"))
    cloud.listen()
    cloud.api.rename_folder(cloud.name("old"), cloud.name("new"))
    [message] = cloud.told(1)
    assert (message["notification_type"], message["from_path"], message["to_path"]) == (
        "move_or_rename_asset_folder", cloud.name("old"), cloud.name("new"),
    )  # fmt: skip


def test_a_deleted_folder_is_one_message(cloud: Cloud) -> None:
    cloud.api.create_folder(cloud.name("gone"))
    cloud.listen()
    cloud.api.delete_folder(cloud.name("gone"))
    [message] = cloud.told(1)
    assert (message["notification_type"], message["folder_path"]) == ("delete_folder", cloud.name("gone"))


def test_a_rename_that_overwrites_tells_no_deletion(cloud: Cloud) -> None:
    for name in "ab":
        cloud.upload(name)
    cloud.listen()
    cloud.uploader.rename(cloud.name("a"), cloud.name("b"), overwrite=True)
    assert [message["notification_type"] for message in cloud.told(1)] == ["rename"]


def test_searches_cost_one_call_and_polling_none(cloud: Cloud) -> None:
    left = [
        cloud.api.ping().rate_limit_remaining,
        cloud.search("public_id=x").execute().rate_limit_remaining,
        cloud.search_folders("path=x").execute().rate_limit_remaining,
    ]
    cloud.api.notifications(channel=cloud.prefix, wait_seconds=0)
    left.append(cloud.api.ping().rate_limit_remaining)
    assert [before - after for before, after in pairwise(left)] == [1, 1, 1]


def test_messages_carry_no_second_signature(cloud: Cloud) -> None:
    cloud.listen()
    cloud.upload("a")
    [message] = cloud.api.notifications(channel=cloud.prefix, wait_seconds=20)["messages"]
    assert set(message) == {"receipt_handle", "batch_id", "payload", "signed_payload", "signature", "timestamp"}


def test_explicit_with_a_name_alone_changes_and_tells_nothing(cloud: Cloud) -> None:
    cloud.upload("a", tags="t", context={"k": "v"})
    cloud.listen()
    assert times_moved(cloud, lambda: cloud.uploader.explicit(cloud.name("a"), type="upload")) == set()
    assert cloud.told(0) == []


def test_a_message_comes_back_until_it_is_acknowledged(cloud: Cloud) -> None:
    cloud.listen()
    cloud.upload("a")
    [first] = cloud.api.notifications(channel=cloud.prefix, wait_seconds=20, visibility_timeout=1)["messages"]
    cloud.let_a_second_pass()
    [again] = cloud.api.notifications(channel=cloud.prefix, wait_seconds=20)["messages"]
    assert again["payload"] == first["payload"]
    assert cloud.api.ack_notifications([again["receipt_handle"]])["results"] == [{"status": "acked"}]
    assert cloud.told(0) == []


def times_moved(cloud: Cloud, change: Any) -> set[str]:
    """Names of the times in ``last_updated`` of asset ``a`` that a change moves."""
    before = cloud.api.resource(cloud.name("a"))["last_updated"]
    cloud.let_a_second_pass()
    change()
    after = cloud.api.resource(cloud.name("a"))["last_updated"]
    return {name for name in after if after[name] != before.get(name)}


def with_prefix(cloud: Cloud, change: dict[str, str]) -> dict[str, str]:
    return {name: value.replace("PREFIX", cloud.prefix) for name, value in change.items()}


def tells_of(message: dict[str, Any], asset: dict[str, Any]) -> str:
    """The type of a message, after a check that it tells of one asset."""
    assert [told["asset_id"] for told in message["resources"]] == [asset["asset_id"]]
    return str(message["notification_type"])
