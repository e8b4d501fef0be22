"""One record, row, hint or folder that nobody can take must not keep the others out, today or at the next sync."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping

import pytest

from media_pipeline.db import statements
from media_pipeline.db.engine import transaction
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.mirror import refresh_folders
from media_pipeline.mirror.definitions import FoldersResult
from media_pipeline.progress import Silent
from media_pipeline.remote import payloads
from media_pipeline.vocabulary import AssetId, VerifyReason
from media_pipeline_tests.mirror.conftest import Rig

JSON = {"Content-Type": "application/json"}


def listed(rig: Rig) -> dict[str, bytes]:
    """public_id to the record that a listing of the cloud shows."""
    with rig.client() as client:
        page = client.list_page(rig.settings.slices[0], cursor=None, page_size=500)
    return {json.loads(item.raw)["public_id"]: item.raw for item in payloads.split_page(page.body, call="list").items}


def in_cloud(rig: Rig) -> set[str]:
    return set(listed(rig))


def poison(rig: Rig, members: Mapping[str, str]) -> None:
    """From now on the listing shows these assets with more members, given as JSON text; the last of a name counts."""
    records = [
        f"{raw.decode()[:-1]}, {members[name]}}}" if name in members else raw.decode()
        for name, raw in listed(rig).items()
    ]
    answer = '{"resources": [' + ", ".join(records) + "]}"
    rig.break_lists(Kind.STATUS, status=200, body=answer, headers=JSON)


def words(seed: str, characters: int) -> str:
    """Different words of seven characters, as many as fit."""
    made = (hashlib.sha256(f"{seed}/{number}".encode()).hexdigest()[:7] for number in itertools.count())
    return " ".join(itertools.islice(made, characters // 8))


def quarantined(rig: Rig, *, is_resolved: bool) -> dict[str, str]:
    """public_id to reason."""
    names = {json.loads(raw)["asset_id"]: name for name, raw in listed(rig).items()}
    found = rig.query("select asset_id, reason, resolved_at is not null from mirror.quarantine")
    return {names[asset_id]: reason for asset_id, reason, resolved in found if resolved == is_resolved}


# As JSON text, since Python itself could not hold some of it.
UNHOLDABLE: dict[str, tuple[str, str]] = {
    "a fraction below every numeric": ('"focus": 1e-20000', "refused_by_postgres"),
    "an integer of 200,000 digits": (f'"x": {"9" * 200_000}', "refused_by_postgres"),
    "an integer beyond 64 bits": ('"metadata": {"n": 18446744073709551616}', "out_of_range"),
    "a negative integer beyond 64 bits": ('"metadata": {"n": -9223372036854775809}', "out_of_range"),
    "before the first year": ('"created_at": "0001-01-01T00:00:00+14:00"', "out_of_range"),
    "after the last year": ('"created_at": "9999-12-31T23:59:59-14:00"', "out_of_range"),
    "a NUL in a tag": ('"tags": ["a\\u0000b"]', "nul_character"),
    "a NUL beside an enormous number": ('"x": 1e400, "y": "a\\u0000b"', "out_of_range"),
    "an empty tag": ('"tags": [""]', "bad_tag"),
}
HOLDABLE: dict[str, str] = {
    "a number beyond every float": '"focus": 1e400',
    "an integer of 5,000 digits": f'"x": {"9" * 5000}',
    "900 levels": f'"x": {"[" * 900}{"]" * 900}',
    "a name of a megabyte": f'"display_name": "{words("name", 1_000_000)}"',
    "context of 1000 times 1024 characters": '"context": '
    + json.dumps({"custom": {f"k{number}": words(f"context {number}", 1024) for number in range(1000)}}),
    "metadata of 1000 times 1024 characters": '"metadata": '
    + json.dumps({f"k{number}": words(f"metadata {number}", 1024) for number in range(1000)}),
    "one word of 90,000 letters": f'"context": {{"custom": {{"a": "{"x" * 90_000}"}}}}',
    "2,000 long tags": '"tags": ' + json.dumps([words(f"tag {number}", 250) for number in range(2000)]),
}


def test_records_that_cannot_be_held_are_set_aside_alone_again_and_again(rig: Rig) -> None:
    for number, name in enumerate([*UNHOLDABLE, *HOLDABLE]):
        rig.upload(name, colour=number)
    members = {name: member for name, (member, _) in UNHOLDABLE.items()} | HOLDABLE
    poison(rig, members)

    for _ in range(2):
        synced = rig.sync()

        assert not synced.listing.problems
        assert synced.mirror.pages.quarantined == len(UNHOLDABLE)
        assert synced.apply.refused == 0
        assert set(rig.live()) == set(HOLDABLE)
    rig.control.clear_faults()
    assert quarantined(rig, is_resolved=False) == {name: reason for name, (_, reason) in UNHOLDABLE.items()}
    assert rig.query("select distinct seen_count from mirror.quarantine") == [(2,)]

    rig.sync()

    assert set(rig.live()) == in_cloud(rig) == set(members)
    assert quarantined(rig, is_resolved=True) == {name: reason for name, (_, reason) in UNHOLDABLE.items()}


@pytest.mark.parametrize("member", ["context", "metadata"])
def test_more_text_than_a_search_vector_holds_is_kept_whole_and_its_beginning_is_found(rig: Rig, member: str) -> None:
    rig.upload("plain", colour=1)
    rig.upload("big/one", colour=2)
    poison(rig, {"big/one": HOLDABLE[f"{member} of 1000 times 1024 characters"]})

    synced = rig.sync()

    assert (synced.apply.created, synced.apply.refused) == (2, 0)
    assert rig.query(
        f"select octet_length(m.{member}::text) > 1000000, m.{member} = r.{member}"
        " from media_assets m join mirror.remote_asset r using (asset_id) where m.public_id = 'big/one'"
    ) == [(True, True)]
    found = "select public_id from media_assets where search @@ plainto_tsquery('simple', %(typed)s)"
    assert rig.query(found, typed="big one") == [("big/one",)]
    assert rig.query(found, typed=words(f"{member} 0", 1024).split()[0]) == [("big/one",)]


def test_a_row_that_postgres_refuses_keeps_no_other_change_out(rig: Rig) -> None:
    ids = rig.upload_many(7)
    rig.sync()
    with rig.engine.begin() as connection:
        # As an owner may add a rule of his own.
        connection.exec_driver_sql("alter table media_assets add constraint own_rule check (display_name <> 'bad')")
    with rig.client() as outsider:
        outsider.update(ids[2], display_name="bad")
        outsider.update(ids[3], display_name="good")
        outsider.delete_assets(ids[6:])
    rig.upload("new", colour=99, display_name="bad")
    rig.upload("newer", colour=100)

    synced = rig.sync(apply_batch_size=5)

    applied = synced.apply
    assert (applied.refused, applied.created, applied.updated, applied.deleted) == (2, 1, 1, 1)
    refusals = rig.query("select kind, refusal from diff.change where state = 'refused' order by kind")
    assert [kind for kind, _ in refusals] == ["created", "updated"]
    assert all("own_rule" in refusal for _, refusal in refusals)
    assert set(rig.live()) == in_cloud(rig) - {"new"}
    rows = {name: rest for name, *rest in rig.query("select public_id, display_name, row_version from media_assets")}
    assert (rows["p0002"], rows["p0003"]) == (["p0002", 1], ["good", 2])

    with rig.engine.begin() as connection:
        connection.exec_driver_sql("alter table media_assets drop constraint own_rule")
    synced = rig.sync()
    assert (synced.apply.refused, synced.apply.created, synced.apply.updated) == (0, 1, 1)
    assert set(rig.live()) == in_cloud(rig)


def test_a_bad_record_is_history_when_its_asset_returns_with_bytes_that_are_known(rig: Rig) -> None:
    rig.upload_many(3)
    rig.sync()
    poison(rig, {"p0001": '"bytes": "12"'})
    rig.sync()
    rig.control.clear_faults()
    assert quarantined(rig, is_resolved=False) == {"p0001": "wrong_type"}

    synced = rig.sync()

    assert (synced.mirror.pages.known, synced.mirror.pages.normalized) == (3, 0)
    assert quarantined(rig, is_resolved=True) == {"p0001": "wrong_type"}
    assert set(rig.live()) == in_cloud(rig)


def test_hints_that_are_no_ids_are_left_out_and_the_others_are_read(rig: Rig) -> None:
    (asset, *_) = rig.upload_many(3)
    rig.sync()
    rig.upload("p0000", colour=50)
    with transaction(rig.engine) as connection:
        statements.run(
            connection,
            "mirror/080_hint",
            asset_ids=["not-an-id", "", asset.upper(), f"{asset} ", asset],
            reason=VerifyReason.NOTIFICATION.value,
        )

    assert rig.query("select asset_id from mirror.verify_queue") == [(asset,)]
    # Nor can anybody else put one there.
    assert "verify_queue_asset_id_is_hex" in rig.try_edit(
        "insert into mirror.verify_queue (asset_id, reason, hint_touch) values ('not-an-id', 'manual', 1)"
    )
    synced = rig.sync()
    assert (synced.mirror.verified.present, synced.mirror.still_queued, synced.mirror.paused_reason) == (1, 0, None)
    assert synced.apply.updated == 1
    versions = rig.query("select r.version, m.version from mirror.remote_asset r join media_assets m using (asset_id)")
    assert all(mirrored == applied for mirrored, applied in versions)
    assert rig.live()["p0000"] == AssetId(asset)


def test_a_page_nested_deeper_than_anybody_reads_stops_neither_the_other_slices_nor_the_next_sync(rig: Rig) -> None:
    rig.upload_many(2)
    rig.upload("kept.txt", resource_type="raw", content=b"text")
    poison(rig, {"p0000": f'"x": {"[" * 5000}{"]" * 5000}'})

    synced = rig.sync()

    (problem,) = synced.listing.problems
    assert str(problem.slice) == "image/upload"
    assert set(rig.live()) == {"kept.txt"}
    rig.control.clear_faults()
    assert not rig.sync().listing.problems
    assert set(rig.live()) == in_cloud(rig) | {"kept.txt"}


def folders(rig: Rig) -> set[str]:
    return {row[0] for row in rig.query("select path from media_folders")}


def refresh(rig: Rig) -> FoldersResult:
    with rig.client() as client:
        return refresh_folders(rig.engine, client, progress=Silent())


def answer_folder_search(rig: Rig, *paths: str, next_cursor: str | None = None, times: int | None = None) -> None:
    body = {
        "folders": [{"path": one, "name": one.rsplit("/", 1)[-1], "external_id": one} for one in paths],
        "total_count": len(paths),
        **({} if next_cursor is None else {"next_cursor": next_cursor}),
    }
    rig.control.add_faults(
        Rule(Kind.STATUS, path="/folders/search*", status=200, body=json.dumps(body), headers=JSON, times=times)
    )


def test_folders_with_odd_paths_are_left_out_and_the_others_are_mirrored(rig: Rig) -> None:
    answer_folder_search(rig, "a//b", "/leads", "ends/", "", "nul\x00", "good/below")

    result = refresh(rig)

    assert folders(rig) == {"good", "good/below"}
    assert (result.found, result.written, result.deleted) == (2, 2, 0)


def test_a_folder_whose_path_cannot_be_asked_for_is_not_proved_gone_and_stops_nothing(rig: Rig) -> None:
    rig.upload("a", asset_folder="real")
    with rig.engine.begin() as connection:
        connection.exec_driver_sql("insert into media_folders (path, name, parent_path) values ('..', '..', null)")

    result = refresh(rig)

    assert folders(rig) == {"real", ".."}
    assert (result.written, result.deleted, result.unproved) == (1, 0, 1)


def test_a_folder_search_whose_cursors_run_in_a_circle_ends_and_deletes_nothing(rig: Rig) -> None:
    rig.upload("a", asset_folder="real")
    refresh(rig)
    for cursor in ["a" * 32, "b" * 32] * 10:
        answer_folder_search(rig, f"below/{cursor[0]}", next_cursor=cursor, times=1)
    # A reader that follows them all comes to an end here, for the sake of this test.
    answer_folder_search(rig, "below/a")

    result = refresh(rig)

    assert result.call_count < 10
    assert result.deleted == 0
    assert folders(rig) == {"real", "below", "below/a", "below/b"}
