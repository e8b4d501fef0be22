"""``upkeep`` and ``audit``: what is removed, and the proof that nobody has changed the log."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from media_pipeline import audit
from media_pipeline.errors import ExitCode
from media_pipeline_tests.cli.conftest import Call
from media_pipeline_tests.database import wait_for_older_transactions
from media_pipeline_tests.migrations.catalogue import rows

OLD_MONTH = """
create table audit.media_sync_log_2020_01 partition of public.media_sync_log
for values from ('2020-01-01 00:00:00+00') to ('2020-02-01 00:00:00+00')
"""
ENTRY = """
insert into public.media_sync_log (recorded_at, action, cause, actor, after, digest)
select t.at, 'cloud_bound', 'test', 'cli:test', '{}', audit.entry_digest(
  'cloud_bound', 'test', 'cli:test', null, null, null, null, null, null, '{}', t.at)
from (values (timestamptz '2020-01-05 00:00:00+00'), (now())) as t (at)
"""


@pytest.fixture
def variables(tmp_path: Path, database_url: str, engine: Engine) -> dict[str, object]:
    """Settings without any cloud, over a log with an old month."""
    with engine.begin() as connection:
        connection.exec_driver_sql(OLD_MONTH)
        connection.exec_driver_sql(ENTRY)
        connection.exec_driver_sql("insert into ops.api_call values (now() - interval '40 days', 'listing', 3)")
    wait_for_older_transactions(engine)
    audit.seal(engine, holder="a test")
    return {"home": tmp_path / "home", "database_url": database_url}


def test_a_dry_run_names_what_would_go_and_removes_nothing(
    call: Call, variables: dict[str, object], engine: Engine
) -> None:
    told = call("upkeep", "--dry-run", **variables)
    found = call("upkeep", "--dry-run", "--json", **variables).json

    assert told.code == ExitCode.OK
    assert "ops.api_call" in told.out
    assert "2020-01 of the log would be archived: 1 entry." in told.out
    assert (found["done_work"]["rows"]["ops.api_call"], found["dagster"]["runs"]) == (1, 0)
    assert [month["month"] for month in found["months"]] == ["2020-01"]
    assert rows(engine, "select count(*) from ops.api_call") == [1]
    assert rows(engine, "select count(*) from ops.run") == [0]


def test_upkeep_removes_archives_and_says_what(
    call: Call, variables: dict[str, object], engine: Engine, tmp_path: Path
) -> None:
    ended = call("upkeep", **variables)

    assert ended.code == ExitCode.OK
    assert "ops.api_call" in ended.out
    assert "1 month of the log archived, 1 entry;" in ended.out
    assert rows(engine, "select kind, state, starts_with(actor, 'cli:') from ops.run") == [
        ("upkeep", "succeeded", True)
    ]
    assert len(list((tmp_path / "home" / "archive").glob("media_sync_log_2020-01-*.csv.gz"))) == 1
    again = call("upkeep", "--json", **variables)
    assert not any(again.json["counts"]["done_work"]["rows"].values())


def test_a_whole_log_is_told_with_the_digest_to_note(call: Call, variables: dict[str, object], engine: Engine) -> None:
    ended = call("audit", "verify", **variables)
    (digest,) = rows(engine, "select encode(digest, 'hex') from media_sync_log_seal")

    assert ended.code == ExitCode.OK
    assert "2 entries of the log and 1 seal computed again." in ended.out
    assert digest in ended.out
    anchored = call("audit", "verify", "--anchor", digest.upper(), "--json", **variables)
    assert (anchored.code, anchored.json["newest_digest"]) == (ExitCode.OK, digest)


def test_tampering_ends_with_an_error_and_names_the_entry(
    call: Call, variables: dict[str, object], engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("set local session_replication_role = 'replica'")
        connection.exec_driver_sql("update media_sync_log set actor = 'cli:x' where recorded_at < '2021-01-01'")
    (place,) = rows(engine, "select xid || ':' || id from media_sync_log where actor = 'cli:x'")

    ended = call("audit", "verify", **variables)
    found = call("audit", "verify", "--json", **variables)

    assert (ended.code, found.code) == (ExitCode.FAILED, ExitCode.FAILED)
    assert f"Changed: entry {place} of 2020-01-05" in ended.out
    assert "To note elsewhere" not in ended.out
    assert (found.json["problem_count"], len(found.json["changed"])) == (1, 1)
    kept = call("upkeep", **variables)
    assert kept.code == ExitCode.FAILED
    assert "Not archived: 2020-01" in kept.out


def test_an_archive_that_was_changed_is_named(call: Call, variables: dict[str, object], tmp_path: Path) -> None:
    call("upkeep", **variables)
    (file,) = (tmp_path / "home" / "archive").iterdir()
    file.write_bytes(b"x" * file.stat().st_size)

    ended = call("audit", "verify", **variables)

    assert ended.code == ExitCode.FAILED
    assert f"Archive of 2020-01, {file.name}: the file was changed." in ended.out


def test_an_anchor_that_is_not_in_the_chain_is_an_error_and_one_that_is_none_a_mistake(
    call: Call, variables: dict[str, object]
) -> None:
    lost = call("audit", "verify", "--anchor", "ab" * 32, **variables)

    assert lost.code == ExitCode.FAILED
    assert "made anew" in lost.out
    assert call("audit", "verify", "--anchor", "ab", **variables).code == ExitCode.USAGE


def test_nothing_returns_to_a_time_whose_log_is_archived(call: Call, variables: dict[str, object]) -> None:
    call("upkeep", **variables)

    ended = call("revert", "--to", "2020-01-31", "--dry-run", **variables)

    assert ended.code == ExitCode.CONFIGURATION
    assert "The log reaches back to 2020-02-01" in ended.err
    assert call("revert", "--to", "2020-02-01", "--dry-run", **variables).code == ExitCode.OK


@pytest.mark.slow
def test_dagster_forgets_its_old_runs_in_postgres_too(
    call: Call, variables: dict[str, object], engine: Engine, tmp_path: Path
) -> None:
    first = call("upkeep", "--json", **variables).json["dagster_run_id"]
    second = call("upkeep", "--json", **variables).json["dagster_run_id"]
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "update dagster.runs set create_timestamp = now() - interval '40 days',"
            " update_timestamp = now() - interval '40 days'"
        )
    printed = tmp_path / "home" / "dagster" / "storage" / first
    printed.mkdir(parents=True)

    forgotten = call("upkeep", "--json", **variables).json["counts"]["dagster"]

    assert (forgotten["runs"], forgotten["check_evaluations"], forgotten["is_complete"]) == (1, 3, True)
    kept = set(rows(engine, "select distinct run_id from dagster.event_logs"))
    assert first not in kept
    assert second in kept
    assert rows(engine, f"select count(*) from dagster.asset_check_executions where run_id = '{first}'") == [0]
    assert not printed.exists()
