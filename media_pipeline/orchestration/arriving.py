"""The assets of near real time: what arrives between two listings, and the proof that it does.

Belongs here: names, lineage, descriptions for people, which result becomes which metadata.
Not here: the assets that follow (``assets``), when it runs (``automation``), receiving (``intake``, ``polling``).
"""

from datetime import UTC, datetime
from typing import Any, Final

import dagster as dg

from media_pipeline import canary
from media_pipeline.db.engine import read_only
from media_pipeline.intake.configured import spool_of
from media_pipeline.intake.drain import drain
from media_pipeline.orchestration import freshness, metadata
from media_pipeline.orchestration.resources import Pipeline
from media_pipeline.reads.lag import Gap, Lag, list_gaps, read_lag

_OWNERS: Final = ["team:media-pipeline"]


@dg.asset(
    deps=["cloudinary_library"],
    group_name="intake",
    kinds={"cloudinary", "postgres"},
    owners=_OWNERS,
    description="""What Cloudinary told us between two listings: signed notifications, each kept once as it was signed.

Receiver and poll channel put them into the spool, a directory that needs no database; here they are taken out of it. A
notification is a **hint**: nothing of its content is taken over. The assets it names are read again by their ids. One
that cannot be read is quarantined with its bytes; one about another cloud hints at nothing.

*Reads* the spool. *Writes* `landing.notification`, and `mirror.verify_queue` through `mirror.hint`.""",
    check_specs=[
        dg.AssetCheckSpec(
            "no_gap_in_notifications",
            asset="change_files",
            description="Every change of the canary was notified. Where one was not, or nothing was proved for a "
            "while, the days of the gap are named: partitions of outage_window to be launched.",
        )
    ],
)
def change_files(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Call ``intake.drain``."""
    with pipeline.step("change_files") as step:
        spool = spool_of(step.settings)
        spool.prepare()
        result = drain(
            step.engine,
            spool,
            cloud_name=step.client.cloud_name,
            delivery_types=step.settings.delivery_types,
            progress=step.progress,
        )
        counts = metadata.counts_of(result)
        outcomes = {outcome.value: count for outcome, count in result.outcomes.items()}
        step.count({**counts, "outcomes": outcomes})
        depth = spool.depth()
        with read_only(step.engine) as connection:
            gaps = list_gaps(connection, is_wanted=step.settings.hears)
        return dg.MaterializeResult(
            metadata={
                **metadata.table(step.engine, "landing.notification", result.notifications),
                **counts,
                "by_outcome": metadata.as_table(("outcome", "notifications"), sorted(outcomes.items())),
                "by_type": metadata.as_table(("notification_type", "notifications"), sorted(result.types.items())),
                "files_left": depth.file_count,
                "files_in_quarantine": depth.quarantined_count,
            },
            check_results=[_no_gap(gaps)],
        )


def _no_gap(gaps: tuple[Gap, ...]) -> dg.AssetCheckResult:
    today = datetime.now(UTC).date()
    days = sorted({day for gap in gaps for day in gap.days(today)})
    return dg.AssetCheckResult(
        check_name="no_gap_in_notifications",
        passed=not gaps,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"Backfill the asset outage_window for {', '.join(map(str, days))}." if days else None,
        metadata={
            "partitions": [str(day) for day in days],
            "gaps": metadata.as_table(
                ("from", "to", "lost notifications of the canary"),
                [(str(gap.from_at), str(gap.to_at or "now"), gap.lost_count) for gap in gaps],
            ),
        },
    )


@dg.asset(
    group_name="intake",
    kinds={"cloudinary"},
    owners=_OWNERS,
    freshness_policy=freshness.MINUTES,
    description="""One asset of ours, `media-pipeline/canary`, changed every ten minutes to prove that changes arrive.

What is measured is the whole way: change in Cloudinary, notification, spool, read by id, committed row of
`media_assets`. `media-pipeline alarm` speaks up when the last proof is too old, and needs no Dagster for it.

*Writes* Cloudinary (the context of this one asset, actor `system:canary`), `ops.canary_touch`.""",
)
def canary_touch(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult[None]:
    """Call ``canary.touch``."""
    with pipeline.step("canary") as step:
        canary.settle(step.engine)
        touched = canary.touch(step.engine, step.client, step.settings, run_id=step.run_id)
        step.count({"touch_id": touched.id})
        with read_only(step.engine) as connection:
            lag = read_lag(connection)
        return dg.MaterializeResult(metadata={"touched": touched.id, "is_new": touched.is_new, **_figures(lag)})


def _figures(lag: Lag) -> dict[str, dg.MetadataValue[Any]]:
    """Counts and seconds of the last day; a figure that nothing was counted for is left out."""
    found: dict[str, dg.MetadataValue[Any]] = {
        name: dg.MetadataValue.float(round(float(value), 3)) for name, value in metadata.counts_of(lag).items()
    }
    if lag.last_proved_at is not None:
        found["last_proved_at"] = dg.MetadataValue.timestamp(lag.last_proved_at)
    return found
