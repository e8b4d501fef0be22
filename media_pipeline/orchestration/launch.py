"""One sync, one push or one upkeep in this process, as runs that Dagster's page shows.

Belongs here: the runs, their outcome, errors as the rooms raised them, runs whose process was killed.
Not here: what a run does (``assets``), how its outcome is printed (``cli``).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import dagster as dg
from dagster._core.events import RunFailureReason
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from pydantic import SecretStr
from sqlalchemy import Engine, Row

from media_pipeline import upkeep
from media_pipeline.db import embedded, migrate, statements
from media_pipeline.db.engine import create_engine, read_only
from media_pipeline.errors import ActivityBusy, MediaPipelineError
from media_pipeline.ops import holds
from media_pipeline.ops.runs import holder
from media_pipeline.orchestration.build import build_defs
from media_pipeline.orchestration.instance import prepare_home, storage_url
from media_pipeline.orchestration.resources import (
    DRAIN_CHANGE_FILES,
    FULL_SYNC,
    INCREMENTAL_SYNC,
    LAUNCHED_HERE,
    LIBRARY_REPORTS,
    OUTAGE_BACKFILL,
    OUTAGE_WINDOW,
    PUSH_PENDING,
    QUALITY,
    RECENT_CHANGES,
    STATISTICS,
    UPKEEP,
    VERIFY,
)
from media_pipeline.orchestration.upkeep import RunsForgotten, forget_runs
from media_pipeline.progress import Progress
from media_pipeline.reads.operations import count_pushable
from media_pipeline.settings import Settings
from media_pipeline.upkeep import DueMonth, Removed
from media_pipeline.vocabulary import HoldId, ReportId, RunId, RunState

REPORTS_BY_JOB: Final[Mapping[str, tuple[str, ...]]] = {
    STATISTICS: ("library_statistics",),
    LIBRARY_REPORTS: ("duplicate_report", "orphan_report", "conflicts"),
}
"""Which job makes which reports; a report is called as its asset."""

_ACTOR_TAG: Final = "media_pipeline/actor"
_NO_RETRY: Final = {"dagster/max_retries": "0"}
"""Who started the run is there to start it again."""

_TIME_TO_BEGIN: Final = timedelta(hours=1)
_STEPS_WITH_PROBLEMS: Final = ("listing", RECENT_CHANGES, OUTAGE_WINDOW, "mirror")
_PUSHED: Final = ("pushed_deletions", "pushed_uploads", "pushed_updates", "pushed_renames")
_OUTCOMES: Final = ("sent", "refused", "conflict", "unknown", "postponed", "stale")
_QUIET: Final = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True, slots=True)
class SyncOutcome:
    """What a sync led to.

    Attributes:
        state: succeeded, or held where something waits for a person; a sync that fails raises.
        counts: by step (listing, recent_changes or outage_window, mirror, diff, apply, folders, metadata_fields), as in
            ``ops.run``.
        problems: a sentence for each slice that was not listed to its end, for a search that did not show all, and
            for reads by id that paused.
        hold_ids: every hold that is open now.
        quarantined: records that were set aside and that nothing resolved since.
        api_calls_used: Admin API calls of this run.
    """

    run_id: RunId
    dagster_run_id: str
    state: RunState
    counts: Mapping[str, Mapping[str, Any]]
    problems: tuple[str, ...]
    hold_ids: tuple[HoldId, ...]
    quarantined: int
    api_calls_used: int
    duration_seconds: float


@dataclass(frozen=True, slots=True)
class PushOutcome:
    """What a push led to.

    Attributes:
        run_ids: runs of the jobs ``push_pending`` and ``verify``, in order; ``dagster_run_ids`` alike.
        counts: tries by their result (sent, refused, conflict, unknown, postponed), and operations that were edited
            after they were planned (stale).
        confirmed: operations that a read has shown to be done.
        problems: why the push, or the read of what it touched, paused; what is left goes on with the next push.
    """

    run_ids: tuple[RunId, ...]
    dagster_run_ids: tuple[str, ...]
    counts: Mapping[str, int]
    confirmed: int
    problems: tuple[str, ...]
    api_calls_used: int
    duration_seconds: float


@dataclass(frozen=True, slots=True)
class UpkeepOutcome:
    """What an upkeep led to; ``counts`` by step (done_work, log, dagster), as in ``ops.run``."""

    run_id: RunId
    dagster_run_id: str
    counts: Mapping[str, Mapping[str, Any]]
    duration_seconds: float


@dataclass(frozen=True, slots=True)
class UpkeepPreview:
    """What an upkeep would remove, archive and forget now."""

    done_work: Removed
    months: tuple[DueMonth, ...]
    dagster: RunsForgotten


def run_full_sync(settings: Settings, *, actor: str, progress: Progress) -> SyncOutcome:
    """Run the job ``full_sync`` in this process and wait for its end.

    Where the settings name no database the embedded one is used and migrated; where they name no cloud the
    emulator runs as long as the sync.

    Args:
        actor: who asks, e.g. ``cli:<user>``.
        progress: told of the work while it goes on.

    Raises:
        WrongCloud: the database belongs to another cloud; nothing was written.
        ActivityBusy: another process syncs.
        MigrationNeeded: the configured database lacks migrations.
        RemoteError, DatabaseError, ConfigurationError: as the rooms raise them.
        MediaPipelineError: a check that protects failed.
        KeyboardInterrupt: the user stopped it; the run is ended and another one goes on from there.
    """
    started = time.monotonic()
    with _launcher(settings, actor, progress, "media-pipeline sync") as launcher:
        run = launcher.execute(FULL_SYNC)
        return _outcome(launcher.engine, run, time.monotonic() - started)


def run_incremental_sync(settings: Settings, *, actor: str, progress: Progress) -> SyncOutcome:
    """Run the job ``incremental_sync`` in this process and wait for its end; all else as ``run_full_sync``."""
    started = time.monotonic()
    with _launcher(settings, actor, progress, "media-pipeline sync") as launcher:
        run = launcher.execute(INCREMENTAL_SYNC)
        return _outcome(launcher.engine, run, time.monotonic() - started)


def run_drain(settings: Settings, *, actor: str, progress: Progress) -> SyncOutcome:
    """Run the job ``drain_change_files`` in this process and wait for its end; all else as ``run_full_sync``."""
    started = time.monotonic()
    with _launcher(settings, actor, progress, "media-pipeline drain") as launcher:
        run = launcher.execute(DRAIN_CHANGE_FILES)
        return _outcome(launcher.engine, run, time.monotonic() - started)


def run_verify(settings: Settings, *, actor: str, progress: Progress) -> SyncOutcome:
    """Run the job ``verify`` in this process and wait for its end; all else as ``run_full_sync``."""
    started = time.monotonic()
    with _launcher(settings, actor, progress, "media-pipeline confirm") as launcher:
        run = launcher.execute(VERIFY)
        return _outcome(launcher.engine, run, time.monotonic() - started)


def run_quality(settings: Settings, *, actor: str, progress: Progress) -> ReportId:
    """Run the job ``quality`` in this process and wait for its end; raises what ``run_full_sync`` does.

    Returns:
        Number of the report.
    """
    with _launcher(settings, actor, progress, "media-pipeline quality") as launcher:
        return ReportId(launcher.execute(QUALITY).counts["quality"]["report_id"])


def run_reports(settings: Settings, name: str | None, *, actor: str, progress: Progress) -> tuple[str, ...]:
    """Run the jobs that make the report *name*, or all reports, in this process; all else as ``run_full_sync``.

    Returns:
        Names of the reports that were made.
    """
    with _launcher(settings, actor, progress, "media-pipeline reports") as launcher:
        made: list[str] = []
        for job, names in REPORTS_BY_JOB.items():
            if name is None or name in names:
                chosen = names if name is None else (name,)
                launcher.execute(job, only=chosen)
                made += chosen
        return tuple(made)


def run_backfill(
    settings: Settings, first_day: date, last_day: date, *, actor: str, progress: Progress
) -> tuple[SyncOutcome, SyncOutcome]:
    """Run the job ``outage_backfill`` over some days in this process, then ``full_sync``, which finds the deletions.

    Args:
        first_day: by UTC, like *last_day*, which is included; both are partitions of ``outage_window``.

    Returns:
        What each of the two led to.

    Raises:
        The same as ``run_full_sync``; called again it goes on where it stopped.
    """
    with _launcher(settings, actor, progress, "media-pipeline backfill") as launcher:
        days = {
            ASSET_PARTITION_RANGE_START_TAG: first_day.isoformat(),
            ASSET_PARTITION_RANGE_END_TAG: last_day.isoformat(),
        }
        outcomes = []
        for job, tags in ((OUTAGE_BACKFILL, days), (FULL_SYNC, {})):
            started = time.monotonic()
            run = launcher.execute(job, tags)
            outcomes.append(_outcome(launcher.engine, run, time.monotonic() - started))
        return outcomes[0], outcomes[1]


def run_push(settings: Settings, *, actor: str, progress: Progress) -> PushOutcome:
    """Run the job ``push_pending`` in this process, then ``verify``, until nothing is left that can be pushed now.

    An asset's operations are done one after the other, each after the one before it was sent; hence the rounds.

    Args:
        actor: who asks, e.g. ``cli:<user>``.
        progress: told of the work while it goes on.

    Raises:
        The same as ``run_full_sync``; what was pushed by then is confirmed by a later read.
    """
    started = time.monotonic()
    done: list[Row[Any]] = []
    counts: Counter[str] = Counter()
    confirmed = 0
    problems: list[str] = []
    with _launcher(settings, actor, progress, "media-pipeline push") as launcher:
        while not problems:
            run = launcher.execute(PUSH_PENDING)
            done.append(run)
            parts = [run.counts[name] for name in _PUSHED]
            counts.update({name: sum(part[name] for part in parts) for name in _OUTCOMES})
            problems += dict.fromkeys(part["paused_reason"] for part in parts if part["paused_reason"])
            if launcher.is_due():
                try:
                    run = launcher.execute(VERIFY)
                except ActivityBusy as busy:
                    progress.note(f"What was pushed is being read by another process: {busy.holder}.")
                    break
                done.append(run)
                confirmed += int(run.counts["apply"]["confirmed_operations"])
                problems += run.counts["mirror"]["problems"]
            if not sum(part["sent"] for part in parts) or not count_pushable(launcher.engine, settings.undo_seconds):
                break
    return PushOutcome(
        run_ids=tuple(RunId(run.id) for run in done),
        dagster_run_ids=tuple(run.dagster_run_id for run in done),
        counts=counts,
        confirmed=confirmed,
        problems=tuple(problems),
        api_calls_used=sum(int(run.counts["total"]["api_calls"]) for run in done),
        duration_seconds=time.monotonic() - started,
    )


def run_upkeep(settings: Settings, *, actor: str, progress: Progress) -> UpkeepOutcome:
    """Run the job ``upkeep`` in this process and wait for its end. It asks nothing of the cloud.

    Args:
        actor: who asks, e.g. ``cli:<user>``.
        progress: told of the work while it goes on.

    Raises:
        ActivityBusy: another process is at it.
        ArchiveUnwritable, MigrationNeeded, DatabaseError, ConfigurationError: as the rooms raise them.
        KeyboardInterrupt: the user stopped it; the next one goes on from there.
    """
    started = time.monotonic()
    with _launcher(settings, actor, progress, "media-pipeline upkeep") as launcher:
        run = launcher.execute(UPKEEP)
    return UpkeepOutcome(RunId(run.id), run.dagster_run_id, dict(run.counts), time.monotonic() - started)


def preview_upkeep(settings: Settings, *, actor: str, progress: Progress) -> UpkeepPreview:
    """Count what ``run_upkeep`` would do now; no run, and nothing stays written.

    Raises:
        ActivityBusy: another process is at it.
    """
    days, log_days = settings.retention_days, settings.log_retention_days
    with _launcher(settings, actor, progress, "media-pipeline upkeep") as launcher:
        migrate.require_current(launcher.engine)
        return UpkeepPreview(
            done_work=upkeep.remove_done_work(
                launcher.engine, retention_days=days, holder=holder("upkeep"), progress=progress, is_dry_run=True
            ),
            months=upkeep.list_due_months(launcher.engine, log_days),
            dagster=forget_runs(launcher.instance, retention_days=days, log_retention_days=log_days, is_dry_run=True),
        )


@dataclass(frozen=True, slots=True)
class _Launcher:
    """Executes jobs, one after the other."""

    engine: Engine
    settings: Settings
    instance: dg.DagsterInstance
    actor: str
    progress: Progress

    def execute(self, job: str, tags: Mapping[str, str] | None = None, *, only: Sequence[str] = ()) -> Row[Any]:
        """One run, of the assets *only* where some are named; returns its row of ``ops.run``."""
        dagster_run_id = str(uuid4())
        _execute(self.instance, self.settings, self.progress, self.actor, job, dagster_run_id, tags or {}, only)
        _end_lost_runs(self.instance, self.engine)
        with read_only(self.engine) as connection:
            return statements.run(connection, "reads/560_find_runs", dagster_run_ids=[dagster_run_id]).one()

    def is_due(self) -> bool:
        """Whether an asset waits to be read now."""
        with read_only(self.engine) as connection:
            return bool(statements.run(connection, "reads/040_read_queue").one().due_count)


@contextmanager
def _launcher(settings: Settings, actor: str, progress: Progress, application_name: str) -> Iterator[_Launcher]:
    with embedded.database(settings) as url:
        engine = create_engine(url, pool_size=2, application_name=application_name)
        try:
            if settings.database_url is None:
                migrate.upgrade(engine)
            known = settings.model_copy(update={"database_url": SecretStr(url)})
            with open_instance(prepare_home(settings, url)["DAGSTER_HOME"], storage_url(settings, url)) as instance:
                yield _Launcher(engine, known, instance, actor, progress)
        finally:
            engine.dispose()


@contextmanager
def open_instance(home: str, url: str) -> Iterator[dg.DagsterInstance]:
    """The instance that Dagster's web page shows, with the console left to us.

    Args:
        home: Dagster's home directory.
        url: address of its tables.
    """
    overrides = {
        # What dagster.yaml takes from the settings of its process; ours may have been given otherwise.
        "storage": {"postgres": {"postgres_url": url}},
        # The usual manager takes standard output away for each step, and with it the progress bars.
        "compute_logs": {
            "module": "dagster._core.storage.noop_compute_log_manager",
            "class": "NoOpComputeLogManager",
        },
    }
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(home, overrides=overrides)) as instance:
        yield instance


def _execute(
    instance: dg.DagsterInstance,
    settings: Settings,
    progress: Progress,
    actor: str,
    job: str,
    dagster_run_id: str,
    tags: Mapping[str, str],
    only: Sequence[str],
) -> None:
    failures: list[BaseException] = []
    defs = build_defs(settings=settings, progress=progress, actor=actor, on_failure=failures.append)
    # As in Dagster's own processes, a step that fails does not keep the steps beside it from their work.
    result = defs.resolve_job_def(job).execute_in_process(
        run_config=_QUIET,
        instance=instance,
        run_id=dagster_run_id,
        tags={**LAUNCHED_HERE, **_NO_RETRY, _ACTOR_TAG: actor, **tags},
        asset_selection=[dg.AssetKey(name) for name in only] or None,
        raise_on_error=False,
    )
    if failures and isinstance(failures[0], Exception):
        raise failures[0]
    if failures or _was_interrupted(result):
        raise KeyboardInterrupt
    if not result.success:
        broken = [f"{one.asset_key.to_user_string()}: {one.check_name}" for one in _broken_rules(result)]
        raise MediaPipelineError(
            f"The run failed: {', '.join(broken) or 'Dagster could not run it to its end'}.",
            hint=f"Dagster's page shows the run {dagster_run_id} step by step.",
        )


def _was_interrupted(result: dg.ExecuteInProcessResult) -> bool:
    """Whether the person's interrupt came between two steps."""
    return any(
        event.job_failure_data.failure_reason is RunFailureReason.UNEXPECTED_TERMINATION
        for event in result.filter_events(lambda event: event.event_type is dg.DagsterEventType.RUN_FAILURE)
    )


def _broken_rules(result: dg.ExecuteInProcessResult) -> list[dg.AssetCheckEvaluation]:
    return [
        one
        for one in result.get_asset_check_evaluations()
        if not one.passed and one.severity is dg.AssetCheckSeverity.ERROR
    ]


def _outcome(engine: Engine, run: Row[Any], duration_seconds: float) -> SyncOutcome:
    with read_only(engine) as connection:
        quarantined = statements.run(connection, "reads/570_list_quarantined", row_limit=1).first()
    counts = dict(run.counts)
    total = counts.pop("total")
    return SyncOutcome(
        run_id=RunId(run.id),
        dagster_run_id=run.dagster_run_id,
        state=RunState(run.state),
        counts=counts,
        problems=tuple(one for step in _STEPS_WITH_PROBLEMS for one in counts.get(step, {}).get("problems", ())),
        hold_ids=tuple(hold.id for hold in holds.list_holds(engine)),
        quarantined=0 if quarantined is None else int(quarantined.total_count),
        api_calls_used=int(total["api_calls"]),
        duration_seconds=duration_seconds,
    )


def _end_lost_runs(instance: dg.DagsterInstance, engine: Engine) -> None:
    """End the runs of command lines that were killed: Dagster watches only processes that it started itself.

    Our own run has just ended the rows of dead ones; a run without any row got lost before it began.
    """
    unended = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
    records = instance.get_run_records(dg.RunsFilter(statuses=unended, tags=LAUNCHED_HERE))
    with read_only(engine) as connection:
        ids = [record.dagster_run.run_id for record in records]
        rows = statements.run(connection, "reads/560_find_runs", dagster_run_ids=ids)
        states = {row.dagster_run_id: row.state for row in rows}
    oldest = datetime.now(UTC) - _TIME_TO_BEGIN
    for record in records:
        run = record.dagster_run
        state = states.get(run.run_id)
        if state not in (None, RunState.RUNNING) or (state is None and record.create_timestamp < oldest):
            instance.report_run_failed(run, "Its process ended without a word, e.g. it was killed.")
