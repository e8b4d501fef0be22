"""Upkeep: what is done with goes, the log keeps its months, Dagster forgets old runs.

Belongs here: the assets, their job and schedule, Dagster's own runs.
Not here: rows of ours (``upkeep``), retention of ticks (``dagster.yaml``).

Dagster purges ticks by itself, and nothing else. A run is kept as long as its page would miss it: while it holds the
newest materialization or check evaluation of anything, or a partition of ``outage_window`` that still counts as filled.
"""

import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from sqlalchemy import delete, func, or_, select

from media_pipeline import upkeep
from media_pipeline.intake.configured import spool_of
from media_pipeline.ops.runs import holder
from media_pipeline.orchestration import freshness, metadata
from media_pipeline.orchestration.resources import OUTAGE_WINDOW, UPKEEP, Pipeline
from media_pipeline.upkeep import LogKept

_OWNERS: Final = ["team:media-pipeline"]
_GROUP: Final = "upkeep"

_MOST_RUNS: Final = 5000
"""Runs that one upkeep forgets at most; a busy day has a third of that."""

_PAGE: Final = 500
_TIME_LIMIT_SECONDS: Final = 1200.0
_FINISHED: Final = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


@dataclass(frozen=True, slots=True)
class RunsForgotten:
    """Runs of Dagster that were removed, or would be.

    Attributes:
        check_evaluations: of these runs.
        output_bytes: of what they had printed.
        kept_runs: as old, but still needed.
        is_complete: false where more are left than one upkeep removes.
    """

    runs: int
    check_evaluations: int
    output_bytes: int
    kept_runs: int
    is_complete: bool


def forget_runs(
    instance: dg.DagsterInstance, *, retention_days: int, log_retention_days: int, is_dry_run: bool = False
) -> RunsForgotten:
    """Remove finished runs that ended so many days ago, with their events, check evaluations and output.

    A run's row goes last, so that a process that is killed leaves it to the next one.

    Args:
        log_retention_days: for which runs stay that filled a partition of ``outage_window``.
    """
    now = datetime.now(UTC)
    cutoff = now - timedelta(days=retention_days)
    give_up_at = time.monotonic() + _TIME_LIMIT_SECONDS
    needed = _needed(instance, now - timedelta(days=log_retention_days))
    old, is_complete = _old_runs(instance, cutoff, needed)
    output = Path(instance.storage_directory())
    runs = evaluations = size_bytes = 0
    for run_id in old:
        if time.monotonic() > give_up_at:
            is_complete = False
            break
        size_bytes += _size(output / run_id)
        if is_dry_run:
            evaluations += _count_evaluations(instance, run_id)
        else:
            evaluations += _forget(instance, run_id, output)
        runs += 1
    if not is_dry_run:
        size_bytes += _sweep(instance, output, cutoff)
    kept = sum(_ended_before(instance, run_id, cutoff) for run_id in needed)
    return RunsForgotten(runs, evaluations, size_bytes, kept, is_complete)


def _needed(instance: dg.DagsterInstance, partitions_since: datetime) -> set[str]:
    """Runs without which the page would not tell when an asset was made, or how a check ended, for the last time."""
    needed: set[str] = set()
    for key in instance.get_asset_keys():
        newest = instance.fetch_materializations(key, limit=1).records
        needed.update(record.run_id for record in newest)
    filled = dg.AssetRecordsFilter(asset_key=dg.AssetKey(OUTAGE_WINDOW), after_timestamp=partitions_since.timestamp())
    cursor, has_more = None, True
    while has_more:
        page = instance.fetch_materializations(filled, limit=_PAGE, cursor=cursor)
        needed.update(record.run_id for record in page.records)
        cursor, has_more = page.cursor, page.has_more
    table = AssetCheckExecutionsTable.c
    by_check = select(func.max(table.id)).group_by(table.asset_key, table.check_name)
    ended = by_check.where(table.execution_status != AssetCheckExecutionRecordStatus.PLANNED.value)
    with _events(instance).index_connection() as connection:
        newest_checks = select(table.run_id).where(or_(table.id.in_(by_check), table.id.in_(ended)))
        needed.update(connection.execute(newest_checks).scalars())
    return needed


def _old_runs(instance: dg.DagsterInstance, cutoff: datetime, needed: set[str]) -> tuple[Sequence[str], bool]:
    """Finished runs that ended before a time and that nothing needs, the oldest first; and whether these are all."""
    filters = dg.RunsFilter(statuses=list(_FINISHED), updated_before=cutoff)
    found: list[str] = []
    cursor = None
    while page := instance.get_run_records(filters, limit=_PAGE, ascending=True, cursor=cursor):
        found += [record.dagster_run.run_id for record in page if record.dagster_run.run_id not in needed]
        if len(found) > _MOST_RUNS:
            return found[:_MOST_RUNS], False
        cursor = page[-1].dagster_run.run_id
    return found, True


def _forget(instance: dg.DagsterInstance, run_id: str, output: Path) -> int:
    instance.compute_log_manager.delete_logs(prefix=[run_id])
    # A run of a command line has no manager of outputs, yet may meet those of runs that had.
    shutil.rmtree(output / run_id, ignore_errors=True)
    events = _events(instance)
    with events.index_connection() as connection:
        # Dagster leaves these behind when a run is deleted.
        gone = connection.execute(delete(AssetCheckExecutionsTable).where(AssetCheckExecutionsTable.c.run_id == run_id))
    events.delete_events(run_id)
    instance.delete_run(run_id)
    return int(gone.rowcount)


def _count_evaluations(instance: dg.DagsterInstance, run_id: str) -> int:
    table = AssetCheckExecutionsTable.c
    with _events(instance).index_connection() as connection:
        return int(connection.execute(select(func.count()).where(table.run_id == run_id)).scalar_one())


def _ended_before(instance: dg.DagsterInstance, run_id: str, cutoff: datetime) -> bool:
    record = instance.get_run_record_by_id(run_id)
    return record is not None and record.dagster_run.is_finished and record.update_timestamp < cutoff


def _sweep(instance: dg.DagsterInstance, output: Path, cutoff: datetime) -> int:
    """Remove output whose run is gone; returns its bytes."""
    size_bytes = 0
    for path in _run_directories(output):
        if path.stat().st_mtime < cutoff.timestamp() and not instance.has_run(path.name):
            size_bytes += _size(path)
            shutil.rmtree(path, ignore_errors=True)
    return size_bytes


def _run_directories(output: Path) -> Iterable[Path]:
    if not output.is_dir():
        return
    for path in output.iterdir():
        try:
            UUID(path.name)
        except ValueError:
            continue
        if path.is_dir() and not path.is_symlink():
            yield path


def _size(directory: Path) -> int:
    return sum(path.lstat().st_size for path in directory.rglob("*") if path.is_file())


def _events(instance: dg.DagsterInstance) -> SqlEventLogStorage:
    events = instance.event_log_storage
    if not isinstance(events, SqlEventLogStorage):
        raise dg.DagsterInvariantViolationError("Dagster's events are not in a database.")
    return events


@dg.asset(
    group_name=_GROUP,
    kinds={"postgres"},
    owners=_OWNERS,
    freshness_policy=freshness.NIGHTLY,
    description="""Rows that nobody needs any more, removed MEDIA_PIPELINE_RETENTION_DAYS after they were done with.

Landed pages and walks, notifications, change windows, change sets, attempts and push plans, resolved records in
quarantine, touches of the canary, the ledger of calls, runs. What is unprocessed, held or referred to stays: the
database's own policies say so, for every statement of the role under which this works. Assets, operations, conflicts
and holds are never removed.

*Deletes from* the tables that it counts. Asks nothing of Cloudinary. Stopped at any time, the next one goes on.""",
)
def done_work_retention(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Call ``upkeep.remove_done_work``."""
    with pipeline.local_step("done_work") as step:
        removed = upkeep.remove_done_work(
            step.engine,
            retention_days=step.settings.retention_days,
            holder=holder(f"upkeep {step.run_id}"),
            progress=step.progress,
            wait_seconds=step.wait_seconds,
        )
        step.count({"rows": dict(removed.rows), "size_bytes": removed.size_bytes, "is_complete": removed.is_complete})
        spool = {}
        if step.settings.spool.is_dir():
            waiting = spool_of(step.settings)
            # Removes what a writer that was killed has left; a change file stays until it is landed or replayed.
            waiting.prepare()
            depth = waiting.depth()
            spool = {"spool_files": depth.file_count, "spool_files_in_quarantine": depth.quarantined_count}
        return dg.MaterializeResult(
            metadata={
                "rows_removed": sum(removed.rows.values()),
                "bytes_removed": removed.size_bytes,
                "is_complete": removed.is_complete,
                **removed.rows,
                **spool,
            }
        )


@dg.asset(
    group_name=_GROUP,
    kinds={"postgres"},
    owners=_OWNERS,
    freshness_policy=freshness.NIGHTLY,
    description="""The audit log `media_sync_log`, kept for MEDIA_PIPELINE_LOG_RETENTION_DAYS in the database.

Entries are sealed, partitions made for the months to come. A month that is wholly older is written to a compressed file
in MEDIA_PIPELINE_ARCHIVE, after the whole log was proved, and then removed; `audit.archived_month` keeps what the file
must be. `media-pipeline audit verify` proves log, seals and files at any time.

*Reads* `public.media_sync_log`. *Writes* files, `audit.archived_month`, partitions. Asks nothing of Cloudinary.""",
    check_specs=[
        dg.AssetCheckSpec(
            "partitions_are_ahead",
            asset="sync_log_retention",
            description="The log has partitions for this month and the next, and no entry lies in the partition for "
            "others, which is never archived.",
        ),
        dg.AssetCheckSpec(
            "everything_old_is_sealed",
            asset="sync_log_retention",
            description="Every entry that is older than a day is under a seal, so that nobody can change it unnoticed. "
            "A transaction that stays open for days keeps entries from it.",
        ),
        dg.AssetCheckSpec(
            "old_months_are_archived",
            asset="sync_log_retention",
            description="No month of the log is older than it is to be kept. One is, where the log was tampered with, "
            "where entries are not sealed, or where somebody was reading the log all the time.",
        ),
    ],
)
def sync_log_retention(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Call ``upkeep.keep_log``."""
    with pipeline.local_step("log") as step:
        kept = upkeep.keep_log(
            step.engine,
            step.settings.archive,
            log_retention_days=step.settings.log_retention_days,
            holder=holder(f"upkeep {step.run_id}"),
            progress=step.progress,
            wait_seconds=step.wait_seconds,
        )
        archived = {
            "archived_months": len(kept.archived),
            "archived_entries": sum(one.entry_count for one in kept.archived),
            "archived_bytes": sum(one.size_bytes for one in kept.archived),
        }
        step.count({**metadata.counts_of(kept), **archived, "due": list(kept.due), "problem": kept.problem})
        files = [(one.month, one.file_name, one.entry_count, one.size_bytes) for one in kept.archived]
        return dg.MaterializeResult(
            metadata={
                **metadata.counts_of(kept),
                **archived,
                "partitions_through": kept.through,
                "files": metadata.as_table(("month", "file", "entries", "bytes"), files),
            },
            check_results=list(_log_checks(kept)),
        )


def _log_checks(kept: LogKept) -> Iterable[dg.AssetCheckResult]:
    next_month = (datetime.now(UTC).replace(day=1) + timedelta(days=31)).strftime("%Y-%m")
    for name, passed, text in (
        (
            "partitions_are_ahead",
            kept.through >= next_month and not kept.other_count,
            f"Partitions through {kept.through}; {kept.other_count:,} entries in the partition for others.",
        ),
        (
            "everything_old_is_sealed",
            not kept.unsealed_count,
            f"{kept.unsealed_count:,} entries older than a day are not sealed.",
        ),
        (
            "old_months_are_archived",
            not kept.due,
            f"{', '.join(kept.due)}: {kept.problem}." if kept.due else "No month is older than it is to be kept.",
        ),
    ):
        yield dg.AssetCheckResult(check_name=name, passed=passed, severity=dg.AssetCheckSeverity.WARN, description=text)


@dg.asset(
    group_name=_GROUP,
    kinds={"dagster"},
    owners=_OWNERS,
    freshness_policy=freshness.NIGHTLY,
    description="""Dagster's own finished runs, forgotten MEDIA_PIPELINE_RETENTION_DAYS after they ended.

With a run go its events, its check evaluations and what it printed. A run stays, however old, while it holds the newest
materialization of an asset or the newest evaluation of a check, and for MEDIA_PIPELINE_LOG_RETENTION_DAYS where it
filled a partition of `outage_window`. `ops.run` remembers each run longer.

*Deletes from* Dagster's tables and its directory `storage`. Asks nothing of Cloudinary.""",
)
def dagster_retention(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Call ``forget_runs``."""
    with pipeline.local_step("dagster") as step:
        forgotten = forget_runs(
            context.instance,
            retention_days=step.settings.retention_days,
            log_retention_days=step.settings.log_retention_days,
        )
        counts = metadata.counts_of(forgotten)
        step.count(counts)
        return dg.MaterializeResult(metadata={**counts})


UPKEEP_ASSETS: Final = (done_work_retention, sync_log_retention, dagster_retention)

upkeep_job = dg.define_asset_job(
    UPKEEP,
    selection=dg.AssetSelection.assets(*UPKEEP_ASSETS),
    description="""Removes what is done with, archives old months of the audit log, forgets old runs of Dagster. It asks
nothing of Cloudinary, removes nothing that somebody still needs, and can be started or stopped at any time.""",
)

nightly_upkeep = dg.ScheduleDefinition(
    name="nightly_upkeep",
    job=upkeep_job,
    cron_schedule="30 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Upkeep every night at 03:30 UTC, after the full sync.",
)
