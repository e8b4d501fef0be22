"""When what runs.

Belongs here: jobs, schedules, sensors.
Not here: what a run does (``assets``, ``checks``).

A sensor asks for a run because of what waits in Postgres, and asks again as long as it waits: it gives no run key,
which would refuse the same work for ever after one run had failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import dagster as dg
from sqlalchemy import Engine

from media_pipeline import settings as settings_module
from media_pipeline.db import embedded, migrate, statements
from media_pipeline.db.engine import create_engine, read_only
from media_pipeline.intake.configured import spool_of
from media_pipeline.ops import binding
from media_pipeline.orchestration.assets import (
    CANARY_ASSETS,
    DEFINITION_ASSETS,
    DRAIN_ASSETS,
    FULL_SYNC_ASSETS,
    PUSH_ASSETS,
    VERIFY_ASSETS,
)
from media_pipeline.orchestration.resources import (
    DRAIN_CHANGE_FILES,
    FULL_SYNC,
    LAUNCHED_HERE,
    PUSH_PENDING,
    REFRESH_DEFINITIONS,
    TOUCH_CANARY,
    VERIFY,
)
from media_pipeline.reads.operations import count_pushable
from media_pipeline.reads.status import read_allowance
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import RunKind

full_sync = dg.define_asset_job(
    FULL_SYNC,
    selection=dg.AssetSelection.assets(*FULL_SYNC_ASSETS),
    description="""Lists the whole library, proves what is gone, and makes `media_assets`, folders and definitions equal
to it. It never changes anything in Cloudinary, and it can be started at any time and as often as you like: a second
run finds nothing to do, an interrupted one goes on where it stopped. Mass deletions wait for a person
(`media-pipeline holds list`); the run succeeds all the same.""",
)

push_pending = dg.define_asset_job(
    PUSH_PENDING,
    selection=dg.AssetSelection.assets(*PUSH_ASSETS),
    description="""Brings what people edited in `media_assets` to Cloudinary: plan, guard, calls. Only recorded edits
are pushed; nothing that differs otherwise ever is. A second run finds nothing to do, an interrupted one is settled by
a read. Mass deletions wait for a person (`media-pipeline plan list`); the run succeeds all the same.""",
)

verify = dg.define_asset_job(
    VERIFY,
    selection=dg.AssetSelection.assets(*VERIFY_ASSETS),
    description="""Reads the assets again of which something was heard or to which something was sent, by their ids and
without a listing, and makes `media_assets` equal to what was read. It confirms pushed edits and proves deletions.""",
)

drain_change_files = dg.define_asset_job(
    DRAIN_CHANGE_FILES,
    selection=dg.AssetSelection.assets(*DRAIN_ASSETS),
    description="""Takes notifications out of the spool, reads the assets that they name again, and makes `media_assets`
equal to what was read. It can be started at any time; several at once take different files.""",
)

touch_canary = dg.define_asset_job(
    TOUCH_CANARY,
    selection=dg.AssetSelection.assets(*CANARY_ASSETS),
    description="Changes the canary, whose way back proves that changes arrive, and shows how long they take.",
)

refresh_definitions = dg.define_asset_job(
    REFRESH_DEFINITIONS,
    selection=dg.AssetSelection.assets(*DEFINITION_ASSETS),
    description="Reads the folder tree and the definitions of structured metadata.",
)

nightly_full_sync = dg.ScheduleDefinition(
    name="nightly_full_sync",
    job=full_sync,
    cron_schedule="15 2 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="A full sync every night at 02:15 UTC: the net under everything that notifications may miss.",
)


@dg.schedule(
    name="canary",
    job=touch_canary,
    cron_schedule="*/10 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Touches the canary every ten minutes, unless MEDIA_PIPELINE_CANARY is false or nothing is mirrored.",
)
def canary() -> dg.RunRequest | dg.SkipReason:
    """One touch, where it can prove something."""
    with _opened(None) as (engine, read):
        if not read.canary:
            return dg.SkipReason("MEDIA_PIPELINE_CANARY is false.")
        if migrate.status(engine).pending:
            return dg.SkipReason("The database lacks migrations: media-pipeline migrate.")
        with read_only(engine) as connection:
            if binding.read(connection) is None:
                return dg.SkipReason("Nothing is mirrored yet: the canary proves nothing before the first full sync.")
    return dg.RunRequest()


JOBS: Final = (full_sync, push_pending, verify, drain_change_files, touch_canary, refresh_definitions)
SCHEDULES: Final = (nightly_full_sync, canary)

_INTERVAL_SECONDS: Final = 15
_SPOOL_INTERVAL_SECONDS: Final = 5
_AFTER_A_FAILURE: Final = timedelta(minutes=5)
_UNFINISHED: Final = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


def sensors(settings: Settings | None) -> tuple[dg.SensorDefinition, ...]:
    """The sensors.

    Args:
        settings: used in place of those of the environment, which are read at each tick.
    """

    @dg.sensor(
        name="edits_to_push",
        job=push_pending,
        minimum_interval_seconds=_INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks for a push when edits of media_assets can be pushed now: past their pause and the time to "
        "undo them, not part of a held plan, and no push under way.",
    )
    def edits_to_push(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return _ask(
            context.instance,
            settings,
            lambda engine, read: count_pushable(engine, read.undo_seconds),
            "No edit can be pushed now.",
            jobs=(PUSH_PENDING,),
            kinds=(RunKind.PUSH,),
        )

    @dg.sensor(
        name="assets_to_read",
        job=verify,
        minimum_interval_seconds=_INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks for the assets to be read again that were pushed or hinted at, when some are due and no sync "
        "is under way that reads them anyway.",
    )
    def assets_to_read(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return _ask(
            context.instance,
            settings,
            lambda engine, _: _count_due(engine),
            "No asset is due to be read again.",
            # Both end in one step that only one run may do at a time.
            jobs=(VERIFY, FULL_SYNC),
            kinds=(RunKind.VERIFY, RunKind.FULL_SYNC),
        )

    @dg.sensor(
        name="change_files_to_drain",
        job=drain_change_files,
        minimum_interval_seconds=_SPOOL_INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks for one drain when the spool is not empty and none is under way, however many files wait.",
    )
    def change_files_to_drain(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return _ask(
            context.instance,
            settings,
            lambda _, read: spool_of(read).depth().file_count if read.spool.exists() else 0,
            "The spool is empty.",
            jobs=(DRAIN_CHANGE_FILES,),
            kinds=(RunKind.DRAIN,),
        )

    @dg.sensor(
        name="definitions_to_read",
        job=refresh_definitions,
        minimum_interval_seconds=_INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks for folders and definitions to be read when a notification said that they changed.",
    )
    def definitions_to_read(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return _ask(
            context.instance,
            settings,
            lambda engine, _: _are_definitions_due(engine),
            "Folders and definitions are as they were told.",
            jobs=(REFRESH_DEFINITIONS, FULL_SYNC),
            kinds=(RunKind.DEFINITIONS, RunKind.FULL_SYNC),
        )

    return edits_to_push, assets_to_read, change_files_to_drain, definitions_to_read


def _ask(
    instance: dg.DagsterInstance,
    settings: Settings | None,
    count: Callable[[Engine, Settings], int],
    nothing: str,
    *,
    jobs: tuple[str, ...],
    kinds: tuple[RunKind, ...],
) -> dg.RunRequest | dg.SkipReason:
    """One run, if there is work and nothing that does it, or just failed to, is there; else why not."""
    with _opened(settings) as (engine, read):
        if migrate.status(engine).pending:
            return dg.SkipReason("The database lacks migrations: media-pipeline migrate.")
        if not count(engine, read):
            return dg.SkipReason(nothing)
        if _is_under_way(instance, engine, jobs, kinds):
            return dg.SkipReason("There is work, and a run that does it is under way.")
        if _has_just_failed(instance, jobs[0]):
            return dg.SkipReason("There is work, but the last run failed. It is tried again after five minutes.")
        allowance = read_allowance(engine)
        if allowance is not None and allowance.remaining_count <= 0:
            return dg.SkipReason(f"The allowance of Admin API calls is spent until {allowance.reset_at:%H:%M} UTC.")
    return dg.RunRequest()


@contextmanager
def _opened(settings: Settings | None) -> Iterator[tuple[Engine, Settings]]:
    read = settings or settings_module.load()
    with embedded.database(read) as url:
        engine = create_engine(url, pool_size=1, application_name="media-pipeline sensor")
        try:
            yield engine, read
        finally:
            engine.dispose()


def _count_due(engine: Engine) -> int:
    with read_only(engine) as connection:
        return int(statements.run(connection, "reads/040_read_queue").one().due_count)


def _are_definitions_due(engine: Engine) -> bool:
    with read_only(engine) as connection:
        return bool(statements.run(connection, "reads/920_are_definitions_due").scalar_one())


def _is_under_way(
    instance: dg.DagsterInstance, engine: Engine, jobs: tuple[str, ...], kinds: tuple[RunKind, ...]
) -> bool:
    """Whether Dagster is about to run one of the jobs, or a process is at such work, whoever started it.

    Dagster does not see that a command line was killed, so what that started counts only while Postgres sees it.
    """
    for job in jobs:
        runs = instance.get_runs(dg.RunsFilter(job_name=job, statuses=list(_UNFINISHED)))
        if any(not LAUNCHED_HERE.items() <= run.tags.items() for run in runs):
            return True
    with read_only(engine) as connection:
        live = statements.run(connection, "reads/770_count_live_runs", kinds=[kind.value for kind in kinds])
        return bool(live.scalar_one())


def _has_just_failed(instance: dg.DagsterInstance, job: str) -> bool:
    newest = instance.get_run_records(dg.RunsFilter(job_name=job), limit=1)
    return any(
        record.dagster_run.status is dg.DagsterRunStatus.FAILURE
        and record.update_timestamp > datetime.now(UTC) - _AFTER_A_FAILURE
        for record in newest
    )
