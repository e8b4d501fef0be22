"""Old months become files; nothing is lost at whatever step it stops, and the rest of the log stays provable."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from media_pipeline import audit, upkeep
from media_pipeline.db import statements
from media_pipeline.db.engine import read_only, transaction
from media_pipeline.errors import ArchiveUnwritable
from media_pipeline.progress import Silent
from media_pipeline.upkeep import LogKept, log_months
from media_pipeline.upkeep.done_work import UPKEEP_ROLE
from media_pipeline_tests.audit.conftest import Log, asset, tampering
from media_pipeline_tests.migrations.catalogue import INSUFFICIENT_PRIVILEGE, refused, rows

JANUARY = datetime(2020, 1, 20, tzinfo=UTC)
FEBRUARY = datetime(2020, 2, 20, tzinfo=UTC)
DAYS = 400


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def old(log: Log) -> Engine:
    """Two old months and this one. The second seal covers entries of January and February, the third also of today."""
    log.make_partitions("2020-01", "2020-02")
    log.append(3, JANUARY, first=1)
    log.seal()
    log.append(2, JANUARY, first=11)
    log.append(2, FEBRUARY, first=21)
    log.seal()
    log.append(2, FEBRUARY, first=31)
    log.append(2, first=41)
    log.seal()
    return log.engine


def keep(engine: Engine, archive: Path, days: int = DAYS) -> LogKept:
    return upkeep.keep_log(engine, archive, log_retention_days=days, holder="a test", progress=Silent())


def months(engine: Engine) -> list[str]:
    return rows(engine, "select month from audit.archived_month order by 1")


def entries(engine: Engine) -> list[str]:
    return rows(engine, "select asset_id from media_sync_log order by xid, id")


def archived(archive: Path, name: str) -> list[dict[str, str]]:
    with gzip.open(archive / name, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_old_months_become_files_and_the_rest_is_still_whole(old: Engine, archive: Path) -> None:
    before = audit.verify(old)

    kept = keep(old, archive)

    assert [(one.month, one.entry_count) for one in kept.archived] == [("2020-01", 5), ("2020-02", 4)]
    assert (kept.due, kept.problem) == ((), None)
    assert entries(old) == [asset(41), asset(42)]
    assert rows(old, "select to_regclass('audit.media_sync_log_2020_01') is null") == [True]
    after = audit.verify(old, archive=archive, anchor=before.newest_digest)
    assert after.is_whole
    assert (after.entry_count, after.archived_count, after.computed_seal_count, after.seal_count) == (2, 9, 1, 3)


def test_a_file_holds_the_entries_in_order_and_is_what_was_recorded(old: Engine, archive: Path) -> None:
    (first, _) = keep(old, archive).archived

    found = archived(archive, first.file_name)
    assert [one["asset_id"] for one in found] == [asset(1), asset(2), asset(3), asset(11), asset(12)]
    assert json.loads(found[0]["after"]) == {"n": 1}
    content = (archive / first.file_name).read_bytes()
    recorded = rows(old, "select encode(file_sha256, 'hex'), file_size_bytes from audit.archived_month order by month")
    assert recorded[0] == (hashlib.sha256(content).hexdigest(), len(content))
    assert (first.size_bytes, (archive / first.file_name).stat().st_mode & 0o077) == (len(content), 0)


def test_the_digests_of_a_file_that_is_loaded_again_are_those_of_its_entries(old: Engine, archive: Path) -> None:
    (first, _) = keep(old, archive).archived
    columns = ", ".join(archived(archive, first.file_name)[0])

    with old.begin() as connection:
        connection.exec_driver_sql(
            f"create temporary table january as select {columns} from media_sync_log with no data"
        )
        with (
            gzip.open(archive / first.file_name) as file,
            statements.raw(connection).cursor() as cursor,
            cursor.copy(b"copy january from stdin with (format csv, header true)") as copy,
        ):
            copy.write(file.read())
        right = connection.exec_driver_sql(
            "select count(*) filter (where digest = audit.entry_digest(action, cause, actor, run_id, asset_id,"
            " media_asset_id, row_version, fingerprint, before, after, recorded_at)), count(*) from january"
        ).one()

    assert tuple(right) == (5, 5)


def test_rows_whose_versions_are_in_an_archived_month_count_as_logged(old: Engine, archive: Path) -> None:
    row = (
        "insert into media_assets (asset_id, resource_type, delivery_type, public_id, applied_fingerprint, mirrored_at)"
        " values ('{}', 'image', 'upload', 'a', sha256('a'), '{}')"
    )
    with tampering(old) as connection:
        connection.exec_driver_sql(row.format(asset(1), JANUARY))
    keep(old, archive)

    def unlogged() -> list[str]:
        with read_only(old) as connection:
            return [one.asset_id for one in statements.run(connection, "reads/582_find_unlogged_assets", row_limit=9)]

    assert unlogged() == []
    with tampering(old) as connection:
        connection.exec_driver_sql(row.format(asset(99), "2026-11-01"))
        connection.exec_driver_sql(row.format(asset(41), JANUARY))
        connection.exec_driver_sql(f"update media_assets set row_version = 2 where asset_id = '{asset(41)}'")
    assert unlogged() == [asset(41), asset(99)]


def test_a_seal_over_an_archived_month_and_the_next_is_computed_again(old: Engine, archive: Path) -> None:
    log_months._archive(old, archive, "2020-01", DAYS)

    assert audit.verify(old, archive=archive).is_whole
    with tampering(old) as connection:
        connection.exec_driver_sql(f"delete from media_sync_log where asset_id = '{asset(21)}'")
    found = audit.verify(old)
    assert [(one.seal_id, one.problem) for one in found.seals] == [(2, "1 of its entries missing")]
    assert found.computed_seal_count == 2


def test_an_entry_put_back_where_all_was_archived_is_named(old: Engine, archive: Path) -> None:
    keep(old, archive)
    with tampering(old) as connection:
        connection.exec_driver_sql(
            "insert into media_sync_log (id, xid, action, cause, actor, digest) overriding system value"
            " values (1, '3', 'updated', 'test', 'cli:x', sha256(''))"
        )

    found = audit.verify(old)

    assert [(one.id, one.xid) for one in found.added] == [(1, "3")]
    assert found.problem_count == 1


def test_a_kept_digest_that_was_changed_breaks_its_seal(old: Engine, archive: Path) -> None:
    keep(old, archive)
    with tampering(old) as connection:
        connection.exec_driver_sql("update audit.archived_entry set digest = sha256('x')")

    assert [one.seal_id for one in audit.verify(old).seals] == [3]


@pytest.mark.parametrize(
    ("harm", "problem", "is_seen_when_bounded"),
    [
        (lambda file: file.unlink(), "the file is missing", True),
        (lambda file: file.write_bytes(file.read_bytes() + b"x"), "the file has another size", True),
        (lambda file: file.write_bytes(file.read_bytes()[:-1] + b"x"), "the file was changed", False),
    ],
)
def test_an_archive_that_is_not_what_was_recorded_is_named(
    old: Engine, archive: Path, harm: Callable[[Path], object], problem: str, is_seen_when_bounded: bool
) -> None:
    (_, second) = keep(old, archive).archived
    harm(archive / second.file_name)

    found = audit.verify(old, archive=archive)

    assert [(one.month, one.file_name, one.problem) for one in found.archives] == [
        ("2020-02", second.file_name, problem)
    ]
    assert audit.verify(old, archive=archive, newest_entries=10).is_whole is not is_seen_when_bounded
    assert audit.verify(old).is_whole


def test_a_month_whose_seal_is_gone_is_named(old: Engine, archive: Path) -> None:
    keep(old, archive)
    with tampering(old) as connection:
        connection.exec_driver_sql("update media_sync_log_seal set digest = sha256('x') where id = 2")

    assert [one.month for one in audit.verify(old).archives] == ["2020-01"]


def test_a_month_is_due_when_its_last_day_is_old_enough(log: Log) -> None:
    today = datetime.now(UTC).date()
    last = (today.replace(day=1) - timedelta(days=60)).replace(day=1)
    log.make_partitions(f"{last:%Y-%m}")
    end = (last + timedelta(days=31)).replace(day=1)

    assert upkeep.list_due_months(log.engine, (today - end).days + 1) == ()
    (due,) = upkeep.list_due_months(log.engine, (today - end).days)
    assert (due.month, due.entry_count) == (f"{last:%Y-%m}", 0)


def test_a_month_without_entries_is_recorded_too(log: Log, archive: Path) -> None:
    log.make_partitions("2020-01")

    (month,) = keep(log.engine, archive).archived

    assert (month.entry_count, archived(archive, month.file_name)) == (0, [])
    assert audit.verify(log.engine, archive=archive).is_whole


def test_a_log_that_was_tampered_with_is_not_archived(old: Engine, archive: Path) -> None:
    with tampering(old) as connection:
        connection.exec_driver_sql(f"update media_sync_log set actor = 'cli:x' where asset_id = '{asset(2)}'")

    kept = keep(old, archive)

    assert (kept.archived, kept.due) == ((), ("2020-01", "2020-02"))
    assert "audit verify" in (kept.problem or "")
    assert len(entries(old)) == 11


def test_a_month_that_is_not_sealed_waits(log: Log, archive: Path) -> None:
    log.make_partitions("2020-01")
    log.append(1, JANUARY)
    with log.engine.begin() as blocking:
        blocking.exec_driver_sql("select pg_current_xact_id()")
        log.append(1, JANUARY, first=2)
        kept = keep(log.engine, archive)

    assert (kept.archived, kept.problem) == ((), "entries of 2020-01 that are not sealed: 1")
    assert kept.unsealed_count == 1


class Crash(Exception):
    """The process ends here."""


@pytest.mark.parametrize("step", ["copied", "named", "removed"])
def test_a_crash_at_any_step_loses_nothing_and_the_next_run_finishes(
    old: Engine, archive: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before = entries(old)
    with monkeypatch.context() as patch:
        if step == "copied":
            patch.setattr(Path, "replace", _crash)
        elif step == "named":
            patch.setattr(log_months, "_force_directory", _crash)
        else:
            with tampering(old) as connection:
                connection.exec_driver_sql(
                    "create function audit.crash() returns event_trigger language plpgsql as"
                    " $$ begin raise exception 'crash'; end $$"
                )
                connection.exec_driver_sql("create event trigger crash on sql_drop execute function audit.crash()")
        with pytest.raises(Exception, match=r"(?i)crash"):
            keep(old, archive)
    if step == "removed":
        with tampering(old) as connection:
            connection.exec_driver_sql("drop event trigger crash")
            connection.exec_driver_sql("drop function audit.crash()")

    assert (entries(old), months(old)) == (before, [])
    assert audit.verify(old, archive=archive).is_whole
    kept = keep(old, archive)
    assert ([one.month for one in kept.archived], kept.due) == (["2020-01", "2020-02"], ())
    assert audit.verify(old, archive=archive).is_whole
    assert sorted(path.name for path in archive.iterdir()) == sorted(one.file_name for one in kept.archived)


def _crash(*_: Any) -> None:
    raise Crash("crash")


def test_what_a_killed_process_had_not_finished_is_removed_after_a_day(old: Engine, archive: Path) -> None:
    archive.mkdir()
    for name, age in (("old", 90_000), ("young", 60)):
        path = archive / f".arriving-{name}"
        path.touch()
        at = datetime.now(UTC).timestamp() - age
        os.utime(path, (at, at))

    keep(old, archive)

    assert [path.name for path in archive.glob(".arriving-*")] == [".arriving-young"]


def test_a_disk_that_takes_nothing_leaves_the_month_in_the_log(old: Engine, archive: Path) -> None:
    archive.write_text("a file in the place of the directory")

    with pytest.raises(ArchiveUnwritable):
        keep(old, archive)
    assert len(entries(old)) == 11


@pytest.mark.slow
def test_somebody_who_reads_the_log_all_the_time_puts_it_off(old: Engine, archive: Path) -> None:
    with old.begin() as reader:
        reader.exec_driver_sql("select count(*) from media_sync_log")
        kept = keep(old, archive)

    assert (kept.archived, months(old), len(entries(old))) == ((), [], 11)
    assert "the next run" in (kept.problem or "")
    assert len(keep(old, archive).archived) == 2


GOOD = {"month": "2020-01", "days": 400, "entry_count": 5}


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"days": 30}, "31 days at least"),
        ({"month": "2020-02", "entry_count": 4}, "before 2020-02"),
        ({"month": "2019-12"}, "no partition"),
        ({"month": "other"}, "no month"),
        ({"month": f"{datetime.now(UTC):%Y-%m}"}, "younger than"),
        ({"entry_count": 4}, "5 entries, the file 4"),
    ],
)
def test_the_database_itself_refuses_what_must_not_be_removed(old: Engine, asked: dict[str, Any], why: str) -> None:
    with transaction(old, role=UPKEEP_ROLE) as connection, pytest.raises(Exception, match=why):
        _archive_month(connection, {**GOOD, **asked})
    assert len(entries(old)) == 11


def test_the_database_itself_refuses_a_month_that_is_not_sealed(old: Engine) -> None:
    with tampering(old) as connection:
        connection.exec_driver_sql("delete from media_sync_log_seal where id > 1")

    with transaction(old, role=UPKEEP_ROLE) as connection, pytest.raises(Exception, match="not sealed yet"):
        _archive_month(connection, GOOD)


def test_only_upkeep_may_archive_and_nobody_may_change_what_is_recorded(old: Engine, archive: Path) -> None:
    with transaction(old) as connection:
        assert refused(lambda one: _archive_month(one, GOOD), connection) == INSUFFICIENT_PRIVILEGE
    keep(old, archive)
    with transaction(old, role=None) as connection:
        for table in ("audit.archived_month", "audit.archived_entry"):
            for how in (
                "delete from {}",
                "truncate {}",
                "update {} set digest = digest",
                "update {} set month = month",
            ):
                state = refused(how.format(table), connection)
                assert state in {INSUFFICIENT_PRIVILEGE, "42703"}, (table, how)


def _archive_month(connection: Any, asked: dict[str, Any]) -> None:
    connection.exec_driver_sql(
        "select audit.archive_month(%(month)s, %(days)s, 'a.csv.gz', sha256('a'), 1, %(entry_count)s)", asked
    )


def test_entries_of_months_without_a_partition_are_counted_and_stay(log: Log, archive: Path) -> None:
    log.append(2, JANUARY)
    log.seal()

    kept = keep(log.engine, archive)

    assert (kept.other_count, kept.archived, len(entries(log.engine))) == (2, (), 2)
    assert kept.through >= f"{datetime.now(UTC) + timedelta(days=32):%Y-%m}"
