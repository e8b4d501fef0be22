"""The assets that tell people how the library stands: figures over time, duplicates, orphans, conflicts.

Belongs here: names, lineage, descriptions for people, which result becomes which metadata, when reports are made.
Not here: what a report says (``reads.reports``), its files (``reports``).
"""

from collections.abc import Sequence
from typing import Any, Final

import dagster as dg

from media_pipeline.db.engine import read_only
from media_pipeline.duplicates import read_digests
from media_pipeline.ops import snapshots
from media_pipeline.orchestration import freshness, metadata
from media_pipeline.orchestration.resources import LIBRARY_REPORTS, STATISTICS, LocalStep, Pipeline
from media_pipeline.reads import reports
from media_pipeline.reads.duplicates import count_duplicates, list_groups
from media_pipeline.reads.operations import list_conflicts, shown
from media_pipeline.reads.orphans import UNUSED_DAYS, find_orphans
from media_pipeline.reads.snapshots import read_snapshot
from media_pipeline.reports.files import Report, Written, address_of, write
from media_pipeline.reports.plots import svg_data_uri

_OWNERS: Final = ["team:media-pipeline"]
_GROUP: Final = "reports"
_SHOWN_ROWS: Final = 20


@dg.asset(
    deps=["media_assets"],
    group_name=_GROUP,
    kinds={"postgres"},
    owners=_OWNERS,
    freshness_policy=freshness.MINUTES,
    description="""What the library holds and what waits, counted every quarter of an hour and kept.

The database counts by itself: nobody passes figures, so nobody can invent any. Dagster draws each of the numbers below
over time; the page of the report draws the last 30 days, also those that Dagster has forgotten.

*Reads* `public.get_media_statistics()`, what waits, the lag, the allowance. *Writes* `ops.status_snapshot`, the
report.""",
)
def library_statistics(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult[None]:
    """Call ``ops.snapshots.take``."""
    with pipeline.local_step("library_statistics") as step:
        snapshot_id = snapshots.take(step.engine, run_id=step.run_id, keep_days=step.settings.log_retention_days)
        with read_only(step.engine) as connection:
            snapshot = read_snapshot(connection, snapshot_id)
            report = reports.statistics(connection, snapshot)
            written = _write(step, report)
        step.count({"snapshot_id": snapshot_id})
        trend = report.plots[0]
        return dg.MaterializeResult(
            metadata={
                **_places(step, written),
                "trend": dg.MetadataValue.md(f"![{trend.alt}]({svg_data_uri(trend.svg)})"),
                "snapshot": snapshot_id,
                **{name: dg.MetadataValue.float(float(number)) for name, number in snapshot.numbers.items()},
            }
        )


@dg.asset(
    deps=["media_assets", "remote_assets"],
    group_name=_GROUP,
    kinds={"cloudinary", "postgres", "excel"},
    owners=_OWNERS,
    freshness_policy=freshness.NIGHTLY,
    pool="reports",
    description="""Assets whose bytes are the same, in groups, with where each is used and what one of each would save.

Equal bytes are told by Cloudinary's MD5, which listings do not carry. It is read for assets that share type and size
with another one, once for each version, a hundred to a call, 100 calls a run; `assets_not_compared` says how many are
left for the next runs. **It is a report: nothing is ever deleted by it.**

*Reads* the Admin API, `public.media_assets`, `public.media_usage`. *Writes* `mirror.asset_etag`, the report.""",
    check_specs=[
        dg.AssetCheckSpec(
            "every_candidate_is_compared",
            asset="duplicate_report",
            description="Of every asset that may have the bytes of another one the MD5 was read. While it was not, "
            "there may be more duplicates than the report shows; the next runs go on.",
        )
    ],
)
def duplicate_report(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Call ``duplicates.read_digests``."""
    with pipeline.step("duplicate_report") as step:
        read = read_digests(step.engine, step.client, progress=step.progress)
        with read_only(step.engine) as connection:
            counted = count_duplicates(connection)
            groups = list_groups(connection, limit=_SHOWN_ROWS)
            written = _write(step, reports.duplicate_assets(connection, counted, read.paused_reason))
        counts = metadata.counts_of(counted)
        problems = [] if read.paused_reason is None else [f"reads of MD5 paused: {read.paused_reason}"]
        used = step.count({**metadata.counts_of(read), **counts, "problems": problems})
        return dg.MaterializeResult(
            metadata={
                **_places(step, written),
                **metadata.calls(step.engine, used),
                **counts,
                "assets_not_compared": counted.uncompared_count,
                "groups": _preview(
                    ("assets", "bytes to save", "type", "public ids"),
                    [
                        (one.asset_count, one.saved_bytes, one.resource_type, ", ".join(one.public_ids))
                        for one in groups
                    ],
                    "No duplicates.",
                ),
            },
            check_results=[
                _check(
                    "every_candidate_is_compared",
                    not counted.uncompared_count,
                    f"{counted.uncompared_count:,} assets were not compared yet.",
                )
            ],
        )


@dg.asset(
    deps=["media_assets", "remote_assets"],
    group_name=_GROUP,
    kinds={"postgres", "excel"},
    owners=_OWNERS,
    freshness_policy=freshness.NIGHTLY,
    pool="reports",
    description="""What has no partner: assets that nothing here wants, and what is on one side alone.

1. Live assets that nothing has used, collected or edited for 30 days; while a source of uses is silent, none is called
   so. `media-pipeline orphans plan` records their deletion, which is guarded like any other.
2. Assets in Cloudinary without a row, live rows without an asset, files of the vault without either.

*Reads* `public.media_assets`, `public.media_usage`, the mirror, the vault. *Writes* the report, which has all rows;
below are the first of them.""",
    check_specs=[
        dg.AssetCheckSpec(
            "everything_has_a_partner",
            asset="orphan_report",
            description="Every asset in Cloudinary has its row, behind every live row stands an asset, and every file "
            "of the vault belongs to one. What breaks the first two is settled by the next sync.",
        )
    ],
)
def orphan_report(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Call ``reads.orphans.find_orphans``."""
    with pipeline.local_step("orphan_report") as step:
        found = find_orphans(step.engine, UNUSED_DAYS, limit=_SHOWN_ROWS)
        with read_only(step.engine) as connection:
            written = _write(step, reports.orphaned(connection, found))
        without = metadata.counts_of(found.unmatched)
        step.count({**without, "orphan_count": found.orphan_count})
        counted: dict[str, Any] = {}
        if found.orphan_count is not None:
            counted = {"orphan_count": found.orphan_count, "orphan_size_bytes": found.orphan_size_bytes}
        return dg.MaterializeResult(
            metadata={
                **_places(step, written),
                **counted,
                **without,
                "orphans": _preview(
                    ("public_id", "slice", "bytes", "last wanted"),
                    [
                        (
                            *(one.public_id, f"{one.resource_type}/{one.delivery_type}", one.size_bytes or 0),
                            str(one.last_wanted_at.date()),
                        )
                        for one in found.orphans
                    ],
                    found.doubt or "No orphans.",
                ),
            },
            check_results=[
                _check(
                    "everything_has_a_partner",
                    not any(without.values()),
                    "; ".join(f"{name}: {count:,}" for name, count in without.items() if count),
                )
            ],
        )


@dg.asset(
    deps=["media_assets"],
    group_name=_GROUP,
    kinds={"postgres", "excel"},
    owners=_OWNERS,
    freshness_policy=freshness.NIGHTLY,
    pool="reports",
    description="""Fields that people changed here while others changed them in Cloudinary: base, local, remote.

Nothing is overwritten until a setting or a person decides: `media_assets` goes on to show the local value, Cloudinary
keeps its own. Each open conflict is listed with its age and the command that settles it; so are those that were settled
in the last 30 days, with who won and who decided.

*Reads* `outbox.conflict`, `outbox.operation`. *Writes* the report.""",
    check_specs=[
        dg.AssetCheckSpec(
            "no_open_conflicts",
            asset="conflicts",
            description="No field waits for somebody to decide between the local and the remote value. While one does, "
            "it cannot be edited here, and the edit that met it is not pushed.",
        )
    ],
)
def conflicts(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Call ``reads.operations.list_conflicts``."""
    with pipeline.local_step("conflicts") as step:
        open_count, first = list_conflicts(step.engine, limit=_SHOWN_ROWS)
        with read_only(step.engine) as connection:
            written = _write(step, reports.conflicting(connection, open_count))
        counts = {"open_count": open_count, "settled_count": written.row_counts["settled"]}
        step.count(counts)
        return dg.MaterializeResult(
            metadata={
                **_places(step, written),
                **counts,
                "open": _preview(
                    ("conflict", "public_id", "field", "base", "local", "remote", "opened"),
                    [
                        (
                            *(one.id, one.public_id, one.place, shown(one.base), shown(one.local), shown(one.remote)),
                            f"{one.opened_at:%Y-%m-%d %H:%M}",
                        )
                        for one in first
                    ],
                    "No open conflicts.",
                ),
            },
            check_results=[
                _check(
                    "no_open_conflicts",
                    not open_count,
                    f"{open_count:,} fields wait for a decision: media-pipeline conflicts list.",
                )
            ],
        )


def _write(step: LocalStep, report: Report) -> Written:
    return write(report, step.settings, run_id=step.run_id)


def _places(step: LocalStep, written: Written) -> dict[str, dg.MetadataValue[Any]]:
    """Where the page and the files are: addresses where something serves them, else paths."""
    page = written.path(step.settings)
    found: dict[str, dg.MetadataValue[Any]] = {}
    for name in written.files:
        path = page.with_name(name)
        address = address_of(step.settings, path)
        label = "report" if path == page else name
        found[label] = dg.MetadataValue.path(path) if address is None else dg.MetadataValue.url(address)
    return found


def _preview(columns: Sequence[str], rows: Sequence[Sequence[str | int | float]], empty: str) -> dg.MetadataValue[Any]:
    """The first rows of a report, or a sentence."""
    return metadata.as_table(columns, rows) if rows else dg.MetadataValue.text(empty)


def _check(name: str, passed: bool, problem: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=name,
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=None if passed else problem,
    )


REPORT_ASSETS: Final = (library_statistics, duplicate_report, orphan_report, conflicts)

statistics = dg.define_asset_job(
    STATISTICS,
    selection=dg.AssetSelection.assets(library_statistics),
    description="Counts the library and what waits, and keeps the figures. It asks nothing of Cloudinary.",
)

library_reports = dg.define_asset_job(
    LIBRARY_REPORTS,
    selection=dg.AssetSelection.assets(duplicate_report, orphan_report, conflicts),
    description="""Writes the reports that people read in the morning: duplicates, orphans, conflicts. It changes
nothing but its own files; only the MD5 of assets that may be equal is read from Cloudinary, at most 100 calls.""",
)

statistics_every_quarter = dg.ScheduleDefinition(
    name="statistics_every_quarter",
    job=statistics,
    # Not at the minute of another schedule.
    cron_schedule="8-59/15 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Figures of the library every quarter of an hour.",
)

nightly_reports = dg.ScheduleDefinition(
    name="nightly_reports",
    job=library_reports,
    cron_schedule="15 4 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Duplicates, orphans and conflicts every night at 04:15 UTC, two hours after the full sync began.",
)

REPORT_JOBS: Final = (statistics, library_reports)
REPORT_SCHEDULES: Final = (statistics_every_quarter, nightly_reports)
