"""What the assets and checks of one Dagster run share: settings, database, client, and the run's row.

Belongs here: opening these when first needed, closing them, beginning and ending the row in ``ops.run``.
Not here: what a step does (``assets``), what is checked (``checks``).
Tables: writes ops.run (through ``ops.runs``).

    first step ──▶ cloud identified ──▶ ops.run running ──▶ database bound ──▶ steps ──▶ succeeded | held | failed
                        └─ another cloud: refused, and nothing was written
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cached_property
from typing import Any, Final

import dagster as dg
import structlog
from sqlalchemy import Engine
from structlog.contextvars import bind_contextvars, bound_contextvars

from media_pipeline import logs, push
from media_pipeline import settings as settings_module
from media_pipeline.budget import Ledger
from media_pipeline.db import embedded, migrate
from media_pipeline.db.engine import create_engine, read_only
from media_pipeline.errors import MediaPipelineError, RemoteError
from media_pipeline.mirror import PagesTaken
from media_pipeline.ops import binding, holds, runs
from media_pipeline.orchestration.run_log import RunLog
from media_pipeline.progress import Progress
from media_pipeline.reads import metrics
from media_pipeline.remote.calls import Budget, UnlimitedBudget
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.remote.identity import identify
from media_pipeline.settings import CloudCredentials, Environment, Settings
from media_pipeline.vocabulary import CallPurpose, CloudIdentity, RunId, RunKind, RunState

log = structlog.get_logger()

FULL_SYNC: Final = "full_sync"
INCREMENTAL_SYNC: Final = "incremental_sync"
OUTAGE_BACKFILL: Final = "outage_backfill"
VERIFY: Final = "verify"
PUSH_PENDING: Final = "push_pending"
DRAIN_CHANGE_FILES: Final = "drain_change_files"
TOUCH_CANARY: Final = "touch_canary"
REFRESH_DEFINITIONS: Final = "refresh_definitions"
QUALITY: Final = "quality"
STATISTICS: Final = "statistics"
LIBRARY_REPORTS: Final = "library_reports"
UPKEEP: Final = "upkeep"
"""Names of the jobs."""

RECENT_CHANGES: Final = "recent_changes"
OUTAGE_WINDOW: Final = "outage_window"
"""Names of the assets that ask the search."""

LAUNCHED_HERE: Final = {"media_pipeline/launched_by": "command line"}
"""Tag of the runs whose process Dagster did not start and does not watch."""

_CHAIN: Final = frozenset({"cloudinary_listing", "remote_assets", "diff_set", "media_assets"})
"""A run that takes all of these steps is a full sync; a part chosen by hand is not."""

_PUSH: Final = frozenset({"push_plan", "pushed_deletions", "pushed_uploads", "pushed_updates", "pushed_renames"})
"""A run that takes some of these steps, and is no full sync, is a push."""

_KINDS: Final = {
    VERIFY: RunKind.VERIFY,
    DRAIN_CHANGE_FILES: RunKind.DRAIN,
    TOUCH_CANARY: RunKind.CANARY,
    REFRESH_DEFINITIONS: RunKind.DEFINITIONS,
    QUALITY: RunKind.QUALITY,
    STATISTICS: RunKind.REPORTS,
    LIBRARY_REPORTS: RunKind.REPORTS,
    UPKEEP: RunKind.UPKEEP,
}
"""Of runs that are neither a full sync nor a push."""

_PATIENCE_SECONDS: Final = 300.0
"""How long a run of a sensor or a schedule waits for a command line that does the same."""

_RESUMED: Final = "dagster/resume_retry"
"""Dagster's tag of a run that takes only those steps that its parent did not get to."""

_ERROR_LENGTH: Final = 2000
_EMULATED_CLOUD: Final = "emu-demo"


class Meter:
    """A budget that counts what one run spends and asks another budget for leave; slices spend side by side."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._lock = threading.Lock()
        self.spent = 0

    def acquire(self, purpose: CallPurpose, call: str) -> None:
        """Ask the other budget."""
        self._budget.acquire(purpose, call)

    def observe(
        self,
        limit: int | None,
        remaining: int | None,
        reset_at: datetime | None,
        *,
        call: str,
        purpose: CallPurpose,
        cost: int,
    ) -> None:
        """Count, and tell the other budget."""
        with self._lock:
            self.spent += cost
        self._budget.observe(limit, remaining, reset_at, call=call, purpose=purpose, cost=cost)


@dataclass(frozen=True, slots=True)
class LocalStep:
    """What one step works with that asks nothing of the cloud."""

    engine: Engine
    settings: Settings
    run_id: RunId
    progress: Progress
    wait_seconds: float
    """How long to wait for a process that does the same."""
    count: Callable[[Mapping[str, Any]], int]
    """Keeps the step's counts in ``ops.run``; returns the Admin API calls it used so far."""


@dataclass(frozen=True, slots=True)
class Step(LocalStep):
    """What one step works with."""

    client: CloudinaryClient


class Pipeline:
    """One Dagster run's view of the deployment. Its steps follow each other in one process.

    Nothing is opened before it is needed: a run of checks alone opens the database and no more, and leaves
    no row in ``ops.run``.
    """

    def __init__(
        self,
        *,
        settings: Settings | None,
        progress: Progress,
        actor: str,
        on_failure: Callable[[BaseException], None] | None,
        dagster_run: dg.DagsterRun,
        instance: dg.DagsterInstance,
    ) -> None:
        self.pages_taken = PagesTaken()
        """What was taken over while the run listed the cloud, for the step that counts it."""
        self._given_settings = settings
        self._progress = progress
        self._actor = actor
        self._on_failure = on_failure
        self._dagster_run = dagster_run
        self._instance = instance
        self._stack = ExitStack()
        self._run_id: RunId | None = None
        self._client: CloudinaryClient | None = None
        self._meters: list[Meter] = []
        self._refusal: MediaPipelineError | None = None
        self._failure: BaseException | None = None
        self._started_at = time.monotonic()

    @cached_property
    def settings(self) -> Settings:
        """The settings of this deployment.

        Raises:
            ConfigurationError: naming every wrong variable.
        """
        if self._given_settings is not None:
            return self._given_settings
        loaded = settings_module.load()
        logs.configure(level=loaded.log_level, json=loaded.log_json, secrets=loaded.secrets)
        return loaded

    @cached_property
    def engine(self) -> Engine:
        """The database, at the state that this program expects; the embedded one is brought there.

        Raises:
            MigrationNeeded: a configured database lacks migrations.
            DatabaseUnreachable, EmbeddedServerError: there is none.
        """
        url = self._stack.enter_context(embedded.database(self.settings))
        engine = create_engine(url, pool_size=self.settings.database_pool_size)
        self._stack.callback(engine.dispose)
        if self.settings.database_url is None:
            migrate.upgrade(engine)
        else:
            migrate.require_current(engine)
        return engine

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """One step of the run; the first one begins the run. What it raises ends the run as failed.

        Args:
            name: under which its counts are kept in ``ops.run``.

        Raises:
            WrongCloud: the database belongs to another cloud; nothing was written.
            RemoteError: the cloud did not say who it is.
        """
        with self._told(name):
            client = self.connect()
            local = self._local(name)
            yield Step(**{one.name: getattr(local, one.name) for one in fields(local)}, client=client)

    def connect(self) -> CloudinaryClient:
        """The way to the cloud, for a local step that asks it what it can do without.

        Raises:
            The same as ``step``.
        """
        return self._client or self._begin()

    @contextmanager
    def local_step(self, name: str) -> Iterator[LocalStep]:
        """One step that works while the cloud cannot be reached; otherwise as ``step``."""
        with self._told(name):
            yield self._local(name)

    @contextmanager
    def _told(self, step: str) -> Iterator[None]:
        try:
            with self._bound(step=step):
                yield
        except BaseException as error:
            self._failure = self._failure or error
            if self._on_failure is not None:
                self._on_failure(error)
            raise

    def _bound(self, **fields: str) -> AbstractContextManager[None]:
        """Lines of the log carry which run they belong to; ``run_id`` is null until the run has its row."""
        return bound_contextvars(
            run_id=self._run_id, dagster_run_id=self._dagster_run.run_id, job=self._dagster_run.job_name, **fields
        )

    def _local(self, name: str) -> LocalStep:
        run_id = self._start()
        spent_before = self.api_calls_used

        def count(counts: Mapping[str, Any]) -> int:
            used = self.api_calls_used - spent_before
            runs.add_counts(self.engine, run_id, {name: {**counts, "api_calls": used}})
            return used

        # A person at the command line is told who is at work; nobody would read that of a run by itself.
        is_ours = LAUNCHED_HERE.items() <= self._dagster_run.tags.items()
        patience = 0.0 if is_ours else _PATIENCE_SECONDS
        return LocalStep(self.engine, self.settings, run_id, self._progress, patience, count)

    def takes_step(self, name: str) -> bool:
        """Whether *name* is a step of this run."""
        return name in self._planned_steps()

    @property
    def api_calls_used(self) -> int:
        """Admin API calls of this run so far."""
        return sum(meter.spent for meter in self._meters)

    def close(self) -> None:
        """End the run's row, if it was begun, and close what was opened."""
        with self._bound(), self._stack:
            if self._run_id is not None:
                state, error = self._verdict()
                total = {
                    "api_calls": self.api_calls_used,
                    "duration_seconds": round(time.monotonic() - self._started_at, 3),
                    **({} if self._failure is None else {"failure": type(self._failure).__name__}),
                }
                runs.finish(self.engine, self._run_id, state, counts={"total": total}, error=error)
            if self._run_id is not None or self._refusal is not None:
                self._leave_figures()

    def _leave_figures(self) -> None:
        """Leave them for the collector where one is wanted; a run has done its work whether or not they can be left."""
        if self.settings.metrics_textfile is None:
            return
        try:
            metrics.leave(
                self.engine, self.settings, self.settings.metrics_textfile, is_urgent=self._failure is not None
            )
        except Exception as error:
            log.warning("figures_not_left", reason=str(error))

    def _begin(self) -> CloudinaryClient:
        if self._refusal is not None:
            # Steps that do not depend on the first one are tried as well; the answer would be the same.
            raise self._refusal
        try:
            engine = self.engine
            cloud = self._cloud()
            try:
                found = self._identify(cloud)
            except RemoteError:
                # An operator must see this failure among the runs.
                self._start()
                raise
            run_id = self._start()
            binding.bind(engine, found, actor=self._actor, run_id=run_id)
        except MediaPipelineError as error:
            self._refusal = error
            raise
        shares = {
            CallPurpose.LISTING: self.settings.listing_budget_share,
            CallPurpose.FOLDERS: self.settings.folders_budget_share,
        }
        self._client = self._stack.enter_context(self._connect(cloud, Ledger(engine, shares)))
        return self._client

    def _start(self) -> RunId:
        """The run's row in ``ops.run``, begun once."""
        if self._run_id is not None:
            return self._run_id
        self._run_id = self._stack.enter_context(
            runs.running(self.engine, self._kind(), actor=self._actor, dagster_run_id=self._dagster_run.run_id)
        )
        bind_contextvars(run_id=self._run_id)
        return self._run_id

    def _identify(self, cloud: CloudCredentials) -> CloudIdentity:
        """Ask the cloud for its name. The ledger is not told: it may be the ledger of another cloud."""
        with self._connect(cloud, UnlimitedBudget()) as asker:
            found = identify(asker)
        with read_only(self.engine) as connection:
            binding.require(binding.read(connection), found)
        return found

    def _connect(self, cloud: CloudCredentials, budget: Budget) -> CloudinaryClient:
        meter = Meter(budget)
        self._meters.append(meter)
        return CloudinaryClient(
            cloud,
            settings=self.settings,
            budget=meter,
            refuse_emulator=self.settings.environment is Environment.PRODUCTION,
        )

    def _cloud(self) -> CloudCredentials:
        """The configured cloud; where there is none, an emulator that runs until the run ends."""
        if self.settings.cloud is not None:
            return self.settings.cloud
        # Its pictures, films and web server are 35 MB that a run on a real cloud does not need.
        from media_pipeline.emulator.server import EmulatorConfig, EmulatorProcess

        emulator = self._stack.enter_context(
            EmulatorProcess(
                EmulatorConfig(
                    self.settings.home.resolve() / "emulator",
                    _EMULATED_CLOUD,
                    port=self.settings.emulator_port,
                    environment=self.settings.environment.value,
                )
            )
        )
        return CloudCredentials.parse(emulator.endpoints.cloudinary_url)

    def _planned_steps(self) -> set[str]:
        plan_id = self._dagster_run.execution_plan_snapshot_id
        if plan_id is None:
            raise dg.DagsterInvariantViolationError("Dagster did not keep the plan of this run.")
        return set(self._instance.get_execution_plan_snapshot(plan_id).step_keys_to_execute)

    def _kind(self) -> RunKind:
        goes_on = self._dagster_run.job_name == FULL_SYNC and self._dagster_run.tags.get(_RESUMED) == "true"
        steps = self._planned_steps()
        if goes_on or steps >= _CHAIN:
            return RunKind.FULL_SYNC
        if OUTAGE_WINDOW in steps:
            return RunKind.BACKFILL
        if steps & _PUSH:
            return RunKind.PUSH
        return _KINDS.get(self._dagster_run.job_name, RunKind.INCREMENTAL_SYNC)

    def _verdict(self) -> tuple[RunState, str | None]:
        if self._failure is not None:
            return RunState.FAILED, self._in_words(self._failure)
        # A blocking check that failed, or a run stopped between two steps, raised nothing in a step of ours.
        ended_well = self._instance.all_logs(self._dagster_run.run_id, of_type=dg.DagsterEventType.STEP_SUCCESS)
        done = {entry.step_key for entry in ended_well}
        missing = sorted(self._planned_steps() - done)
        if missing:
            return RunState.FAILED, f"These steps did not end well: {', '.join(missing)}. Dagster's run log says why."
        steps = self._planned_steps()
        is_held = bool(steps & _CHAIN and holds.list_holds(self.engine))
        is_held = is_held or bool(steps & _PUSH and push.list_plans(self.engine, only_held=True))
        return (RunState.HELD if is_held else RunState.SUCCEEDED), None

    def _in_words(self, error: BaseException) -> str:
        if not isinstance(error, Exception):
            return "It was stopped before its end."
        text = str(error) if isinstance(error, MediaPipelineError) else f"{type(error).__name__}: {error}"
        return logs.mask(text, self.settings.secrets)[:_ERROR_LENGTH]


def pipeline_resource(
    *,
    settings: Settings | None,
    progress: Progress | None,
    actor: str | None,
    on_failure: Callable[[BaseException], None] | None,
) -> dg.ResourceDefinition:
    """The resource ``pipeline``.

    Args:
        settings: None reads them from the environment when a run first needs them, so that a wrong variable
            fails that run with its name and not the whole code location. They hold secrets and therefore
            are no part of Dagster's configuration, which everyone who sees the web page can read.
        progress: None writes to the run's log.
        actor: who asked for the run; None means Dagster itself, by its schedule or its web page.
        on_failure: told what a step raised, which Dagster keeps as text only.
    """

    @dg.resource(description="Settings, Postgres, Cloudinary and the row in ops.run, shared by the steps of one run.")
    def pipeline(context: dg.InitResourceContext) -> Iterator[Pipeline]:
        dagster_run, instance = context.run, context.instance
        if dagster_run is None or instance is None:
            raise dg.DagsterInvariantViolationError("The resource 'pipeline' is made for runs.")
        opened = Pipeline(
            settings=settings,
            progress=progress or RunLog(context.log or logging.getLogger(__name__)),
            actor=actor or f"dagster:{dagster_run.run_id}",
            on_failure=on_failure,
            dagster_run=dagster_run,
            instance=instance,
        )
        try:
            yield opened
        finally:
            opened.close()

    return pipeline
