"""What comes of messages: landed once, and their assets read again."""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Callable
from multiprocessing import get_context
from typing import Any

import pytest

from media_pipeline.errors import DatabaseError
from media_pipeline.intake import drain as drain_module
from media_pipeline.intake.spool import Spool
from media_pipeline.reads.explain import explain
from media_pipeline.remote.calls import TagCommand
from media_pipeline.vocabulary import NotificationOutcome, ResourceType
from media_pipeline_tests.arriving.conftest import HearingRig
from media_pipeline_tests.scenarios.both_sides import require_equal

IMAGE: dict[str, Any] = {"resource_type": ResourceType.IMAGE, "delivery_type": "upload"}

# Every type of which a change of an asset or a folder makes the cloud speak.
CAUSED = {
    "upload", "delete", "rename", "move", "resource_tags_changed", "resource_context_changed",
    "resource_metadata_changed", "resource_display_name_changed", "access_control_changed", "create_folder",
    "move_or_rename_asset_folder", "moderation", "related_assets", "delete_folder",
}  # fmt: skip


def work_in_the_cloud(rig: HearingRig) -> None:
    """Something of every kind."""
    ids = dict(zip("abcdefghij", rig.upload_many(10, "p"), strict=True))
    rig.call("POST", "/metadata_fields", json={"external_id": "sku", "label": "SKU", "type": "integer"})
    rig.sync()
    rig.messages()
    with rig.client() as client:
        client.delete_assets([ids["a"]])
        client.rename("p0001", "renamed", **IMAGE)
        client.update(ids["c"], asset_folder="here/there")
        client.change_tags(TagCommand.ADD, ["new"], public_ids=["p0003"], **IMAGE)
        client.add_context({"k": "v"}, public_ids=["p0004"], **IMAGE)
        client.set_metadata({"sku": 7}, public_ids=["p0005"], **IMAGE)
        client.update(ids["g"], display_name="A title")
        client.update(ids["h"], access_control=[{"access_type": "token"}])
    rig.upload("fresh", colour=99)
    rig.upload("p0008", colour=100)
    rig.upload("moderated", colour=101, moderation="manual")
    rig.call("POST", "/resources/image/upload/moderated", data={"moderation_status": "approved"})
    rig.call("POST", "/folders/empty")
    rig.call("DELETE", "/folders/empty")
    rig.call("PUT", "/folders/here", data={"to_folder": "elsewhere"})
    related = {"assets_to_relate": ["image/upload/p0004"]}
    rig.call("POST", "/resources/related_assets/image/upload/p0003", json=related)


@pytest.mark.parametrize("manner", ["once", "twice", "out of order"])
def test_every_type_of_message_brings_its_change(rig: HearingRig, manner: str) -> None:
    rig.listen()
    work_in_the_cloud(rig)
    bodies = rig.messages()
    assert {json.loads(body)["notification_type"] for body in bodies} == CAUSED
    told = bodies * 2 if manner == "twice" else bodies
    if manner == "out of order":
        random.Random(3).shuffle(told)

    rig.receive(told)
    result = rig.drain()
    rig.read()

    assert result.notifications == len(told)
    assert len(rig.landed()) == len(bodies)
    assert rig.query("select distinct delivery_count from landing.notification") == [(len(told) // len(bodies),)]
    assert result.outcomes.keys() == {NotificationOutcome.HINTED, NotificationOutcome.FOLDERS}
    require_equal(rig)
    assert rig.spool.depth().file_count == 0


def test_messages_that_are_lost_leave_their_changes_to_the_next_full_sync(rig: HearingRig) -> None:
    rig.listen()
    work_in_the_cloud(rig)
    rig.messages()

    assert rig.drain().notifications == 0
    rig.sync()

    require_equal(rig)


def test_a_stale_message_of_a_deletion_deletes_nothing(rig: HearingRig) -> None:
    (asset_id,) = rig.upload_many(1)
    rig.sync()

    rig.receive([json.dumps({"notification_type": "delete", "resources": [{"asset_id": asset_id}]}).encode()])
    rig.drain()
    rig.read()

    assert rig.live() == {"p0000": asset_id}


def test_a_flood_of_one_message_costs_one_read(rig: HearingRig, hints: Callable[[], dict[str, str]]) -> None:
    rig.listen()
    rig.upload_many(2)
    rig.sync()
    rig.messages()
    with rig.client() as client:
        client.change_tags(TagCommand.ADD, ["new"], public_ids=["p0000"], **IMAGE)
    (body,) = rig.messages()

    rig.receive([body] * 1000)
    result = rig.drain()
    rig.control.clear_journal()
    mirrored = rig.read()

    assert (result.files, result.notifications, result.hinted_assets) == (1000, 1000, 2)
    assert rig.query("select delivery_count from landing.notification") == [(1000,)]
    assert mirrored.verified.read == 1
    assert [entry.path.rpartition("/")[2] for entry in rig.control.journal()] == ["by_asset_ids"]
    require_equal(rig)


def test_many_assets_in_one_message_are_all_asked_for(rig: HearingRig, hints: Callable[[], dict[str, str]]) -> None:
    ids = [f"{number:032x}" for number in range(10_000)]
    told = {"notification_type": "delete", "resources": [{"asset_id": one} for one in ids]}

    rig.receive([json.dumps(told).encode()])

    assert rig.drain().hinted_assets == 10_000
    assert set(hints()) == set(ids)


def test_a_name_without_an_id_asks_for_every_asset_that_it_may_mean(
    rig: HearingRig, hints: Callable[[], dict[str, str]]
) -> None:
    image = rig.upload("same", colour=1)
    raw = rig.upload("same", content=b"text", resource_type=ResourceType.RAW)
    rig.upload("other", colour=2)
    rig.sync()

    rig.receive([b'{"notification_type": "moderation", "public_id": "same"}'])
    rig.drain()
    assert hints() == {image: "notification", raw: "notification"}

    rig.read()
    key = {"public_id": "same", "resource_type": "raw", "type": "upload"}
    rig.receive([json.dumps({"notification_type": "delete", "resources": [key]}).encode()])
    rig.drain()
    assert hints() == {raw: "notification"}


@pytest.mark.parametrize(
    ("body", "outcome", "is_asked"),
    [
        (b'{"notification_type": "upload", "asset_id": "%s"}', "hinted", True),
        (b'{"notification_type": "upload", "public_id": "nobody knows"}', "no_asset", False),
        (b'{"notification_type": "upload", "asset_id": "%s", "type": "fetch"}', "not_mirrored", False),
        (b'{"notification_type": "create_folder", "folder_path": "a"}', "folders", False),
        (b'{"notification_type": "brand_new", "x": [1], "asset_id": "%s"}', "unknown_type", True),
        (b'{"notification_type": "upload", "asset_id": "%s",'
         b' "url": "http://res.cloudinary.com/another/image/upload/v1/a.jpg"}', "foreign_cloud", False),
        (b'{"notification_type": "upload", "asset_id": "%s"', "quarantined", False),
    ],
)  # fmt: skip
def test_what_a_message_leads_to_is_kept_with_it(
    rig: HearingRig, hints: Callable[[], dict[str, str]], body: bytes, outcome: str, is_asked: bool
) -> None:
    asset_id = "c" * 32
    body = body.replace(b"%s", asset_id.encode())

    rig.receive([body])
    result = rig.drain()

    assert result.outcomes == {NotificationOutcome(outcome): 1}
    assert rig.query("select outcome, body from landing.notification") == [(outcome, body)]
    assert set(hints()) == ({asset_id} if is_asked else set())


def test_a_poison_message_keeps_its_reason_and_delays_nothing(rig: HearingRig) -> None:
    asset_id = "d" * 32

    rig.receive([b'{"a": NaN}', json.dumps({"notification_type": "upload", "asset_id": asset_id}).encode()])
    rig.drain()

    rows = rig.query("select outcome, reason, asset_ids from landing.notification order by outcome")
    assert rows == [("hinted", None, [asset_id]), ("quarantined", "non_finite: NaN is no number.", [])]


def test_a_torn_file_is_set_aside_and_the_others_go_on(rig: HearingRig) -> None:
    rig.receive([b'{"notification_type": "upload", "asset_id": "%s"}' % (b"e" * 32)])
    rig.receive([b'{"notification_type": "upload", "asset_id": "%s"}' % (b"f" * 32)])
    torn, _ = sorted((rig.spool.directory / "new").iterdir())
    torn.write_bytes(torn.read_bytes()[:-5])

    result = rig.drain()

    assert (result.files, result.torn, result.notifications) == (1, 1, 1)
    assert [one.name for one in rig.spool.list_quarantined()] == [torn.name]


def test_metadata_that_nobody_defined_is_noted(rig: HearingRig) -> None:
    told = {"a": {"asset_id": "a" * 32, "new_metadata": {"sku": 1}, "resource_type": "image", "type": "upload"}}

    rig.receive([json.dumps({"notification_type": "resource_metadata_changed", "resources": told}).encode()])
    rig.drain()

    assert rig.query("select is_undefined from landing.notification") == [(True,)]


def test_files_wait_while_postgres_is_away(rig: HearingRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.receive([b'{"notification_type": "upload", "asset_id": "%s"}' % (b"a" * 32)])

    def away(*_: object, **__: object) -> None:
        raise DatabaseError("The database is not there.")

    with monkeypatch.context() as broken:
        broken.setattr(drain_module, "retrying", away)
        with pytest.raises(DatabaseError):
            rig.drain()

    assert rig.spool.depth().file_count == 1
    assert rig.drain().notifications == 1


def _killed_before_its_files_are_removed(rig: HearingRig) -> None:
    os.setsid()
    Spool.done = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]
    rig.drain()


def test_a_drain_that_was_killed_after_its_commit_loses_and_doubles_nothing(rig: HearingRig) -> None:
    rig.receive([b'{"notification_type": "upload", "asset_id": "%s"}' % (b"a" * 32)])
    rig.engine.dispose()
    child = get_context("fork").Process(target=_killed_before_its_files_are_removed, args=(rig,))
    child.start()
    child.join(timeout=30)
    assert child.exitcode == -signal.SIGKILL
    assert rig.query("select delivery_count from landing.notification") == [(1,)]

    result = rig.drain()

    assert (result.notifications, rig.spool.depth().file_count) == (1, 0)
    assert rig.query("select delivery_count, asset_ids from landing.notification") == [(2, ["a" * 32])]


def test_the_life_of_an_asset_tells_what_was_heard_of_it(rig: HearingRig) -> None:
    rig.listen()
    rig.upload_many(2)
    rig.sync()
    rig.messages()
    with rig.client() as client:
        client.change_tags(TagCommand.ADD, ["new"], public_ids=["p0001"], **IMAGE)
    rig.receive(rig.messages())
    rig.drain()
    rig.read()

    events = explain(rig.engine, "p0001").events

    told = [event.what for event in events]
    assert [what for what in told if what in {"created", "notified", "updated"}] == ["created", "notified", "updated"]
    (heard,) = [event for event in events if event.what == "notified"]
    assert heard.detail["type"] == "resource_tags_changed"
    assert heard.request_id is not None
    assert "notified" not in [event.what for event in explain(rig.engine, "p0000").events]
