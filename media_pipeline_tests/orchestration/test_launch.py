"""A full sync and a push from the command line's side: outcomes, errors, and what Dagster's page shows of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url

from media_pipeline.db import locks
from media_pipeline.db.engine import read_only, transaction
from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.emulator.server import EmulatorConfig, EmulatorThread
from media_pipeline.errors import (
    ActivityBusy,
    MediaPipelineError,
    MigrationNeeded,
    RemoteForbidden,
    RemoteRejectedKey,
    WrongCloud,
)
from media_pipeline.orchestration.instance import prepare_home, storage_url
from media_pipeline.orchestration.launch import PushOutcome, SyncOutcome, open_instance, run_full_sync, run_push
from media_pipeline.progress import Silent
from media_pipeline.settings import Environment, Settings, child_environment, load
from media_pipeline.vocabulary import RunState
from media_pipeline_tests.database import Postgres
from media_pipeline_tests.orchestration.conftest import ASSET_COUNT

pytestmark = pytest.mark.slow

_SYNC_UNTIL_KILLED = """
import sys
from media_pipeline.orchestration.launch import run_full_sync
from media_pipeline.progress import Silent
from media_pipeline.settings import load

class Waits(Silent):
    def advance(self, step, **counts):
        if step == "apply":
            print("applying", flush=True)
            sys.stdin.read()

run_full_sync(load(), actor="cli:doomed", progress=Waits())
"""


@pytest.fixture(scope="session")
def template_with_dagster(postgres: Postgres) -> Iterator[str]:
    """A migrated database in which Dagster has made its tables, which takes it seconds."""
    with postgres.database(template=postgres.template) as url, tempfile.TemporaryDirectory() as home:
        bare = load(home=Path(home))
        with open_instance(prepare_home(bare, url)["DAGSTER_HOME"], storage_url(bare, url)):
            pass
        yield make_url(url).database or ""


@pytest.fixture
def database_url(postgres: Postgres, template_with_dagster: str) -> Iterator[str]:
    with postgres.database(template=template_with_dagster) as url:
        yield url


def _sync(settings: Settings, progress: Silent | None = None) -> SyncOutcome:
    return run_full_sync(settings, actor="cli:tester", progress=progress or Silent())


def _rows(engine: Engine, sql: str) -> list[Any]:
    with read_only(engine) as connection:
        return list(connection.execute(text(sql)))


@pytest.fixture
def shown(settings: Settings, database_url: str) -> Callable[[], list[dg.DagsterRun]]:
    """The runs that Dagster's page shows, newest first."""

    def runs() -> list[dg.DagsterRun]:
        home = prepare_home(settings, database_url)["DAGSTER_HOME"]
        with open_instance(home, storage_url(settings, database_url)) as instance:
            return list(instance.get_runs())

    return runs


def test_the_outcome_says_what_happened(settings: Settings, engine: Engine) -> None:
    outcome = _sync(settings)

    assert outcome.state is RunState.SUCCEEDED
    assert outcome.counts["listing"]["assets"] == ASSET_COUNT
    assert outcome.counts["apply"]["created"] == ASSET_COUNT
    assert (outcome.problems, outcome.hold_ids, outcome.quarantined) == ((), (), 0)
    assert outcome.api_calls_used == sum(step["api_calls"] for step in outcome.counts.values()) + 1
    assert _rows(engine, "select id, dagster_run_id, actor from ops.run") == [
        (outcome.run_id, outcome.dagster_run_id, "cli:tester")
    ]


def test_dagsters_page_shows_the_run_with_its_actor(
    settings: Settings, shown: Callable[[], list[dg.DagsterRun]]
) -> None:
    outcome = _sync(settings)

    (run,) = shown()
    assert run.run_id == outcome.dagster_run_id
    assert (run.job_name, run.status) == ("full_sync", dg.DagsterRunStatus.SUCCESS)
    assert run.tags["media_pipeline/actor"] == "cli:tester"


def test_a_second_sync_changes_nothing_and_says_so(settings: Settings) -> None:
    _sync(settings)

    outcome = _sync(settings)

    assert outcome.counts["diff"]["created"] == outcome.counts["diff"]["updated"] == 0
    assert outcome.counts["apply"]["sealed_entries"] == 0


def test_a_held_sync_names_its_holds(settings: Settings, engine: Engine, control: ControlClient) -> None:
    _sync(settings)
    control.reset()

    outcome = _sync(settings)

    assert outcome.state is RunState.HELD
    assert outcome.hold_ids == tuple(
        row.id for row in _rows(engine, "select id from ops.hold where state = 'open' order by id desc")
    )
    assert len(outcome.hold_ids) > 0


def test_a_slice_that_broke_is_a_sentence_in_the_outcome(settings: Settings, control: ControlClient) -> None:
    control.add_faults(Rule(Kind.STATUS, method="GET", path="/resources/raw/upload*", times=1, status=503))

    outcome = _sync(settings)

    assert outcome.state is RunState.SUCCEEDED
    (problem,) = outcome.problems
    assert problem.startswith("raw/upload: ")


def test_another_cloud_is_refused_before_the_first_write(settings: Settings, engine: Engine, tmp_path: Path) -> None:
    _sync(settings)
    before = _state_of_everything(engine)

    with EmulatorThread(EmulatorConfig(tmp_path / "other", "other")) as other:
        elsewhere = settings.model_copy(update={"cloudinary_url": SecretStr(other.endpoints.cloudinary_url)})
        with pytest.raises(WrongCloud, match=r"mirrors emu-orchestration .* leads to emu-other") as refused:
            _sync(elsewhere)

    assert "another database" in refused.value.hint
    assert _state_of_everything(engine) == before


def test_production_refuses_the_emulator_before_the_first_write(settings: Settings, engine: Engine) -> None:
    before = _state_of_everything(engine)

    with pytest.raises(WrongCloud):
        _sync(settings.model_copy(update={"environment": Environment.PRODUCTION}))

    assert _state_of_everything(engine) == before


def test_a_refused_key_comes_out_as_itself(settings: Settings, control: ControlClient) -> None:
    control.add_faults(Rule(Kind.STATUS, method="GET", path="/config*", status=401))

    with pytest.raises(RemoteRejectedKey) as refused:
        _sync(settings)

    assert "CLOUDINARY_URL" in refused.value.hint


def test_a_database_without_migrations_is_refused_with_the_command(settings: Settings, empty_database_url: str) -> None:
    with pytest.raises(MigrationNeeded) as refused:
        _sync(settings.model_copy(update={"database_url": SecretStr(empty_database_url)}))

    assert "media-pipeline migrate" in refused.value.hint


def test_of_two_syncs_at_once_one_is_told_who_is_busy(
    settings: Settings, engine: Engine, shown: Callable[[], list[dg.DagsterRun]]
) -> None:
    is_listing, may_go_on = threading.Event(), threading.Event()
    outcomes: list[SyncOutcome] = []

    class Waits(Silent):
        def advance(self, step: str, *, done: int = 0, total: int | None = None, **counts: int) -> None:
            is_listing.set()
            may_go_on.wait(60)

    def sync_slowly() -> None:
        try:
            outcomes.append(_sync(settings, Waits()))
        finally:
            is_listing.set()

    first = threading.Thread(target=sync_slowly)
    first.start()
    try:
        assert is_listing.wait(60)
        with pytest.raises(ActivityBusy, match="is already being done by run 1 on "):
            _sync(settings)
    finally:
        may_go_on.set()
        first.join(60)

    assert [outcome.state for outcome in outcomes] == [RunState.SUCCEEDED]
    assert _rows(engine, "select id, state from ops.run order by id") == [(1, "succeeded"), (2, "failed")]
    assert {run.run_id: run.status.value for run in shown()} == {
        row.dagster_run_id: "SUCCESS" if row.state == "succeeded" else "FAILURE"
        for row in _rows(engine, "select dagster_run_id, state from ops.run")
    }


def test_a_check_that_protects_fails_the_sync_with_its_name(settings: Settings, engine: Engine) -> None:
    _sync(settings)
    with transaction(engine) as connection:
        connection.execute(text("update public.media_assets set row_version = row_version + 1"))

    with pytest.raises(MediaPipelineError, match="every_version_is_logged"):
        _sync(settings)


def test_a_person_who_stops_it_gets_the_usual_interrupt_and_the_next_sync_goes_on(
    settings: Settings, engine: Engine
) -> None:
    class StopsAtApply(Silent):
        def advance(self, step: str, *, done: int = 0, total: int | None = None, **counts: int) -> None:
            if step == "apply":
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        _sync(settings, StopsAtApply())

    assert _rows(engine, "select state, error from ops.run") == [("failed", "It was stopped before its end.")]
    assert _sync(settings).counts["apply"]["created"] == ASSET_COUNT


def test_an_interrupt_between_two_steps_is_one_as_well(
    settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = dg.DagsterInstance.handle_new_event

    def interrupted(self: dg.DagsterInstance, event: dg.EventLogEntry, **options: Any) -> None:
        report(self, event, **options)
        happened = event.dagster_event
        if happened is not None and happened.event_type is dg.DagsterEventType.STEP_SUCCESS:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(dg.DagsterInstance, "handle_new_event", interrupted)

    with pytest.raises(KeyboardInterrupt):
        _sync(settings)

    (run,) = _rows(engine, "select state, error from ops.run")
    assert run.state == "failed"


def test_a_step_that_fails_does_not_keep_those_beside_it_from_their_work(
    settings: Settings, engine: Engine, control: ControlClient
) -> None:
    control.add_faults(Rule(Kind.STATUS, path="/folders/search*", status=403))

    with pytest.raises(RemoteForbidden, match="folders"):
        _sync(settings)

    assert _rows(engine, "select count(*) from public.media_assets") == [(ASSET_COUNT,)]
    assert [row.state for row in _rows(engine, "select state from ops.run")] == ["failed"]


def test_a_sync_whose_process_is_killed_ends_when_the_next_one_comes(
    settings: Settings, engine: Engine, database_url: str, shown: Callable[[], list[dg.DagsterRun]]
) -> None:
    environment = child_environment(**prepare_home(settings, database_url), PYTHONPATH=os.pathsep.join(sys.path))
    doomed = subprocess.Popen(
        [sys.executable, "-c", _SYNC_UNTIL_KILLED],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with doomed:
        assert doomed.stdout is not None
        assert any(line == b"applying\n" for line in doomed.stdout)
        doomed.kill()
    (lost,) = shown()
    assert lost.status is dg.DagsterRunStatus.STARTED
    # A young row may belong to a process that is only just taking its lock.
    with transaction(engine) as connection:
        connection.execute(text("update ops.run set started_at = started_at - interval '2 minutes'"))

    outcome = _sync(settings)

    assert {run.run_id: run.status for run in shown()} == {
        lost.run_id: dg.DagsterRunStatus.FAILURE,
        outcome.dagster_run_id: dg.DagsterRunStatus.SUCCESS,
    }
    assert _rows(engine, "select state from ops.run order by id") == [("failed",), ("succeeded",)]


def test_no_secret_reaches_what_dagster_keeps(settings: Settings, engine: Engine, control: ControlClient) -> None:
    control.add_faults(Rule(Kind.STATUS, method="GET", path="/resources/raw/upload*", times=1, status=503))
    secret = settings.secrets[0]
    _sync(settings)

    tables = [row.tablename for row in _rows(engine, "select tablename from pg_tables where schemaname = 'dagster'")]
    assert len(tables) > 10
    for table in tables:
        rows = _rows(engine, f"select count(*) from dagster.\"{table}\" as t where t::text like '%{secret}%'")
        assert rows == [(0,)], table


@pytest.mark.slow
def test_without_any_setting_the_embedded_database_and_the_emulator_stand_in(server_home: Path) -> None:
    outcome = _sync(load(home=server_home))

    assert outcome.state is RunState.SUCCEEDED
    assert outcome.counts["listing"]["problems"] == []
    assert (server_home / "emulator").is_dir()


def _state_of_everything(engine: Engine) -> dict[str, object]:
    """Counts of every table of ours and the last value of every sequence."""
    tables = _rows(
        engine,
        "select schemaname, relname from pg_stat_user_tables where schemaname <> 'dagster' order by 1, 2",
    )
    counts = {
        f"{row.schemaname}.{row.relname}": _rows(
            engine, f'select count(*), max(xmin::text::bigint) from "{row.schemaname}"."{row.relname}"'
        )
        for row in tables
    }
    sequences = _rows(
        engine,
        "select schemaname, sequencename, last_value from pg_sequences where schemaname <> 'dagster' order by 1, 2",
    )
    return {**counts, "sequences": sequences}


def _edit(engine: Engine, *assignments: str) -> None:
    """A person edits the first picture, one edit after the other."""
    for assignment in assignments:
        with transaction(engine, role=None) as connection:
            first = "(select id from media_assets where resource_type = 'image' order by asset_id limit 1)"
            connection.execute(text(f"update media_assets set {assignment} where id = {first}"))


def _push(settings: Settings, progress: Silent | None = None) -> PushOutcome:
    return run_push(settings, actor="cli:tester", progress=progress or Silent())


def test_a_push_goes_on_until_every_operation_of_an_asset_is_done_and_shows_each_run(
    settings: Settings, engine: Engine, shown: Callable[[], list[dg.DagsterRun]]
) -> None:
    _sync(settings)
    # A deletion waits for the edits before it, though deletions are pushed first.
    _edit(engine, "tags = array['pushed']", "public_id = 'a name of ours'", "deleted_at = now()")

    outcome = _push(settings.model_copy(update={"undo_seconds": 0.0}))

    assert _rows(engine, "select distinct state from outbox.operation") == [("done",)]
    assert (outcome.counts["sent"], outcome.confirmed, outcome.problems) == (3, 3, ())
    assert [run.job_name for run in reversed(shown())] == ["full_sync", *["push_pending", "verify"] * 2]
    assert {run.tags["media_pipeline/actor"] for run in shown()} == {"cli:tester"}
    kinds = "select kind, state from ops.run where actor = 'cli:tester' order by id"
    assert _rows(engine, kinds) == [("full_sync", "succeeded"), *[("push", "succeeded"), ("verify", "succeeded")] * 2]
    assert len(outcome.run_ids) == len(outcome.dagster_run_ids) == 4


def test_a_push_without_edits_is_one_run_that_reads_nothing(
    settings: Settings, shown: Callable[[], list[dg.DagsterRun]]
) -> None:
    _sync(settings)

    outcome = _push(settings)

    assert shown()[0].job_name == "push_pending"
    assert (sum(outcome.counts.values()), outcome.confirmed) == (0, 0)
    assert outcome.api_calls_used == 1


def test_what_was_pushed_stays_pushed_where_another_process_reads_it(settings: Settings, engine: Engine) -> None:
    _sync(settings)
    _edit(engine, "tags = array['pushed']")
    notes: list[str] = []

    class Listens(Silent):
        def note(self, text: str) -> None:
            notes.append(text)

    with locks.activity(engine, "apply", holder="a sync elsewhere"):
        outcome = _push(settings, Listens())

    assert (outcome.counts["sent"], outcome.confirmed) == (1, 0)
    assert [note for note in notes if "a sync elsewhere" in note]
    assert _rows(engine, "select state from outbox.operation") == [("sent",)]


def test_a_push_to_another_cloud_is_refused_and_its_edits_wait(
    settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    _sync(settings)
    _edit(engine, "tags = array['pushed']")
    with EmulatorThread(EmulatorConfig(tmp_path / "other", "another-cloud")) as other:
        foreign = settings.model_copy(update={"cloudinary_url": SecretStr(other.endpoints.cloudinary_url)})
        with pytest.raises(WrongCloud):
            _push(foreign)

    assert _rows(engine, "select state from outbox.operation") == [("pending",)]
