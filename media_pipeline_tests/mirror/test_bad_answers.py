"""Odd answers of Cloudinary, or of something pretending to be it.

Each case: a clear error or an automatic recovery, no false deletion, nothing lost, and the next sync converges.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.errors import (
    ListingIncomplete,
    RemoteMalformed,
    RemoteRejectedKey,
    RemoteUnavailable,
    WrongCloud,
)
from media_pipeline.listing import find_unlisted
from media_pipeline.ops import binding
from media_pipeline.vocabulary import CloudIdentity
from media_pipeline_tests.mirror.conftest import Rig, Synced

LIST = "/resources/image/upload"


def state_of_slices(rig: Rig) -> list[tuple[str, str | None]]:
    return [
        (state, reason)
        for state, reason in rig.query(
            "select state, broken_reason from landing.listing_run where resource_type = 'image' order by id"
        )
    ]


def converges(rig: Rig, expected: int) -> Synced:
    rig.control.clear_faults()
    synced = rig.sync()
    assert len(rig.live()) == expected
    assert rig.deleted() == set()
    assert not synced.listing.problems
    assert rig.query("select count(*) from ops.hold where state = 'open'") == [(0,)]
    return synced


def test_a_wrong_secret_stops_before_the_first_write(rig: Rig) -> None:
    rig.upload("a")
    wrong = rig.endpoints.cloudinary_url.replace("@", "-wrong@")
    rig.settings = rig.settings.model_copy(update={"cloudinary_url": SecretStr(wrong)})

    with pytest.raises(RemoteRejectedKey) as refused:
        rig.sync()

    assert "doctor" in refused.value.hint
    assert rig.query("select count(*) from ops.cloud_binding") == [(0,)]
    assert rig.query("select count(*) from landing.listing_run") == [(0,)]


def test_another_cloud_is_refused_before_the_first_write(rig: Rig) -> None:
    binding.bind(rig.engine, CloudIdentity("somebody-elses", False, "dynamic"), actor="cli:test", run_id=None)

    with pytest.raises(WrongCloud, match="somebody-elses"):
        rig.sync()

    assert rig.query("select count(*) from landing.listing_run") == [(0,)]


def test_a_key_revoked_in_mid_run_stops_and_the_walk_goes_on_when_it_is_repaired(rig: Rig) -> None:
    rig.upload_many(12)
    rig.break_lists(Kind.REVOKED_KEY, first=2)

    with pytest.raises(RemoteRejectedKey):
        rig.sync()
    assert state_of_slices(rig) == [("open", None)]

    converges(rig, 12)
    assert state_of_slices(rig) == [("closed", None)]
    assert rig.query("select page_number from landing.listing_page where asset_count > 0 order by 1") == [
        (1,),
        (2,),
        (3,),
    ]


def test_a_truncated_listing_deletes_nothing(rig: Rig) -> None:
    rig.upload_many(12)
    rig.sync()
    rig.break_lists(Kind.TRUNCATED_PAGE, first=2, keep=3)

    synced = rig.sync(deletion_limit_count=100)

    assert synced.mirror.suspects.queued == 4
    assert synced.mirror.verified.present == 4
    assert synced.diff.total == 0
    converges(rig, 12)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Kind.ERROR_WITH_200, {}),
        (Kind.HTML, {"status": 200}),
        (Kind.TRUNCATED_JSON, {}),
        (Kind.REPEATED_CURSOR, {}),
        (Kind.STATUS, {"status": 200, "body": '{"resources": {}}'}),
        (Kind.STATUS, {"status": 200, "body": '{"resources": [], "next_cursor": ""}'}),
        (Kind.STATUS, {"status": 200, "body": "[]"}),
        (Kind.STATUS, {"status": 200, "body": ""}),
        (Kind.STATUS, {"status": 503}),
        (Kind.STATUS, {"status": 500}),
        (Kind.RESET_BEFORE_EFFECT, {}),
        (Kind.RESET_AFTER_EFFECT, {}),
        (Kind.DELAY, {"seconds": 1.5}),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_page_that_stays_bad_breaks_its_slice_and_proves_nothing(
    rig: Rig, kind: Kind, options: dict[str, Any]
) -> None:
    rig.upload_many(12)
    rig.upload("kept.txt", resource_type="raw", content=b"text")
    rig.sync()
    rig.break_lists(kind, first=2, **options)

    synced = rig.sync(read_timeout_seconds=0.5)

    (problem,) = synced.listing.problems
    assert str(problem.slice) == "image/upload"
    assert synced.diff.total == 0
    assert synced.mirror.suspects.queued == synced.mirror.suspects.held == 0
    converges(rig, 13)


@pytest.mark.parametrize("kind", [Kind.STATUS, Kind.HTML, Kind.TRUNCATED_JSON, Kind.RESET_AFTER_EFFECT])
def test_a_page_that_is_bad_once_is_read_again(rig: Rig, kind: Kind) -> None:
    rig.upload_many(12)
    rig.break_lists(kind, first=2, times=1)

    synced = rig.sync()

    assert not synced.listing.problems
    converges(rig, 12)


def test_a_cursor_that_expired_once_starts_the_slice_again(rig: Rig) -> None:
    rig.upload_many(12)
    rig.break_lists(Kind.EXPIRED_CURSOR, times=1)

    synced = rig.sync()

    assert not synced.listing.problems
    assert [state for state, _ in state_of_slices(rig)] == ["broken", "closed"]
    converges(rig, 12)


def test_a_cursor_that_always_expires_breaks_the_slice_after_three_new_beginnings(rig: Rig) -> None:
    rig.upload_many(12)
    rig.break_lists(Kind.EXPIRED_CURSOR)

    synced = rig.sync()

    (problem,) = synced.listing.problems
    assert "again and again" in str(problem.problem)
    assert [state for state, _ in state_of_slices(rig)] == ["broken"] * 4
    converges(rig, 12)


def test_when_no_slice_lands_a_page_the_sync_fails_with_the_reason(rig: Rig) -> None:
    rig.upload_many(2)
    rig.control.add_faults(Rule(Kind.HTML, method="GET", path="/resources/*", status=502))

    with pytest.raises((RemoteMalformed, RemoteUnavailable, ListingIncomplete)):
        rig.sync()

    converges(rig, 2)


@pytest.mark.parametrize("has_headers", [True, False])
def test_a_spent_allowance_is_waited_for_and_is_no_failure(rig: Rig, has_headers: bool) -> None:
    rig.upload_many(12)
    rig.control.add_faults(Rule(Kind.QUOTA, method="GET", path=LIST, first=2, times=1, rate_headers=has_headers))

    synced = rig.sync()

    # Other slices may meet the spent allowance as well and wait for it, too.
    assert rig.naps
    assert all(0 < waited <= 3601 for waited in rig.naps)
    assert not synced.listing.problems
    converges(rig, 12)


ENORMOUS = "a number that is valid JSON and that Postgres cannot hold"


def edit_first_page(change: Callable[[list[dict[str, Any]]], None]) -> Callable[[Rig], None]:
    def install(rig: Rig) -> None:
        with rig.client() as client:
            page = json.loads(client.list_page(rig.settings.slices[0], cursor=None, page_size=500).body)
        change(page["resources"])
        body = json.dumps(page).replace(json.dumps(ENORMOUS), "1e200000")
        rig.break_lists(Kind.STATUS, status=200, body=body, headers={"Content-Type": "application/json"})

    return install


def without_id(items: list[dict[str, Any]]) -> None:
    del items[1]["asset_id"]


def with_value(name: str, value: object) -> Callable[[list[dict[str, Any]]], None]:
    def change(items: list[dict[str, Any]]) -> None:
        items[1][name] = value

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (without_id, "bad_asset_id"),
        (with_value("asset_id", "ABCDEF0123456789ABCDEF0123456789"), "bad_asset_id"),
        (with_value("asset_id", "'; drop table media_assets; --"), "bad_asset_id"),
        (with_value("bytes", "12"), "wrong_type"),
        (with_value("bytes", -1), "wrong_type"),
        (with_value("bytes", 2**63), "wrong_type"),
        (with_value("width", 1e300), "wrong_type"),
        (with_value("created_at", "10000-01-01T00:00:00Z"), "wrong_type"),
        (with_value("public_id", "a\x00b"), "nul_character"),
        (with_value("display_name", "half \ud83d"), "not_json"),
        (with_value("public_id", "x" * 5000), "too_long"),
        (with_value("tags", "not,a,list"), "wrong_type"),
        (with_value("tags", ["x" * 300]), "bad_tag"),
        (with_value("context", ["a"]), "wrong_type"),
        (with_value("context", {"custom": {"a": 5}}), "wrong_type"),
        (with_value("unknown", ENORMOUS), "refused_by_postgres"),
        (with_value("metadata", {"number": ENORMOUS}), "wrong_type"),
        (with_value("resource_type", "3d"), "wrong_slice"),
        (with_value("type", "private"), "wrong_slice"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_bad_record_is_set_aside_alone_and_no_absence_is_concluded(
    rig: Rig, change: Callable[[list[dict[str, Any]]], None], reason: str
) -> None:
    ids = rig.upload_many(6)
    rig.sync()

    def change_one_and_drop_another(items: list[dict[str, Any]]) -> None:
        change(items)
        items.pop()

    edit_first_page(change_one_and_drop_another)(rig)
    synced = rig.sync()

    assert synced.mirror.pages.quarantined == 1
    assert rig.query("select reason, resolved_at is null from mirror.quarantine") == [(reason, True)]
    assert rig.query("select octet_length(body) > 50 from mirror.quarantine") == [(True,)]
    assert synced.mirror.suspects.queued == synced.mirror.suspects.held == 0
    assert set(rig.live().values()) == set(ids)
    converges(rig, 6)


def test_a_quarantined_record_is_resolved_when_a_good_one_of_its_asset_arrives(rig: Rig) -> None:
    rig.upload_many(3)
    edit_first_page(with_value("bytes", "12"))(rig)
    rig.sync()
    assert len(rig.live()) == 2

    converges(rig, 3)

    assert rig.query("select resolved_at is not null from mirror.quarantine") == [(True,)]


def test_unknown_members_of_a_record_are_kept(rig: Rig) -> None:
    rig.upload_many(2)
    edit_first_page(with_value("brand_new", {"deep": [1, None, "ü"]}))(rig)

    rig.sync()

    assert rig.query("select document -> 'brand_new' from mirror.remote_asset where document ? 'brand_new'") == [
        ({"deep": [1, None, "ü"]},)
    ]


def test_an_asset_that_is_listed_twice_is_one_row(rig: Rig) -> None:
    rig.upload_many(3)
    edit_first_page(lambda items: items.append(dict(items[0])))(rig)

    synced = rig.sync()

    assert synced.mirror.pages.repeated == 1
    converges(rig, 3)


def test_two_assets_of_one_name_are_two_rows(rig: Rig) -> None:
    rig.upload_many(3)
    edit_first_page(lambda items: items[1].update(public_id=items[0]["public_id"]))(rig)

    rig.sync()

    assert rig.query("select count(*), count(distinct public_id) from media_assets") == [(3, 2)]


def test_empty_pages_with_ever_new_cursors_end(rig: Rig) -> None:
    rig.upload_many(3)
    for number in range(1, 8):
        rig.control.add_faults(
            Rule(
                Kind.STATUS,
                method="GET",
                path=LIST,
                times=1,
                status=200,
                body=json.dumps({"resources": [], "next_cursor": f"{number:032x}"}),
            )
        )

    synced = rig.sync()

    (problem,) = synced.listing.problems
    assert "empty pages" in str(problem.problem)
    converges(rig, 3)


def test_delivery_types_that_nobody_lists_are_told(rig: Rig) -> None:
    rig.upload("listed")
    rig.upload("not listed", delivery_type="private")

    with rig.client() as client:
        found = find_unlisted(client, rig.settings)
        everything = rig.settings.model_copy(update={"delivery_types": ("upload", "private")})
        nothing = find_unlisted(client, everything)

    assert found == ("image/private",)
    assert nothing == ()
