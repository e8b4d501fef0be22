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
    INCREMENTAL_SYNC,
    LAUNCHED_HERE,
    OUTAGE_BACKFILL,
    PUSH_PENDING,
    REFRESH_DEFINITIONS,
    TOUCH_CANARY,
    VERIFY,
)
from media_pipeline.orchestration.windows import BACKFILL_ASSETS, INCREMENTAL_ASSETS
from media_pipeline.reads.operations import count_pushable
from media_pipeline.reads.status import find_listing_wish, read_allowance
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

incremental_sync = dg.define_asset_job(
    INCREMENTAL_SYNC,
    selection=dg.AssetSelection.assets(*INCREMENTAL_ASSETS),
    description="""Asks the search what was created or changed since the last look, reads these assets again by their
ids, and makes `media_assets` equal to what was read. Two or three Admin API calls where nothing changed. It finds no
deletions: notifications and the full sync do.""",
)

outage_backfill = dg.define_asset_job(
    OUTAGE_BACKFILL,
    selection=dg.AssetSelection.assets(*BACKFILL_ASSETS),
    description="""Reads again what was created or changed on the chosen days (UTC), and makes `media_assets` equal to
it. The full sync that finds what was deleted then is started by the sensor `listing_wished`.""",
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

automation = dg.AutomationConditionSensorDefinition(
    "automation",
    target=dg.AssetSelection.groups("quality"),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Starts what follows from what was made: a quality report after each full sync whose blocking checks "
    "passed.",
)

JOBS: Final = (
    full_sync,
    incremental_sync,
    outage_backfill,
    push_pending,
    verify,
    drain_change_files,
    touch_canary,
    refresh_definitions,
)

_SYNCS: Final = (FULL_SYNC, INCREMENTAL_SYNC, OUTAGE_BACKFILL, VERIFY)
_SYNC_KINDS: Final = (RunKind.FULL_SYNC, RunKind.INCREMENTAL_SYNC, RunKind.BACKFILL, RunKind.VERIFY)
"""All of them end in one step that only one run may do at a time."""

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


def schedules(settings: Settings | None) -> tuple[dg.ScheduleDefinition, ...]:
    """The schedules.

    Args:
        settings: used in place of those of the environment, which are read at each tick.
    """

    @dg.schedule(
        name="recent_changes_every_five_minutes",
        job=incremental_sync,
        # Not at the minute of the nightly full sync.
        cron_schedule="2-57/5 * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="A look at recent changes every five minutes, unless a sync is under way: what notifications did "
        "not tell is found soon, without any set-up in Cloudinary.",
    )
    def recent_changes_every_five_minutes(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return _ask(context.instance, settings, lambda *_: 1, "", jobs=(INCREMENTAL_SYNC, *_SYNCS), kinds=_SYNC_KINDS)

    @dg.schedule(
        name="canary_every_ten_minutes",
        job=touch_canary,
        # Not at the minute of another schedule.
        cron_schedule="4-54/10 * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="A touch of the canary every ten minutes, unless MEDIA_PIPELINE_CANARY is false or nothing is "
        "mirrored yet.",
    )
    def canary_every_ten_minutes(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return _ask(
            context.instance,
            settings,
            _can_be_proved,
            "MEDIA_PIPELINE_CANARY is false, or nothing is mirrored yet.",
            jobs=(TOUCH_CANARY,),
            kinds=(RunKind.CANARY,),
        )

    return nightly_full_sync, recent_changes_every_five_minutes, canary_every_ten_minutes


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
            jobs=(VERIFY, *_SYNCS),
            kinds=_SYNC_KINDS,
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

    @dg.sensor(
        name="listing_wished",
        job=full_sync,
        minimum_interval_seconds=_INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks for a full sync before the next night when one is wanted: nothing was ever listed, the days "
        "of an outage were read again and its deletions are to be found, or more changed than reads by id are worth. "
        "One that did not list everything is tried again an hour later.",
    )
    def listing_wished(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return _ask(
            context.instance,
            settings,
            _count_wishes,
            "No full listing is wanted now.",
            jobs=(FULL_SYNC, *_SYNCS),
            kinds=_SYNC_KINDS,
        )

    return edits_to_push, assets_to_read, change_files_to_drain, definitions_to_read, listing_wished


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


def _can_be_proved(engine: Engine, settings: Settings) -> bool:
    """Whether a touch of the canary can come back: not before the first sync."""
    with read_only(engine) as connection:
        return settings.canary and binding.read(connection) is not None


def _count_wishes(engine: Engine, settings: Settings) -> int:
    wish = find_listing_wish(engine, settings.slices)
    return int(wish is not None and wish.is_due)


def _is_under_way(
    instance: dg.DagsterInstance, engine: Engine, jobs: tuple[str, ...], kinds: tuple[RunKind, ...]
) -> bool:
    """Whether Dagster is about to run one of the jobs, or a process is at such work, whoever started it.

    Dagster does not see that a command line was killed, so what that started counts only while Postgres sees it.
    """
    for job in set(jobs):
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
