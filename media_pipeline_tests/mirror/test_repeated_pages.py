"""A page that shows the same as last time is not looked into, unless anything was heard of its assets since."""

from __future__ import annotations

import pytest

from media_pipeline import mirror
from media_pipeline.progress import Silent
from media_pipeline.remote import payloads
from media_pipeline.remote.calls import TagCommand
from media_pipeline.remote.payloads import Page, split_page
from media_pipeline.vocabulary import ResourceType
from media_pipeline_tests.mirror.conftest import Rig
from media_pipeline_tests.scenarios.both_sides import require_equal

_TAGS = "select tags from {} where public_id = 'p0000'"


@pytest.fixture
def looked_into(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Records of each page that is looked into, from now on."""
    seen: list[int] = []

    def split(body: bytes, *, call: str, request_id: str | None = None) -> Page:
        page = split_page(body, call=call, request_id=request_id)
        seen.append(len(page.items))
        return page

    monkeypatch.setattr(payloads, "split_page", split)
    return seen


def change_tag(rig: Rig, command: TagCommand, tag: str) -> None:
    with rig.client() as client:
        client.change_tags(
            command, [tag], public_ids=["p0000"], resource_type=ResourceType.IMAGE, delivery_type="upload"
        )


def read_by_id(rig: Rig) -> None:
    with rig.client() as client:
        mirror.refresh(rig.engine, client, rig.settings, run_id=None, progress=Silent())


def test_a_second_walk_proves_every_asset_without_a_look_into_its_pages(rig: Rig, looked_into: list[int]) -> None:
    rig.upload_many(12)
    rig.sync()
    (before,) = rig.query("select max(touch), max(seen_listing_run_id) from mirror.asset_sighting")
    looked_into.clear()

    second = rig.sync()

    assert sum(looked_into) == 0
    assert (second.mirror.pages.seen, second.mirror.pages.known, second.mirror.pages.written) == (12, 12, 0)
    (after,) = rig.query("select min(touch), min(seen_listing_run_id) from mirror.asset_sighting")
    assert after > before
    assert second.mirror.suspects.queued == 0
    require_equal(rig)


def test_only_the_page_of_an_asset_that_was_touched_since_is_looked_into(rig: Rig, looked_into: list[int]) -> None:
    first, *_ = rig.upload_many(12)
    rig.sync()
    rig.hint([first])
    looked_into.clear()

    rig.on_page = lambda: None
    synced = rig.sync()

    assert looked_into[0] == 5
    assert synced.mirror.pages.seen == synced.mirror.pages.known == 12
    require_equal(rig)


def test_a_page_that_was_true_before_a_newer_read_is_not_believed_unseen(rig: Rig) -> None:
    """Its bytes are the ones it was proved by, but the mirror is not as they say any more."""
    first, *_ = rig.upload_many(12)
    rig.sync()
    (proved,) = rig.query("select records_digest from landing.listing_page where page_number = 1 and asset_count = 5")
    change_tag(rig, TagCommand.ADD, "newer")
    rig.hint([first])
    read_by_id(rig)
    assert rig.query(_TAGS.format("mirror.remote_asset")) == [(["newer"],)]
    change_tag(rig, TagCommand.REMOVE, "newer")

    rig.sync()

    pages = "select records_digest from landing.listing_page where page_number = 1 and asset_count = 5"
    assert rig.query(pages) == [proved, proved]
    assert rig.query(_TAGS.format("mirror.remote_asset")) == [([],)]
    require_equal(rig)


@pytest.mark.parametrize(
    "edit",
    [
        "delete from mirror.remote_asset where public_id = 'p0000'",
        "update mirror.remote_asset set document_digest = '' where public_id = 'p0000'",
        "delete from mirror.asset_sighting where asset_id = (select min(asset_id) from mirror.asset_sighting)",
    ],
)
def test_what_somebody_changed_in_the_mirror_by_hand_is_mended(rig: Rig, edit: str) -> None:
    rig.upload_many(12)
    rig.sync()
    with rig.engine.begin() as connection:
        connection.exec_driver_sql(edit)

    rig.sync()

    assert rig.query(
        "select count(*) from mirror.remote_asset r join mirror.asset_sighting s on s.asset_id = r.asset_id"
        " where s.state = 'live' and r.document_digest <> ''"
    ) == [(12,)]
    require_equal(rig)


def test_pages_that_do_not_come_back_are_forgotten(rig: Rig) -> None:
    rig.upload_many(12)
    rig.sync()
    change_tag(rig, TagCommand.ADD, "newer")

    rig.sync()

    pages = "select sum(cardinality(asset_ids)), count(*) from mirror.proved_page where resource_type = 'image'"
    assert rig.query(pages) == [(12, 3)]
