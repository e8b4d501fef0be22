"""What the mirror remembers must not outlive its reason: remnants, approvals, held runs, known bytes, runs, seals."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import Connection, event
from structlog.testing import capture_logs

from media_pipeline import audit, listing, mirror
from media_pipeline.db import statements
from media_pipeline.db.engine import transaction
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.mirror import page_apply, suspects, verify
from media_pipeline.mirror.page_apply import PageOrigin
from media_pipeline.mirror.verify import VerifyCounts
from media_pipeline.ops import holds, runs
from media_pipeline.progress import Silent
from media_pipeline.remote import payloads
from media_pipeline.remote.calls import TagCommand
from media_pipeline.remote.payloads import RawItem
from media_pipeline.vocabulary import AssetId, HoldKind, HoldState, ResourceType, RunKind
from media_pipeline_tests.mirror.conftest import Rig

BY_ASSET_IDS = "/resources/by_asset_ids"
ONE_ASSET = f"/resources/{'?' * 32}"


def delete(rig: Rig, ids: Sequence[AssetId]) -> None:
    with rig.client() as outsider:
        outsider.delete_assets(ids)


def reject(rig: Rig, public_id: str) -> None:
    """A person rejects a picture that waits for moderation; Cloudinary keeps a remnant without bytes."""
    address = urlsplit(rig.endpoints.cloudinary_url)
    answer = httpx.post(
        f"{rig.endpoints.base_url}/v1_1/{rig.endpoints.cloud_name}/resources/image/upload/{public_id}",
        json={"moderation_status": "rejected"},
        auth=(address.username or "", address.password or ""),
    )
    assert answer.status_code == 200


def change_tags(rig: Rig, command: TagCommand, public_id: str) -> None:
    with rig.client() as outsider:
        outsider.change_tags(
            command, ["t"], public_ids=[public_id], resource_type=ResourceType.IMAGE, delivery_type="upload"
        )


def listed(rig: Rig) -> dict[AssetId, RawItem]:
    """What a listing of the cloud shows now, remnants included."""
    with rig.client() as client:
        page = client.list_page(rig.settings.slices[0], cursor=None, page_size=500)
    items = payloads.split_page(page.body, call="list").items
    return {item.asset_id: item for item in items if item.asset_id is not None}


def there(rig: Rig) -> set[str]:
    """public_ids of the assets that the cloud itself still has, remnants of deleted ones left out."""
    with rig.client() as client:
        answer = json.loads(client.read_assets(list(listed(rig))).body) if listed(rig) else {"resources": []}
    return {record["public_id"] for record in answer["resources"]}


def drain(rig: Rig) -> VerifyCounts:
    with rig.client() as client:
        return verify.drain(rig.engine, client, batch_size=100, progress=Silent())[0]


def touch(rig: Rig) -> int:
    """A point of the logical clock, as every read takes one before its request."""
    with transaction(rig.engine) as connection:
        return int(statements.run(connection, "listing/040_next_touch").scalar_one())


def state_of(rig: Rig, asset: AssetId) -> str:
    ((state,),) = rig.query("select state from mirror.asset_sighting where asset_id = %(id)s", id=asset)
    return str(state)


def image_runs(rig: Rig) -> list[str]:
    return [
        row[0] for row in rig.query("select state from landing.listing_run where resource_type = 'image' order by id")
    ]


def decide(rig: Rig, state: HoldState) -> None:
    (hold,) = holds.list_holds(rig.engine)
    holds.decide(rig.engine, hold.id, state, actor="cli:ada")


def wait_until_somebody_waits_for_a_lock(rig: Rig) -> None:
    waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    deadline = time.monotonic() + 30
    while rig.query(waiting) == [(0,)]:
        assert time.monotonic() < deadline, "nobody waits for a lock"
        time.sleep(0.01)


@contextmanager
def thread(work: Callable[[], object]) -> Iterator[list[BaseException]]:
    """*work* in another thread until the block ends; what it raised."""
    errors: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except Exception as error:
            errors.append(error)

    started = threading.Thread(target=guarded)
    started.start()
    try:
        yield errors
    finally:
        started.join(timeout=60)
        assert not started.is_alive()


def test_a_remnant_of_a_rejected_asset_is_live_and_one_of_its_deletion_is_proved_once(rig: Rig) -> None:
    art = rig.upload("art", moderation="manual")
    rig.upload_many(2)
    reject(rig, "art")

    rig.sync()

    assert state_of(rig, art) == "live"
    assert rig.query("select is_placeholder, moderation_status from media_assets where asset_id = %(id)s", id=art) == [
        (True, "rejected")
    ]
    assert set(rig.live()) == there(rig)

    before = listed(rig)[art].raw
    delete(rig, [art])
    # The listing shows the same bytes for the deleted asset as for the rejected one.
    assert listed(rig)[art].raw == before
    rig.sync()

    assert state_of(rig, art) == "tombstone"
    assert rig.deleted() == {"art"}
    assert set(rig.live()) == there(rig)

    synced = rig.sync()

    # The remnant stays listed for ever and must not be doubted, and read, at each sync.
    assert (synced.mirror.pages.placeholders, synced.mirror.verified.read, synced.diff.total) == (1, 0, 0)
    assert state_of(rig, art) == "tombstone"


@pytest.mark.parametrize("decision", [HoldState.APPROVED, HoldState.REJECTED])
def test_a_held_run_is_closed_by_the_decision_over_its_hold(rig: Rig, decision: HoldState) -> None:
    ids = rig.upload_many(6)
    rig.sync()
    delete(rig, ids[:5])
    rig.sync()
    assert image_runs(rig) == ["closed", "held"]
    decide(rig, decision)

    queued = suspects.settle_decided_holds(rig.engine)

    assert image_runs(rig) == ["closed", "closed"]
    assert queued == (5 if decision is HoldState.APPROVED else 0)
    assert len(there(rig)) == 1


def test_a_held_run_is_closed_by_the_next_run_of_its_slice(rig: Rig) -> None:
    ids = rig.upload_many(6)
    rig.sync()
    delete(rig, ids[:4])
    rig.sync()
    rig.sync()

    assert image_runs(rig) == ["closed", "closed", "held"]
    (hold,) = holds.list_holds(rig.engine)
    assert (hold.kind, hold.asset_count) == (HoldKind.SUSPECTS, 4)
    assert (len(rig.live()), len(there(rig))) == (6, 2)


def test_the_log_of_a_restoration_says_since_when_the_asset_had_been_deleted(rig: Rig) -> None:
    rig.control.change_settings(backup=True)
    asset = rig.upload("back")
    rig.upload_many(2)
    rig.sync()
    delete(rig, [asset])
    rig.sync()
    rig.restore("back")
    rig.sync()

    (deleted, restored) = rig.query(
        "select before, after from media_sync_log where asset_id = %(id)s and action <> 'created' order by row_version",
        id=asset,
    )
    assert deleted[0] == {"deleted_at": None, "deleted_by": None}
    assert deleted[1]["deleted_by"] == "cloudinary"
    assert deleted[1]["deleted_at"] is not None
    before, after = restored
    assert {name: before[name] for name in deleted[1]} == deleted[1]
    assert {name: after[name] for name in deleted[0]} == deleted[0]
    assert "back" in rig.live()
    assert set(rig.live()) == there(rig)


def test_an_approval_ends_when_its_asset_is_seen_again_and_covers_no_later_deletion(rig: Rig) -> None:
    rig.upload_many(10)
    rig.sync()
    rig.break_lists(Kind.TRUNCATED_PAGE, keep=2)
    rig.sync()
    decide(rig, HoldState.APPROVED)
    # The reads that follow the approval prove nothing, so its assets stay queued.
    rig.control.add_faults(
        Rule(Kind.STATUS, method="GET", path=BY_ASSET_IDS, status=200, body='{"resources": []}'),
        Rule(Kind.STATUS, method="GET", path=ONE_ASSET, status=404, body='{"error": {"message": "no"}}'),
    )
    rig.sync()
    with_hold = rig.query("select asset_id from mirror.verify_queue where hold_id is not null")
    approved = [AssetId(row[0]) for row in with_hold]
    assert len(approved) == 8
    rig.control.clear_faults()
    rig.make_due()
    with rig.engine.begin() as connection:
        connection.exec_driver_sql(
            "update mirror.verify_queue set not_before = now() + interval '1 hour' where hold_id is not null"
        )

    rig.sync()

    # They are still to be read, but no longer because a person said so.
    assert rig.query("select count(*), count(hold_id) from mirror.verify_queue") == [(8, 0)]
    assert len(there(rig)) == len(rig.live()) == 10

    delete(rig, approved)
    rig.make_due()
    synced = rig.sync()

    assert synced.mirror.verified.tombstoned == 8
    assert (synced.diff.held, synced.apply.deleted) == (8, 0)
    assert len(there(rig)) == 2
    assert len(rig.live()) == 10


def test_a_hint_and_the_clock_of_its_asset_move_to_the_same_point(rig: Rig) -> None:
    known = rig.upload_many(2)
    rig.sync()
    unknown = AssetId("f" * 32)

    rig.hint([known[1], unknown, known[0], known[0]])

    # Else a read from between the two would settle the entry although its answer is void, or the reverse.
    assert rig.query(
        "select q.asset_id from mirror.verify_queue q join mirror.asset_sighting s using (asset_id)"
        " where q.hint_touch = s.touch order by 1"
    ) == [(asset,) for asset in sorted(known)]
    assert rig.query("select count(*) from mirror.verify_queue") == [(3,)]


def test_a_hint_during_a_proof_waits_for_it_instead_of_deadlocking(rig: Rig) -> None:
    (asset, *_) = rig.upload_many(2)
    rig.sync()
    rig.hint([asset])
    delete(rig, [asset])
    low = touch(rig)

    with transaction(rig.engine) as proof:
        statements.run(proof, "mirror/320_write_tombstones", asset_ids=[asset], touch_low=low)
        with thread(lambda: rig.hint([asset])) as errors:
            wait_until_somebody_waits_for_a_lock(rig)
            statements.run(proof, "mirror/335_close_absent", asset_ids=[asset], touch_low=low)
            proof.commit()

    assert errors == []
    # The hint came after the proof, so the asset is read once more, and nothing changes.
    assert rig.query("select asset_id from mirror.verify_queue") == [(asset,)]
    drain(rig)
    assert state_of(rig, asset) == "tombstone"
    assert rig.query("select count(*) from mirror.verify_queue") == [(0,)]


def test_known_bytes_of_a_page_that_was_overtaken_while_it_was_sorted_are_read_again(rig: Rig) -> None:
    asset = rig.upload("a")
    rig.sync()
    first = listed(rig)[asset]
    change_tags(rig, TagCommand.ADD, "a")
    tagged = listed(rig)[asset]
    change_tags(rig, TagCommand.REMOVE, "a")
    assert listed(rig)[asset].raw == first.raw != tagged.raw
    with_tag: list[Connection] = []
    without_tag: list[threading.Thread] = []

    def is_ours(connection: Connection) -> bool:
        with_tag.append(connection)
        return True

    def another_read_begins_before_the_commit(connection: Connection) -> None:
        if connection not in with_tag or without_tag:
            return
        without_tag.append(
            threading.Thread(
                target=page_apply.apply_items,
                args=(rig.engine, [first], PageOrigin(touch(rig), slice=rig.settings.slices[0])),
            )
        )
        without_tag[0].start()
        # It found the bytes of its record known, and now waits for the row.
        wait_until_somebody_waits_for_a_lock(rig)

    event.listen(rig.engine, "commit", another_read_begins_before_the_commit)
    page_apply.apply_items(rig.engine, [tagged], PageOrigin(touch(rig)), unless_done=is_ours)
    event.remove(rig.engine, "commit", another_read_begins_before_the_commit)
    without_tag[0].join(timeout=60)

    assert rig.query("select tags from mirror.remote_asset") == [(["t"],)]
    assert rig.query("select asset_id, reason from mirror.verify_queue") == [(asset, "window")]
    drain(rig)
    assert rig.query("select tags from mirror.remote_asset") == [([],)]
    assert listed(rig)[asset].raw == first.raw


def test_held_suspects_keep_neither_updates_nor_new_assets_out(rig: Rig) -> None:
    rig.upload_many(6)
    rig.sync()
    rig.upload("p0000", colour=500)
    rig.upload("new", colour=501)
    with rig.client() as client:
        listing.walk(rig.engine, client, rig.settings, run_id=None, progress=Silent())
        mirror.refresh(rig.engine, client, rig.settings, run_id=None, progress=Silent())
    # The process dies here: the mirror knows, media_assets does not. Then a listing lies.
    rig.break_lists(Kind.EMPTY_PAGE, times=1)

    synced = rig.sync()

    assert synced.mirror.suspects.held == 7
    assert (synced.apply.created, synced.apply.updated, synced.apply.superseded) == (1, 1, 0)
    assert set(rig.live()) == there(rig)
    assert "new" in rig.live()


def test_a_run_that_has_just_begun_is_not_ended_by_another_start(rig: Rig) -> None:
    def begin() -> int:
        # Its row is there a moment before its lock is.
        with transaction(rig.engine) as connection:
            started = statements.run(
                connection, "ops/010_start_run", kind=RunKind.FULL_SYNC.value, actor="cli:test", dagster_run_id=None
            )
            return int(started.scalar_one())

    young, old = begin(), begin()
    with rig.engine.begin() as connection:
        connection.exec_driver_sql(
            "update ops.run set started_at = started_at - interval '2 minutes' where id = %(id)s", {"id": old}
        )

    with runs.running(rig.engine, RunKind.FULL_SYNC, actor="cli:other", dagster_run_id=None):
        found = dict(rig.query("select id, state from ops.run where actor = 'cli:test'"))

    assert found == {young: "running", old: "failed"}


def test_a_log_that_was_restored_into_a_younger_server_is_told_of_and_the_sync_goes_on(rig: Rig) -> None:
    rig.upload("a")
    with capture_logs() as logs:
        rig.sync()
    assert not [entry for entry in logs if entry["event"] == "audit_log_was_restored_elsewhere"]
    with rig.engine.begin() as connection:
        # As it is after a restore: the last seal lies ahead of every transaction that this server will soon make.
        connection.exec_driver_sql(
            "insert into media_sync_log_seal"
            " (through_xid, through_id, entry_count, entries_digest, previous_digest, digest)"
            " values ((2 ^ 60)::bigint::text::xid8, 1, 1, sha256('a'), sha256('a'), sha256('a'))"
        )
    seals = rig.query("select count(*) from media_sync_log_seal")
    rig.upload("b", colour=1)

    with capture_logs() as logs:
        synced = rig.sync()
        sealed = audit.seal(rig.engine, holder="a test")

    assert (synced.apply.created, synced.apply.sealed_entries, sealed) == (1, 0, 0)
    told = [entry["log_level"] for entry in logs if entry["event"] == "audit_log_was_restored_elsewhere"]
    assert told == ["error", "error"]
    assert rig.query("select count(*) from media_sync_log_seal") == seals
    assert set(rig.live()) == there(rig) == {"a", "b"}


def test_the_engine_cannot_choose_where_in_the_log_an_entry_stands(rig: Rig) -> None:
    places = {"id": "1", "xid": "'5'::xid8", "recorded_at": "'2001-01-01'::timestamptz"}
    for column, value in places.items():
        said = rig.try_edit(
            "set local role media_sync; "
            f"insert into media_sync_log ({column}, action, cause, actor, digest) overriding system value "
            f"values ({value}, 'cloud_bound', 'forged', 'nobody', sha256('x'))"
        )
        assert "permission denied for table media_sync_log" in said, column

    assert rig.query("select count(*) from media_sync_log") == [(0,)]
