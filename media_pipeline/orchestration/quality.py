"""The quality report: every suite of expectations, as one asset with a check a suite.

Belongs here: the asset, its checks, its job, when it runs.
Not here: what is expected and how it is asked (``quality``).

Great Expectations is imported by ``quality.validate`` while the step runs, so neither loading this code location nor
any other run pays for it.
"""

from typing import Any, Final

import dagster as dg

from media_pipeline import quality
from media_pipeline.orchestration import freshness, metadata
from media_pipeline.orchestration.assets import cloudinary_listing, media_assets, media_folders, metadata_fields
from media_pipeline.orchestration.resources import QUALITY, Pipeline
from media_pipeline.quality import SAYS, QualityReport, SuiteResult
from media_pipeline.quality.expectations import Suite
from media_pipeline.reports.files import address_of
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import ExpectationState, Severity

_OWNERS: Final = ["team:media-pipeline"]

_NAMED_BELOW: Final = "What is not met is named with the first rows that break it, and with what to do."

AFTER_A_FULL_SYNC: Final = (
    dg.AutomationCondition.asset_matches(cloudinary_listing.key, dg.AutomationCondition.newly_updated()).since(
        dg.AutomationCondition.newly_requested() | dg.AutomationCondition.newly_updated()
    )
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
    & dg.AutomationCondition.all_deps_blocking_checks_passed()
).with_label("after a full sync whose blocking checks passed")
"""Once for each listing, when what follows it is done. A rule that blocks and is broken keeps the report waiting, too:
it would only tell the same with more words. The nightly one comes all the same."""


@dg.asset(
    deps=[cloudinary_listing, media_assets, media_folders, metadata_fields],
    group_name="quality",
    kinds={"postgres", "cloudinary"},
    owners=_OWNERS,
    freshness_policy=freshness.NIGHTLY,
    automation_condition=AFTER_A_FULL_SYNC,
    description="""What must hold in the data, asked of the database itself and compared with Cloudinary.

Ten **suites** of Great Expectations, each a check of this asset: completeness, identity, allowed values, ranges,
references, freshness, members of Cloudinary's documents, parity with the cloud (counts of every slice, assets chosen by
chance field by field), the audit log, edits on their way. Postgres computes all of it; no table is pulled here. The
**page** of each report shows what is not met, the first rows that break it, what to do, and how it was in the last 30
days; it needs no network.

*Reads* nearly every table, and the Admin API (a call a slice, one for 100 sampled assets). *Writes* `quality.*` and the
directory of reports.""",
    check_specs=[
        dg.AssetCheckSpec(suite.value, asset="quality_report", description=f"{SAYS[suite]} {_NAMED_BELOW}")
        for suite in Suite
    ],
    pool="reports",
)
def quality_report(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Call ``quality.make``."""
    with pipeline.local_step("quality") as step:
        report = quality.make(
            step.engine,
            step.settings,
            pipeline.connect,
            run_id=step.run_id,
            progress=step.progress,
            wait_seconds=step.wait_seconds,
        )
        counts = {state.value: report.count(state) for state in ExpectationState}
        used = step.count({**counts, "report_id": report.id, "problem": report.parity_problem})
        return dg.MaterializeResult(
            metadata={
                **metadata.table(step.engine, "quality.result", sum(counts.values())),
                **metadata.calls(step.engine, used),
                **counts,
                "assets": report.asset_count,
                "slices_counted": report.slice_count,
                "assets_sampled": report.sampled_count,
                "fields_compared": report.compared_field_count,
                "report": _link(step.settings, report),
                "suites": metadata.as_table(
                    ("suite", "state", "expectations", "not met", "what it says"),
                    [
                        (one.suite.value, one.state.value, len(one.results), len(_not_met(one)), SAYS[one.suite])
                        for one in report.suites
                    ],
                ),
            },
            check_results=[_check(step.settings, report, one) for one in report.suites],
        )


def _check(settings: Settings, report: QualityReport, one: SuiteResult) -> dg.AssetCheckResult:
    not_met = _not_met(one)
    columns = ("expectation", "state", "severity", "rows looked at", "rows that break it", "what it says", "what to do")
    rows = [
        (
            result.expectation.name,
            result.state.value,
            result.expectation.severity.value,
            "" if result.element_count is None else result.element_count,
            "" if result.unexpected_count is None else result.unexpected_count,
            result.expectation.says,
            "" if result.state is ExpectationState.MET else result.expectation.remedy,
        )
        for result in one.results
    ]
    found: dict[str, Any] = {
        "report": _link(settings, report),
        "rows_that_break_it": sum(result.unexpected_count or 0 for result in one.results),
        "expectations": metadata.as_table(columns, rows),
    }
    sample = [
        (result.expectation.name, "; ".join(f"{name}: {value}" for name, value in row.items() if value is not None))
        for result in not_met
        for row in result.sample
    ]
    if sample:
        found["sample"] = metadata.as_table(("expectation", "row"), sample)
    return dg.AssetCheckResult(
        check_name=one.suite.value,
        passed=not not_met,
        severity=dg.AssetCheckSeverity.ERROR if one.severity is Severity.CRITICAL else dg.AssetCheckSeverity.WARN,
        description=" ".join(_in_words(result) for result in not_met) or None,
        metadata=found,
    )


def _not_met(one: SuiteResult) -> list[quality.Result]:
    return [result for result in one.results if result.state is not ExpectationState.MET]


def _in_words(result: quality.Result) -> str:
    name = result.expectation.name
    if result.state is ExpectationState.UNKNOWN:
        return f"{name} could not be asked: {result.problem}."
    return f"{name}: {result.unexpected_count:,} rows break it. {result.expectation.remedy}"


def _link(settings: Settings, report: QualityReport) -> dg.MetadataValue[Any]:
    page = report.written.path(settings)
    address = address_of(settings, page)
    return dg.MetadataValue.path(str(page)) if address is None else dg.MetadataValue.url(address)


quality_job = dg.define_asset_job(
    QUALITY,
    selection=dg.AssetSelection.assets(quality_report),
    description="""Asks every expectation of the data, compares a sample with Cloudinary, and writes the report. It
changes neither Cloudinary nor the library, and can be started at any time.""",
)

nightly_quality = dg.ScheduleDefinition(
    name="nightly_quality",
    job=quality_job,
    # After the full sync of 02:15, however long that takes in a usual night.
    cron_schedule="45 4 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="A quality report every night at 04:45 UTC, whatever became of the night's full sync.",
)
