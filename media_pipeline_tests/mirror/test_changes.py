"""What an outsider changes in Cloudinary arrives in ``media_assets``, and nothing else does."""

from __future__ import annotations

import pytest

from media_pipeline.remote.calls import TagCommand
from media_pipeline.vocabulary import ResourceType
from media_pipeline_tests.mirror.conftest import Rig


def test_a_first_sync_mirrors_every_asset_with_its_fields(rig: Rig) -> None:
    rig.upload(
        "shoes/red one",
        tags=["b", "a"],
        context={"alt": "x|y=z"},
        asset_folder="shop/summer",
        display_name="Red",
    )
    rig.upload_many(11)

    synced = rig.sync()

    assert synced.apply.created == 12
    assert rig.query(
        "select tags, context, asset_folder, display_name, width_px, format, row_version from media_assets"
        " where public_id = 'shoes/red one'"
    ) == [(["a", "b"], {"alt": "x|y=z"}, "shop/summer", "Red", 8, "png", 1)]


def test_a_second_sync_without_changes_writes_nothing_that_people_see(rig: Rig) -> None:
    rig.upload_many(12)
    rig.sync()
    before = rig.query("select id, row_version, updated_at from media_assets order by id")
    entries = rig.query("select count(*) from media_sync_log")

    synced = rig.sync()

    assert synced.diff.total == 0
    assert synced.mirror.pages.known == 12
    assert rig.query("select id, row_version, updated_at from media_assets order by id") == before
    assert rig.query("select count(*) from media_sync_log") == entries


def test_each_kind_of_change_is_named_and_keeps_the_row(rig: Rig) -> None:
    ids = {name: rig.upload(name, colour=number) for number, name in enumerate(["a", "b", "c", "d", "e"])}
    rig.sync()
    keys = dict(rig.query("select asset_id, id from media_assets"))
    with rig.client() as outsider:
        outsider.change_tags(
            TagCommand.ADD, ["new"], public_ids=["a"], resource_type=ResourceType.IMAGE, delivery_type="upload"
        )
        outsider.rename("b", "b2", resource_type=ResourceType.IMAGE, delivery_type="upload")
        outsider.update(ids["c"], asset_folder="moved/here")
        outsider.delete_assets([ids["d"]])
    rig.upload("e", colour=999)

    synced = rig.sync()

    kinds = dict(rig.query("select asset_id, kind from diff.change where state = 'applied' and kind <> 'created'"))
    assert kinds == {
        ids["a"]: "updated",
        ids["b"]: "renamed",
        ids["c"]: "moved",
        ids["d"]: "deleted",
        ids["e"]: "updated",
    }
    assert synced.diff.total == 5
    assert dict(rig.query("select asset_id, id from media_assets")) == keys
    assert rig.deleted() == {"d"}
    logged = rig.query(
        "select action, before, after, row_version from media_sync_log where asset_id = %(id)s order by id", id=ids["a"]
    )
    assert logged == [("created", None, None, 1), ("updated", {"tags": []}, {"tags": ["new"]}, 2)]


def test_a_name_that_is_used_again_belongs_to_the_new_asset(rig: Rig) -> None:
    first = rig.upload("logo", colour=1)
    rig.upload_many(3)
    rig.sync()
    with rig.client() as outsider:
        outsider.delete_assets([first])
    second = rig.upload("logo", colour=2)

    rig.sync()

    rows = rig.query("select asset_id, deleted_at is null from media_assets where public_id = 'logo'")
    assert sorted(rows) == sorted([(first, False), (second, True)])


def test_two_assets_that_swap_their_names_keep_their_rows(rig: Rig) -> None:
    left, right = rig.upload("left", colour=1), rig.upload("right", colour=2)
    rig.sync()
    with rig.client() as outsider:
        for old, new in (("left", "between"), ("right", "left"), ("between", "right")):
            outsider.rename(old, new, resource_type=ResourceType.IMAGE, delivery_type="upload")

    rig.sync()

    assert rig.live() == {"left": right, "right": left}


def test_a_restored_asset_is_live_again_under_the_same_key(rig: Rig) -> None:
    rig.control.change_settings(backup=True)
    asset = rig.upload("back")
    rig.upload_many(3)
    rig.sync()
    keys = rig.query("select id from media_assets where asset_id = %(id)s", id=asset)
    with rig.client() as outsider:
        outsider.delete_assets([asset])
    rig.sync()
    assert rig.deleted() == {"back"}

    rig.restore("back")
    rig.sync()

    assert rig.deleted() == set()
    assert rig.query("select id from media_assets where asset_id = %(id)s", id=asset) == keys
    assert rig.query("select kind from diff.change where asset_id = %(id)s order by change_set_id", id=asset) == [
        ("created",),
        ("deleted",),
        ("restored",),
    ]


def test_a_listed_remnant_of_a_deleted_asset_never_becomes_a_live_row(rig: Rig) -> None:
    rig.control.change_settings(backup=True)
    asset = rig.upload("gone before the first sync")
    rig.upload_many(3)
    with rig.client() as outsider:
        outsider.delete_assets([asset])

    synced = rig.sync()

    assert "gone before the first sync" not in rig.live()
    if synced.mirror.pages.placeholders:
        assert rig.query("select state from mirror.asset_sighting where asset_id = %(id)s", id=asset) == [
            ("tombstone",)
        ]


def test_what_people_edited_outlives_the_next_sync_until_it_is_pushed(rig: Rig) -> None:
    rig.upload("a")
    rig.sync()
    with rig.engine.begin() as connection:
        connection.exec_driver_sql("update media_assets set display_name = 'mine'")
    with rig.client() as outsider:
        outsider.change_tags(
            TagCommand.ADD, ["theirs"], public_ids=["a"], resource_type=ResourceType.IMAGE, delivery_type="upload"
        )

    rig.sync()

    assert rig.query("select display_name, tags from media_assets") == [("mine", ["theirs"])]
    assert rig.query("select kind, state from outbox.operation") == [("update_display_name", "pending")]


def test_people_cannot_edit_what_cloudinary_alone_knows(rig: Rig) -> None:
    rig.upload("a")
    rig.sync()

    refused = rig.try_edit("update media_assets set format = 'gif'")

    assert "format cannot be edited" in refused
    assert rig.query("select format from media_assets") == [("png",)]


@pytest.mark.parametrize(("page_size", "pages"), [(2, 6), (5, 3), (12, 1), (500, 1)])
def test_the_size_of_a_page_decides_how_many_calls_a_walk_costs(rig: Rig, page_size: int, pages: int) -> None:
    rig.upload_many(12)
    rig.control.clear_journal()

    rig.sync(listing_page_size=page_size)

    # A whole last page is known by its missing cursor.
    assert sum(call.path.endswith("/resources/image/upload") for call in rig.control.journal()) == pages
    assert len(rig.live()) == 12
