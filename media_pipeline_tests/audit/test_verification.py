"""Each kind of tampering is found, and named exactly."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from media_pipeline import audit
from media_pipeline.audit import Verification, verification
from media_pipeline_tests.audit.conftest import DIGESTS, Log, asset, tampering
from media_pipeline_tests.database import wait_for_older_transactions
from media_pipeline_tests.migrations.catalogue import rows

REDIGEST = """
  update media_sync_log set digest = audit.entry_digest(
    action, cause, actor, run_id, asset_id, media_asset_id, row_version, fingerprint, before, after, recorded_at)
"""


@pytest.fixture
def sealed(log: Log) -> Engine:
    """Thirty entries under three seals: 1 to 10, 11 to 20, 21 to 30."""
    for first in (1, 11, 21):
        log.append(10, first=first)
        log.seal()
    return log.engine


def place(engine: Engine, number: int) -> str:
    (found,) = rows(engine, f"select xid || ':' || id from media_sync_log where asset_id = '{asset(number)}'")
    return str(found)


def named(found: Verification) -> tuple[list[str | None], list[int], list[int]]:
    """Changed entries by asset, broken seals, broken links."""
    return (
        [one.asset_id for one in found.changed],
        [one.seal_id for one in found.seals],
        [one.seal_id for one in found.links],
    )


def test_an_untouched_log_is_whole_and_says_what_to_note_elsewhere(log: Log, sealed: Engine) -> None:
    log.append(2, first=31)

    found = audit.verify(sealed)

    assert found.is_whole
    assert (found.entry_count, found.seal_count, found.computed_seal_count, found.unsealed_count) == (32, 3, 3, 2)
    assert [found.newest_digest] == rows(
        sealed, "select encode(digest, 'hex') from media_sync_log_seal order by id desc limit 1"
    )
    assert audit.verify(sealed, anchor=found.newest_digest).is_whole


def test_an_empty_log_is_whole(log: Log) -> None:
    found = audit.verify(log.engine)

    assert (found.is_whole, found.entry_count, found.newest_digest) == (True, 0, None)


@pytest.mark.parametrize(
    "change", ["after = '{\"n\": 99}'", "actor = 'cli:somebody'", "recorded_at = recorded_at - interval '1 us'"]
)
def test_a_changed_entry_is_named(sealed: Engine, change: str) -> None:
    with tampering(sealed) as connection:
        connection.exec_driver_sql(f"update media_sync_log set {change} where asset_id = '{asset(15)}'")

    found = audit.verify(sealed)

    assert named(found) == ([asset(15)], [], [])
    assert f"{found.changed[0].xid}:{found.changed[0].id}" == place(sealed, 15)
    assert (found.changed[0].action, found.problem_count) == ("updated", 1)


def test_a_changed_entry_with_a_new_digest_breaks_its_seal_alone(sealed: Engine) -> None:
    with tampering(sealed) as connection:
        connection.exec_driver_sql(f"update media_sync_log set actor = 'cli:x' where asset_id = '{asset(15)}'")
        connection.exec_driver_sql(f"{REDIGEST} where asset_id = '{asset(15)}'")

    found = audit.verify(sealed)

    assert named(found) == ([], [2], [])
    (broken,) = found.seals
    assert "not the one that was sealed" in broken.problem
    assert (broken.after, broken.through) == (place(sealed, 10), place(sealed, 20))
    assert (broken.sealed_count, broken.found_count) == (10, 10)
    assert broken.first_recorded_at is not None


def test_a_deleted_entry_is_missing_under_its_seal(sealed: Engine) -> None:
    with tampering(sealed) as connection:
        connection.exec_driver_sql(f"delete from media_sync_log where asset_id = '{asset(20)}'")

    found = audit.verify(sealed)

    assert named(found) == ([], [2], [])
    assert found.seals[0].problem == "1 of its entries missing"


def test_all_entries_of_a_seal_deleted_are_missing(sealed: Engine) -> None:
    with tampering(sealed) as connection:
        connection.exec_driver_sql(f"delete from media_sync_log where asset_id between '{asset(11)}' and '{asset(20)}'")

    found = audit.verify(sealed)

    assert named(found) == ([], [2], [])
    assert (found.seals[0].problem, found.seals[0].first_recorded_at) == ("10 of its entries missing", None)


def test_an_inserted_entry_is_too_many_under_its_seal(sealed: Engine) -> None:
    with tampering(sealed) as connection:
        connection.exec_driver_sql(
            "insert into media_sync_log (id, xid, action, cause, actor, digest) overriding system value"
            f" select id, xid, 'updated', 'test', 'cli:x', sha256('') from media_sync_log where asset_id = '{asset(5)}'"
        )
        connection.exec_driver_sql(DIGESTS)

    found = audit.verify(sealed)

    assert named(found) == ([], [1], [])
    assert found.seals[0].problem == "1 more than its entries there"


@pytest.mark.parametrize(("seal", "broken"), [(1, 2), (2, 3)])
def test_a_deleted_seal_breaks_the_chain_at_the_next_and_accuses_no_entry(
    sealed: Engine, seal: int, broken: int
) -> None:
    with tampering(sealed) as connection:
        connection.exec_driver_sql(f"delete from media_sync_log_seal where id = {seal}")

    found = audit.verify(sealed)

    assert named(found) == ([], [], [broken])
    assert "does not follow" in found.links[0].problem
    assert found.links[0].through == place(sealed, broken * 10)


def test_a_changed_seal_is_named(sealed: Engine) -> None:
    with tampering(sealed) as connection:
        connection.exec_driver_sql("update media_sync_log_seal set entry_count = 9 where id = 2")

    found = audit.verify(sealed)

    assert named(found) == ([], [2], [2])
    assert "not what its digest says" in found.links[0].problem


REWRITE = """
do $$
declare
  one record;
  before bytea := decode(repeat('00', 32), 'hex');
  from_xid xid8 := '0';
  from_id bigint := 0;
begin
  for one in select * from public.media_sync_log_seal order by id loop
    update public.media_sync_log_seal as s
    set previous_digest = before, entries_digest = e.digest, digest = sha256(before || e.digest || convert_to(
      one.through_xid::text || ':' || one.through_id::text || ':' || one.entry_count::text, 'UTF8'))
    from (
      select sha256(string_agg(l.digest, ''::bytea order by l.xid, l.id)) as digest from public.media_sync_log as l
      where (l.xid, l.id) > (from_xid, from_id) and (l.xid, l.id) <= (one.through_xid, one.through_id)
    ) as e
    where s.id = one.id
    returning s.digest into before;
    from_xid := one.through_xid;
    from_id := one.through_id;
  end loop;
end
$$
"""


def test_only_a_digest_noted_elsewhere_finds_a_chain_that_was_made_anew(sealed: Engine) -> None:
    noted = audit.verify(sealed).newest_digest
    with tampering(sealed) as connection:
        connection.exec_driver_sql(f"update media_sync_log set actor = 'cli:x' where asset_id = '{asset(15)}'")
        connection.exec_driver_sql(f"{REDIGEST} where asset_id = '{asset(15)}'")
        connection.exec_driver_sql(REWRITE)

    assert audit.verify(sealed).is_whole
    found = audit.verify(sealed, anchor=noted)
    assert (found.is_whole, found.lost_anchor, found.problem_count) == (False, noted, 1)


def test_a_newest_seal_that_was_cut_off_is_found_by_its_digest(log: Log, sealed: Engine) -> None:
    noted = audit.verify(sealed).newest_digest
    with tampering(sealed) as connection:
        connection.exec_driver_sql("delete from media_sync_log_seal where id = 3")
        connection.exec_driver_sql(f"delete from media_sync_log where asset_id = '{asset(25)}'")
    log.seal()

    assert audit.verify(sealed).is_whole
    assert audit.verify(sealed, anchor=noted).lost_anchor == noted


def test_a_bound_looks_at_the_newest_entries_and_at_the_whole_chain(sealed: Engine) -> None:
    with tampering(sealed) as connection:
        connection.exec_driver_sql(
            f"update media_sync_log set actor = 'cli:x' where asset_id in ('{asset(5)}', '{asset(25)}')"
        )
        connection.exec_driver_sql("delete from media_sync_log_seal where id = 1")

    found = audit.verify(sealed, newest_entries=10)

    assert named(found) == ([asset(25)], [], [2])
    assert (found.entry_count, found.computed_seal_count, found.seal_count) == (10, 1, 2)
    assert audit.verify(sealed, newest_entries=11).computed_seal_count == 2
    assert named(audit.verify(sealed))[0] == [asset(5), asset(25)]


def test_in_small_batches_the_same_is_found(sealed: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with tampering(sealed) as connection:
        connection.exec_driver_sql(
            f"update media_sync_log set actor = 'cli:x' where asset_id in ('{asset(5)}', '{asset(25)}')"
        )
    whole = audit.verify(sealed)
    monkeypatch.setattr(verification, "_BATCH_ENTRIES", 1)

    assert audit.verify(sealed) == whole
    assert whole.problem_count == 2


def test_of_many_problems_all_are_counted_and_the_first_are_named(
    sealed: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "_NAMED", 12)
    with tampering(sealed) as connection:
        connection.exec_driver_sql("update media_sync_log set actor = 'cli:x'")

    found = audit.verify(sealed)

    assert (found.problem_count, len(found.changed)) == (30, 12)


def test_transactions_that_overlap_and_entries_in_several_months_are_whole(log: Log) -> None:
    log.make_partitions("2020-01", "2020-02")
    for number, day in enumerate((31, 1, 30), 1):
        log.append(3, datetime(2020, 1 if day > 1 else 2, day, tzinfo=UTC), first=10 * number)
    log.seal()

    assert audit.verify(log.engine).is_whole


def test_entries_of_a_running_transaction_wait_and_are_no_error(sealed: Engine) -> None:
    with sealed.begin() as connection:
        connection.exec_driver_sql(
            "insert into media_sync_log (action, cause, actor, digest) values ('updated', 'test', 'cli:x', sha256(''))"
        )
        assert audit.verify(sealed).is_whole
        connection.rollback()
    wait_for_older_transactions(sealed)
