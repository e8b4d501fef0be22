"""The assets that ask the search what changed: since the last look, or in the days of an outage.

Belongs here: names, partitions, lineage, descriptions for people, which result becomes which metadata.
Not here: the walk (``listing.window``), when it runs (``automation``), what is made of its hints (``assets``).
"""

import warnings
from typing import Final

import dagster as dg

from media_pipeline import listing
from media_pipeline.listing import WindowResult
from media_pipeline.orchestration import freshness, metadata
from media_pipeline.orchestration.assets import VERIFY_ASSETS, cloudinary_library
from media_pipeline.orchestration.resources import OUTAGE_WINDOW, RECENT_CHANGES, Pipeline, Step

_OWNERS: Final = ["team:media-pipeline"]

FIRST_DAY: Final = "2024-01-01"
"""Older than any outage that this program could have seen."""

DAYS: Final = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, timezone="UTC", end_offset=1)
"""The days that can be read again, by UTC; the last one is today."""

_IS_WHOLE: Final = (
    "The search was read to its last page, and its index showed every asset that it counted. Otherwise the next look "
    "goes on from there; the nightly full sync is the net under it."
)


@dg.asset(
    deps=[cloudinary_library],
    group_name="listing",
    kinds={"cloudinary", "postgres"},
    owners=_OWNERS,
    freshness_policy=freshness.MINUTES,
    description="""What was created or changed since the last look, as the search of Cloudinary shows it.

Only ids are taken from it: each asset is read again by its id, and nothing that the search does not show counts as
deleted. Every look reaches back into the one before, further than the index of the search lags behind. Where nothing
changed it costs one Admin API call. Deletions are found by notifications and by the full sync.

*Reads* the Admin API. *Writes* `landing.change_window`, `mirror.verify_queue`.""",
    check_specs=[dg.AssetCheckSpec("is_whole", asset=RECENT_CHANGES, description=_IS_WHOLE)],
)
def recent_changes(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Call ``listing.walk_recent``."""
    with pipeline.step(RECENT_CHANGES) as step:
        result = listing.walk_recent(
            step.engine, step.client, step.settings, run_id=step.run_id, progress=step.progress
        )
        return _told(step, result)


with warnings.catch_warnings():
    # The only way to make one run of many days.
    warnings.simplefilter("ignore", dg.BetaWarning)

    @dg.asset(
        deps=[cloudinary_library],
        group_name="listing",
        kinds={"cloudinary", "postgres"},
        owners=_OWNERS,
        pool="listing",
        partitions_def=DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        description="""What was created or changed on the days of an outage. **Choose the days and materialize them.**

Notifications that were not delivered are lost; `media-pipeline status` tells of such times. For the chosen days (UTC,
as many as you like, in one run) every asset that was created or last changed then is read again by its id. What was
deleted then left no trace that a search could show, so a full sync is asked for as well: it starts by itself, lists
everything, and proves each deletion. `media-pipeline backfill --from DAY --to DAY` does the same at once.

*Reads* the Admin API, 500 ids a call. *Writes* `landing.change_window`, `landing.listing_wish`,
`mirror.verify_queue`.""",
        check_specs=[dg.AssetCheckSpec("is_whole", asset=OUTAGE_WINDOW, description=_IS_WHOLE)],
    )
    def outage_window(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:  # type: ignore[type-arg]
        """Call ``listing.walk_outage``."""
        days = context.partition_time_window
        with pipeline.step(OUTAGE_WINDOW) as step:
            result = listing.walk_outage(
                step.engine,
                step.client,
                step.settings,
                days.start,
                days.end,
                run_id=step.run_id,
                progress=step.progress,
            )
            return _told(step, result)


def _told(step: Step, result: WindowResult) -> dg.MaterializeResult:  # type: ignore[type-arg]
    problem = _problem(result)
    counts = metadata.counts_of(result)
    used = step.count({**counts, "problems": [] if problem is None else [problem]})
    times = {
        name: dg.MetadataValue.timestamp(moment)
        for name, moment in (("low_at", result.low_at), ("high_at", result.high_at))
        if moment is not None
    }
    return dg.MaterializeResult(
        metadata={
            **metadata.table(step.engine, "mirror.verify_queue", result.hinted_count),
            **metadata.calls(step.engine, used),
            **counts,
            **times,
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="is_whole",
                passed=problem is None,
                severity=dg.AssetCheckSeverity.WARN,
                description=problem,
            )
        ],
    )


def _problem(result: WindowResult) -> str | None:
    """What a person may want to know of a walk that did not show all."""
    if result.paused_reason is not None:
        return f"the search paused: {result.paused_reason}"
    if not result.is_complete:
        return "nothing was ever listed: a full sync comes first"
    if result.is_left_to_listing:
        return "more changed than reads by id are worth: a full sync does the rest"
    if result.missing_count:
        return f"the index of the search was in flux: it counted {result.missing_count:,} assets more than it showed"
    return None


INCREMENTAL_ASSETS: Final = (recent_changes, *VERIFY_ASSETS)
"""What one incremental sync makes, in order."""

BACKFILL_ASSETS: Final = (outage_window, *VERIFY_ASSETS)
"""What reading the days of an outage again makes, in order."""
