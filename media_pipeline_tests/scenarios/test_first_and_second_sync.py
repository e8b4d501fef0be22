"""The first sync, whatever is there already, and the second one, with nothing to do."""

from __future__ import annotations

from typing import Any

from media_pipeline.ops import holds
from media_pipeline.remote.calls import TagCommand
from media_pipeline.vocabulary import ResourceType
from media_pipeline_tests.mirror.conftest import Rig
from media_pipeline_tests.scenarios.both_sides import differences, require_equal

MIRROR = "mirror.remote_asset, mirror.asset_sighting, mirror.verify_queue, landing.listing_run, landing.listing_page"
ROWS = "select asset_id, id, row_version, updated_at from media_assets order by asset_id"


def lose_the_mirror(rig: Rig) -> None:
    """Everything that was observed is gone, e.g. because only the public tables came out of a backup."""
    with rig.engine.begin() as connection:
        connection.exec_driver_sql(f"truncate {MIRROR}, diff.change, diff.change_set, mirror.quarantine cascade")


def test_a_first_sync_fills_empty_tables_and_its_repetition_writes_and_asks_little(rig: Rig) -> None:
    rig.control.bulk(600)
    every_slice = rig.settings.model_copy(update={"delivery_types": ("upload", "private", "authenticated")}).slices
    settings = {"delivery_types": ("upload", "private", "authenticated"), "listing_page_size": 500}
    first = rig.sync(**settings)
    before = rig.query(ROWS)
    entries = rig.query("select count(*) from media_sync_log")
    rig.control.clear_journal()

    second = rig.sync(**settings)

    assert (first.apply.created, second.diff.total) == (600, 0)
    assert rig.query(ROWS) == before
    assert rig.query("select count(*) from media_sync_log") == entries
    # A page a slice, and the question who the cloud is: no asset is read by its id.
    assert len(rig.control.journal()) == len(every_slice) + 1
    require_equal(rig, every_slice)


def test_a_first_sync_of_an_empty_cloud_is_no_alarm(rig: Rig) -> None:
    synced = rig.sync()

    assert (synced.diff.total, holds.list_holds(rig.engine)) == (0, [])
    require_equal(rig)


def test_a_first_sync_over_rows_that_are_equal_adopts_them_without_a_write(rig: Rig) -> None:
    rig.upload_many(8)
    rig.sync()
    before = rig.query(ROWS)
    lose_the_mirror(rig)

    synced = rig.sync()

    assert (synced.diff.total, synced.mirror.pages.normalized) == (0, 8)
    assert rig.query(ROWS) == before
    require_equal(rig)


def test_a_first_sync_over_rows_that_differ_takes_the_cloud_over_and_deletes_nothing(rig: Rig) -> None:
    gone, *_ = rig.upload_many(8)
    rig.sync()
    lose_the_mirror(rig)
    with rig.client() as outsider:
        outsider.delete_assets([gone])
        outsider.change_tags(
            TagCommand.ADD, ["new"], public_ids=["p0001"], resource_type=ResourceType.IMAGE, delivery_type="upload"
        )
    rig.upload("also new", colour=99)

    synced = rig.sync()

    assert (synced.apply.created, synced.apply.updated, synced.apply.deleted) == (1, 1, 0)
    # Nobody observed that it was there, so nothing could prove that it went: the report on unseen rows names it.
    assert [(one.name, one.problem) for one in differences(rig)] == [("p0000", "extra")]


def test_a_first_sync_of_an_empty_cloud_over_rows_deletes_none_of_them(rig: Rig) -> None:
    ids = rig.upload_many(8)
    rig.sync()
    lose_the_mirror(rig)
    with rig.client() as outsider:
        outsider.delete_assets(ids)

    for _ in range(2):
        rig.sync()

        assert (len(rig.live()), rig.deleted()) == (8, set())
    assert {one.problem for one in differences(rig)} == {"extra"}


def test_a_field_that_was_changed_and_changed_back_is_no_change(rig: Rig) -> None:
    """Also where a read by id saw it in between: what counts is the last state."""
    asset, *_ = rig.upload_many(4)
    rig.sync()
    before = rig.query(ROWS)
    picture: dict[str, Any] = {"public_ids": ["p0000"], "resource_type": ResourceType.IMAGE, "delivery_type": "upload"}
    with rig.client() as outsider:
        outsider.change_tags(TagCommand.ADD, ["briefly"], **picture)
    rig.hint([asset])

    def change_back() -> None:
        with rig.client() as outsider:
            outsider.change_tags(TagCommand.REMOVE, ["briefly"], **picture)

    rig.on_page = change_back
    synced = rig.sync()

    assert synced.diff.total == 0
    assert rig.query(ROWS) == before
    require_equal(rig)


def test_a_change_that_a_page_and_a_read_by_id_both_show_is_one_change(rig: Rig) -> None:
    asset, *_ = rig.upload_many(4)
    rig.sync()
    rig.upload("p0000", colour=500)
    rig.on_page = lambda: rig.hint([asset])

    synced = rig.sync()
    rig.on_page = None
    again = rig.sync()

    assert (synced.apply.updated, again.diff.total) == (1, 0)
    assert rig.query("select row_version from media_assets where asset_id = %(id)s", id=asset) == [(2,)]
    require_equal(rig)
