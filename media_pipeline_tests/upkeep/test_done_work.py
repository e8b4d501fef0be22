"""What is done with goes, by statement and by policy; nothing that somebody still needs does."""

from __future__ import annotations

from typing import Final

import pytest
from sqlalchemy import Engine

from media_pipeline import upkeep
from media_pipeline.db import locks
from media_pipeline.db.engine import read_only, transaction
from media_pipeline.errors import ActivityBusy
from media_pipeline.progress import Silent
from media_pipeline.upkeep import TABLES, Removed, done_work
from media_pipeline_tests.migrations.catalogue import rows

OLD: Final = "now() - interval '40 days'"
RECENT: Final = "now() - interval '10 days'"
FRESH: Final = "now() - interval '1 hour'"

KEYS: Final = {
    "landing.listing_page": "listing_run_id || ':' || page_number",
    "diff.change": "change_set_id || ':' || right(asset_id, 2)",
    "outbox.push_plan_item": "push_plan_id || ':' || operation_id",
    "ops.api_call": "purpose",
}
"""How a row is named here, where not by its id."""

# By table: rows as SQL, and which of them stay. All are old unless their comment says otherwise.
WORLD: Final = f"""
insert into ops.run (id, kind, state, actor, started_at, finished_at, counts, error) overriding system value values
  (1, 'full_sync', 'succeeded', 'cli:test', now() - interval '500 days', now() - interval '500 days', '{{}}', null),
  (2, 'full_sync', 'succeeded', 'cli:test', {OLD}, {OLD}, '{{"folders": {{}}, "metadata_fields": {{}}}}', null),
  (3, 'verify', 'succeeded', 'cli:test', now() - interval '500 days', now() - interval '500 days', '{{}}', null),
  (4, 'verify', 'failed', 'cli:test', now() - interval '500 days', now() - interval '500 days', '{{}}', 'broken'),
  (5, 'verify', 'running', 'cli:test', now() - interval '500 days', null, '{{}}', null),
  (6, 'verify', 'succeeded', 'cli:test', now() - interval '500 days', now() - interval '500 days', '{{}}', null),
  (7, 'canary', 'failed', 'cli:test', now() - interval '500 days', now() - interval '500 days', '{{}}', 'broken'),
  (8, 'canary', 'failed', 'cli:test', {OLD}, {OLD}, '{{}}', 'broken');

insert into landing.listing_run (
  id, run_id, resource_type, delivery_type, state, scope, started_at, finished_at, broken_reason
) overriding system value values
  (1, 7, 'image', 'upload', 'closed', 'a', {OLD}, {OLD}, null),
  (2, null, 'image', 'upload', 'closed', 'a', {OLD}, {OLD}, null),     -- a quarantined record names it
  (3, null, 'image', 'upload', 'broken', 'a', {OLD}, {OLD}, 'b'),      -- has a page that nobody took over
  (4, null, 'image', 'upload', 'closed', 'a', {OLD}, {OLD}, null),     -- the newest whole one
  (5, null, 'image', 'upload', 'broken', 'a', {OLD}, {OLD}, 'b'),      -- how the last one ended
  (6, null, 'video', 'upload', 'closed', 'a', {OLD}, {OLD}, null),
  (7, null, 'video', 'upload', 'held', 'a', {OLD}, {OLD}, null),       -- waits for a person
  (8, null, 'raw', 'upload', 'complete', 'a', {OLD}, {OLD}, null),     -- nothing was concluded from it yet
  (9, null, 'raw', 'private', 'open', 'a', {OLD}, null, null),
  (10, null, 'image', 'private', 'closed', 'a', {OLD}, {OLD}, null);   -- the only one of its slice
insert into landing.listing_page (
  listing_run_id, page_number, touch_low, body, body_size_bytes, body_digest, records_digest, asset_count,
  received_at, applied_at
) select
  n, p, 1, '12345', 5, sha256('a'), sha256('a'), 1, {OLD}, case when (n, p) in ((3, 2), (9, 1)) then null else {OLD} end
from (values (1, 1), (1, 2), (3, 1), (3, 2), (7, 1), (8, 1), (9, 1)) as v (n, p);
insert into mirror.quarantine (id, listing_run_id, reason, detail, body, body_digest, resolved_at)
overriding system value values
  (1, 1, 'r', 'd', '123', sha256('1'), {OLD}), (2, 2, 'r', 'd', '123', sha256('2'), null),
  (3, null, 'r', 'd', '123', sha256('3'), {RECENT});

insert into landing.notification (
  id, body_digest, body, headers, channel, received_at, last_received_at, outcome, reason, landed_at, is_undefined
) overriding system value values
  (1, sha256('1'), '1234567', '{{}}', 'webhook', {OLD}, {OLD}, 'hinted', null, {OLD}, false),
  (2, sha256('2'), '1', '{{}}', 'webhook', {OLD}, {OLD}, 'quarantined', 'unreadable', {OLD}, false),
  (3, sha256('3'), '1', '{{}}', 'webhook', {OLD}, {OLD}, 'folders', null, {OLD} - interval '1 day', false),
  (4, sha256('4'), '1', '{{}}', 'webhook', {OLD}, {OLD}, 'folders', null, {OLD} + interval '1 day', false), -- unread
  (5, sha256('5'), '1', '{{}}', 'webhook', {OLD}, {OLD}, 'hinted', null, {OLD} + interval '1 day', true),   -- nor this
  (6, sha256('6'), '1', '{{}}', 'webhook', {RECENT}, {RECENT}, 'hinted', null, {RECENT}, false),
  (7, sha256('7'), '1', '{{}}', 'webhook', {OLD}, {OLD}, 'hinted', null, {OLD}, false); -- the newest

insert into landing.change_window (id, kind, low_at, high_at, state, broken_reason, finished_at)
overriding system value values
  (1, 'recent', {OLD}, {OLD}, 'complete', null, {OLD}), (2, 'recent', {OLD}, {OLD}, 'complete', null, {OLD}),
  (3, 'recent', {OLD}, {OLD}, 'broken', 'b', {OLD}), (4, 'outage', {OLD}, {OLD}, 'complete', null, {OLD}),
  (5, 'outage', {OLD}, {OLD}, 'open', null, null), (6, 'outage', {OLD}, {OLD}, 'broken', 'b', {RECENT});

insert into diff.change_set (id, state, finished_at) overriding system value values
  (1, 'applied', {OLD}), (2, 'superseded', {OLD}), (3, 'applied', {OLD}), (4, 'superseded', {OLD}),
  (5, 'pending', null);
insert into diff.change (change_set_id, asset_id, kind, state, refusal) values
  (1, repeat('0', 30) || '01', 'created', 'applied', null), (1, repeat('0', 30) || '02', 'created', 'refused', 'no'),
  (2, repeat('0', 30) || '03', 'created', 'superseded', null), (2, repeat('0', 30) || '04', 'deleted', 'held', null),
  (3, repeat('0', 30) || '05', 'deleted', 'applied', null), (3, repeat('0', 30) || '06', 'deleted', 'held', null),
  (5, repeat('0', 30) || '07', 'created', 'pending', null);

insert into outbox.operation (id, kind, asset_id, state, base, wanted, actor, outcome, finished_at)
overriding system value values
  (1, 'upload', 'a', 'done', '{{}}', '{{}}', 'cli:test', null, {OLD}),
  (2, 'upload', 'b', 'pending', '{{}}', '{{}}', 'cli:test', null, null),
  (3, 'upload', 'c', 'conflict', '{{}}', '{{}}', 'cli:test', 'both', {OLD}),
  (4, 'upload', 'd', 'done', '{{}}', '{{}}', 'cli:test', null, {RECENT}),
  (5, 'upload', 'e', 'cancelled', '{{}}', '{{}}', 'cli:test', null, {OLD}),
  (6, 'upload', 'f', 'sent', '{{}}', '{{}}', 'cli:test', null, null);
insert into outbox.conflict (operation_id, asset_id, field, key) values (3, 'c', 'tags', '');
insert into outbox.push_plan (
  id, part, state, digest, operation_count, admin_call_count, upload_call_count, estimated_seconds, reason, planned_at,
  decided_at, decided_by, finished_at
) overriding system value
select n, part, state, sha256('a'), 1, 1, 1, 1, 'much', {OLD},
  case when state in ('approved', 'applied', 'rejected') then {OLD} end,
  case when state in ('approved', 'applied', 'rejected') then 'guard' end,
  case when state in ('rejected', 'superseded', 'applied') then {OLD} end
from (values
  (1, 'edits', 'applied'), (2, 'edits', 'superseded'), (3, 'deletions', 'held'), (4, 'edits', 'approved'),
  (5, 'edits', 'rejected'), (6, 'edits', 'applied')
) as v (n, part, state);
insert into outbox.push_plan_item (push_plan_id, operation_id, digest) values
  (1, 1, sha256('a')), (1, 3, sha256('a')), (2, 2, sha256('a')), (3, 5, sha256('a')), (4, 5, sha256('a')),
  (5, 5, sha256('a')), (6, 4, sha256('a'));
insert into outbox.attempt (id, operation_id, push_plan_id, lease, started_at) overriding system value values
  (1, 1, 1, gen_random_uuid(), {OLD}), (2, 2, 2, gen_random_uuid(), {OLD}), (3, 3, 1, gen_random_uuid(), {OLD}),
  (4, 4, 6, gen_random_uuid(), {OLD}), (5, 6, 4, gen_random_uuid(), {OLD});

insert into ops.canary_touch (id, run_id, asset_id, touched_at, is_sent, notified_at, applied_at)
overriding system value values
  (1, null, 'c', now() - interval '100 days', true, null, null),                    -- told of no more after 90 days
  (2, null, 'c', {OLD} - interval '3 hours', true, {OLD}, {OLD}),
  (3, null, 'c', {OLD} - interval '2 hours', true, {OLD}, {OLD}),                   -- ends what run 2 repaired
  (4, null, 'c', {OLD} + interval '1 hour', true, null, {OLD}),                     -- lost, and no sync since: stays
  (5, 8, 'c', {OLD} + interval '2 hours', true, {OLD}, {OLD}),                      -- the last proof
  (6, null, 'c', {OLD} + interval '3 hours', false, null, null);                    -- the last one
insert into ops.api_call (window_at, purpose) values ({OLD}, 'listing'), ({RECENT}, 'verify'), ({FRESH}, 'push');
insert into quality.report (id, started_at, finished_at) overriding system value values
  (1, {OLD}, {OLD}), (2, {RECENT}, {RECENT}), (3, {OLD}, {OLD});                     -- 3 is the newest one: stays
insert into quality.result (report_id, suite, expectation, position, severity, state) values
  (1, 'ranges', 'sizes_can_be', 1, 'warning', 'met'), (2, 'ranges', 'sizes_can_be', 1, 'warning', 'met');
insert into audit.archived_month (month, end_at, file_name, file_sha256, file_size_bytes, entry_count)
values ('2020-01', now() - interval '420 days', 'a', sha256('a'), 1, 0);
"""

STAYS: Final = {
    "landing.listing_page": ["3:2", "7:1", "8:1", "9:1"],
    "mirror.quarantine": ["2", "3"],
    "landing.listing_run": ["10", "2", "3", "4", "5", "7", "8", "9"],
    "landing.notification": ["2", "4", "5", "6", "7"],
    "landing.change_window": ["2", "3", "5", "6"],
    "diff.change": ["2:04", "3:05", "3:06", "5:07"],
    "diff.change_set": ["2", "3", "4", "5"],
    "outbox.attempt": ["2", "3", "4", "5"],
    "outbox.push_plan_item": ["1:3", "2:2", "3:5", "4:5", "6:4"],
    "outbox.push_plan": ["1", "2", "3", "4", "6"],
    "ops.canary_touch": ["3", "4", "5", "6"],
    "ops.api_call": ["push", "verify"],
    "quality.report": ["2", "3"],
    "ops.run": ["2", "5", "6", "8"],
}


@pytest.fixture
def world(engine: Engine) -> Engine:
    with engine.begin() as connection:
        connection.exec_driver_sql("set local session_replication_role = 'replica'")
        connection.exec_driver_sql(WORLD.replace("%", "%%"))
    return engine


def left(engine: Engine, table: str) -> list[str]:
    return sorted(rows(engine, f"select ({KEYS.get(table, 'id')})::text from {table}"))


def everything(engine: Engine) -> dict[str, list[str]]:
    return {table: left(engine, table) for table in TABLES}


def remove(engine: Engine, *, is_dry_run: bool = False, retention_days: int = 30) -> Removed:
    return upkeep.remove_done_work(
        engine, retention_days=retention_days, holder="a test", progress=Silent(), is_dry_run=is_dry_run
    )


def test_what_is_done_with_goes_and_what_somebody_needs_stays(world: Engine) -> None:
    before = everything(world)

    removed = remove(world)

    assert everything(world) == STAYS
    assert removed.rows == {table: len(before[table]) - len(STAYS[table]) for table in TABLES}
    assert all(removed.rows.values())
    # Three pages, a bad record, two notifications.
    assert removed.size_bytes == 3 * 5 + 3 + 7 + 1
    assert (removed.is_complete, removed.is_dry_run) == (True, False)


def test_a_quality_report_goes_with_its_results(world: Engine) -> None:
    remove(world)

    assert rows(world, "select report_id from quality.result") == [2]


def test_a_second_time_nothing_is_left_to_remove(world: Engine) -> None:
    remove(world)

    assert not any(remove(world).rows.values())


def test_in_batches_of_one_row_the_same_goes(world: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(done_work, "_BATCH_ROWS", 1)

    remove(world)

    assert everything(world) == STAYS


def test_a_dry_run_counts_the_same_and_removes_nothing(world: Engine) -> None:
    before = everything(world)

    looked = remove(world, is_dry_run=True)

    assert everything(world) == before
    assert remove(world).rows == looked.rows


def test_a_time_that_is_over_leaves_the_rest_to_the_next_run(world: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(done_work, "_BATCH_ROWS", 1)
    with monkeypatch.context() as patch:
        patch.setattr(done_work, "_TIME_LIMIT_SECONDS", 0.0)
        first = remove(world)

    assert (sum(first.rows.values()), first.is_complete) == (1, False)
    remove(world)
    assert everything(world) == STAYS


def test_a_longer_retention_keeps_what_a_shorter_one_removes(world: Engine) -> None:
    removed = remove(world, retention_days=60)

    assert {table: count for table, count in removed.rows.items() if count} == {"ops.canary_touch": 1, "ops.run": 3}


@pytest.fixture
def without_conditions(world: Engine) -> Engine:
    """The same, after the role was told to delete everything, a day being all that it respects."""
    with world.begin() as connection:
        connection.exec_driver_sql("set local session_replication_role = 'replica'")
        connection.exec_driver_sql(f"update ops.api_call set window_at = {FRESH} where purpose <> 'listing'")
    with transaction(world, role=done_work.UPKEEP_ROLE) as connection:
        for table in TABLES:
            connection.exec_driver_sql(f"delete from {table}")
    return world


def test_a_statement_without_any_condition_removes_nothing_that_somebody_needs(without_conditions: Engine) -> None:
    found = everything(without_conditions)

    # Ten days suffice for the policies: with these rows gone as well, others have nothing that refers to them.
    assert found == {
        **STAYS,
        "mirror.quarantine": ["2"],
        "landing.notification": ["2", "4", "5", "7"],
        "landing.change_window": ["2", "3", "5"],
        "outbox.attempt": ["2", "3", "5"],
        "outbox.push_plan_item": ["1:3", "2:2", "3:5", "4:5"],
        "outbox.push_plan": ["1", "2", "3", "4"],
        "quality.report": ["3"],
    }


@pytest.mark.parametrize("table", TABLES)
def test_the_role_changes_no_row_and_empties_no_table(engine: Engine, table: str) -> None:
    allowed = "select has_table_privilege('media_upkeep', %(table)s, 'insert, update, truncate, references, trigger')"

    assert rows(engine, allowed, table=table) == [False]


def test_the_role_deletes_from_no_other_table(engine: Engine) -> None:
    with read_only(engine) as connection:
        deletable = connection.exec_driver_sql(
            "select c.oid::regclass::text from pg_class c where c.relkind in ('r', 'p') "
            "and has_table_privilege('media_upkeep', c.oid, 'delete')"
        ).scalars()
        assert set(deletable) == set(TABLES)


def test_whatever_refers_to_a_run_is_named_by_the_policy_over_runs(engine: Engine) -> None:
    """Else a run that something refers to would end the upkeep with an error."""
    referring = rows(
        engine,
        "select c.conrelid::regclass::text from pg_constraint c"
        " where c.contype = 'f' and c.confrelid = 'ops.run'::regclass",
    )
    (policy,) = rows(
        engine, "select pg_get_expr(p.polqual, p.polrelid) from pg_policy p where p.polname = 'run_upkeep'"
    )

    assert len(referring) >= 7
    assert [table for table in referring if f"FROM {table} " not in policy] == []


def test_runs_stay_as_long_as_their_months_of_the_log(world: Engine) -> None:
    with world.begin() as connection:
        connection.exec_driver_sql("set local session_replication_role = 'replica'")
        connection.exec_driver_sql("delete from audit.archived_month")

    assert remove(world).rows["ops.run"] == 0


def test_one_process_at_a_time_removes(world: Engine) -> None:
    with locks.activity(world, "upkeep of done work", holder="another"), pytest.raises(ActivityBusy):
        remove(world)
