"""What must be true after a sync, asked of the database itself, and what a person should look at.

Belongs here: the question, how grave a "no" is, what to do about it.
Not here: the statements (``sql/reads``), guards that stop work while it is done (the rooms).

A check protects (``blocking``) where later steps would build on what is wrong. It then fails the run. Where a guard
already stopped what is dangerous, the check only tells: the run has done its work and succeeds.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import dagster as dg

from media_pipeline import push
from media_pipeline.db import statements
from media_pipeline.db.engine import read_only
from media_pipeline.ops import holds
from media_pipeline.orchestration import metadata
from media_pipeline.orchestration.assets import cloudinary_listing, diff_set, media_assets, push_plan, remote_assets
from media_pipeline.orchestration.resources import Pipeline
from media_pipeline.reads.operations import STUCK_ATTEMPTS
from media_pipeline.vocabulary import HoldKind

_SAMPLE_ROWS: Final = 20


@dg.asset_check(
    asset=cloudinary_listing,
    description="Every configured slice was listed to its last page. Of a slice that was not, what was read is used, "
    "but nothing that is missing from it counts as deleted; the next sync goes on or begins anew.",
)
def every_slice_complete(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
    """Compare the settings with the newest walk of each slice."""
    with read_only(pipeline.engine) as connection:
        walks = {
            (walk.resource_type, walk.delivery_type): walk
            for walk in statements.run(connection, "reads/550_list_newest_walks")
        }
    problems = []
    for one in pipeline.settings.slices:
        walk = walks.get((one.resource_type.value, one.delivery_type))
        if walk is None:
            problems.append((str(one), "it was never listed"))
        elif walk.state == "broken":
            problems.append((str(one), walk.broken_reason))
        elif not walk.is_whole:
            problems.append((str(one), f"its listing stopped after page {walk.page_count} and is to be continued"))
    return dg.AssetCheckResult(
        passed=not problems,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(f"{name}: {why}" for name, why in problems)
        or f"All {len(pipeline.settings.slices)} slices are complete.",
        metadata={"slices": metadata.as_table(("slice", "why"), problems)} if problems else {},
    )


@dg.multi_asset_check(
    specs=[
        dg.AssetCheckSpec(
            "no_open_holds",
            asset=remote_assets,
            description="No assets that a listing did not show wait for a person. While they do, they count as live.",
        ),
        dg.AssetCheckSpec(
            "nothing_quarantined",
            asset=remote_assets,
            description="Every record was understood. One that was not is set aside with its bytes and the reason; "
            "its slice proves no deletion until a good record of the asset arrives.",
        ),
    ],
    can_subset=True,
)
def mirror_checks(
    context: dg.AssetCheckExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> Iterator[dg.AssetCheckResult]:
    """What waits for a person after the mirror was refreshed."""
    chosen = {key.name for key in context.selected_asset_check_keys}
    if "no_open_holds" in chosen:
        yield _open_holds(pipeline, HoldKind.SUSPECTS, remote_assets)
    if "nothing_quarantined" in chosen:
        yield _quarantined(pipeline)


@dg.asset_check(
    asset=diff_set,
    name="no_open_holds",
    description="No proved deletions wait for a person. While they do, the assets stay live in media_assets; all "
    "other changes go on.",
)
def diff_no_open_holds(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
    """What waits for a person after the diff."""
    return _open_holds(pipeline, HoldKind.DELETIONS, diff_set)


_RULES: Final[Mapping[str, tuple[str, bool, str]]] = {
    "every_asset_was_seen": (
        "reads/580_find_unseen_assets",
        True,
        "Behind every live row stands an observation in Cloudinary: no row of media_assets was made by anything else.",
    ),
    "every_version_is_logged": (
        "reads/582_find_unlogged_assets",
        True,
        "The present version of every row has its entry in media_sync_log: nothing changed without a trace.",
    ),
    "mirror_is_applied": (
        "reads/584_find_unapplied_assets",
        False,
        "Every live asset is in media_assets exactly as the mirror proved it when the newest change set was made.",
    ),
    "names_are_unique": (
        "reads/586_find_shared_names",
        False,
        "No two live assets of a slice have the same public_id. Cloudinary gives a name once, so one of the two is out "
        "of date: a rename or an upload raced with the listing, and the next full sync settles it.",
    ),
}
"""Name of the rule to its statement, whether it protects, and what it says. Rows of the statement break the rule."""


@dg.multi_asset_check(
    specs=[
        dg.AssetCheckSpec(name, asset=media_assets, blocking=is_blocking, description=description)
        for name, (_, is_blocking, description) in _RULES.items()
    ],
    can_subset=True,
)
def library_checks(
    context: dg.AssetCheckExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> Iterator[dg.AssetCheckResult]:
    """The rules that hold in the database whatever was synced."""
    chosen = {key.name for key in context.selected_asset_check_keys}
    for name, (statement, is_blocking, _) in _RULES.items():
        if name not in chosen:
            continue
        with read_only(pipeline.engine) as connection:
            rows = statements.run(connection, statement, row_limit=_SAMPLE_ROWS).all()
        count = rows[0].total_count if rows else 0
        found: dict[str, Any] = {"rows_that_break_it": count}
        if rows:
            columns = [column for column in rows[0]._fields if column != "total_count"]
            found["sample"] = metadata.sample(rows, columns)
        yield dg.AssetCheckResult(
            check_name=name,
            asset_key=media_assets.key,
            passed=not rows,
            severity=dg.AssetCheckSeverity.ERROR if is_blocking else dg.AssetCheckSeverity.WARN,
            description=f"{count:,} rows break this rule." if rows else None,
            metadata=found,
        )


@dg.multi_asset_check(
    specs=[
        dg.AssetCheckSpec(
            "no_held_plans",
            asset=push_plan,
            description="No plan waits for a person. While one does, exactly its deletions are not pushed; all other "
            "edits go on.",
        ),
        dg.AssetCheckSpec(
            "nothing_is_stuck",
            asset=push_plan,
            description=f"No operation was tried {STUCK_ATTEMPTS} times or more and is neither done nor refused. One "
            "that is stuck keeps later edits of its asset waiting.",
        ),
    ],
    can_subset=True,
)
def push_checks(
    context: dg.AssetCheckExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> Iterator[dg.AssetCheckResult]:
    """What waits for a person after a plan was made."""
    chosen = {key.name for key in context.selected_asset_check_keys}
    if "no_held_plans" in chosen:
        yield _held_plans(pipeline)
    if "nothing_is_stuck" in chosen:
        yield _stuck(pipeline)


def _held_plans(pipeline: Pipeline) -> dg.AssetCheckResult:
    held = push.list_plans(pipeline.engine, only_held=True)
    count = sum(plan.operation_count for plan in held)
    commands = "; ".join(f"media-pipeline plan approve {plan.id}" for plan in held)
    return dg.AssetCheckResult(
        check_name="no_held_plans",
        asset_key=push_plan.key,
        passed=not held,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{count:,} operations wait for a person. Look at them with 'media-pipeline plan show N', then: "
        f"{commands} (or reject)."
        if held
        else None,
        metadata={"operations_waiting": count, **({"plans": metadata.plans(held)} if held else {})},
    )


def _stuck(pipeline: Pipeline) -> dg.AssetCheckResult:
    with read_only(pipeline.engine) as connection:
        rows = statements.run(
            connection, "reads/765_list_stuck", attempt_count=STUCK_ATTEMPTS, row_limit=_SAMPLE_ROWS
        ).all()
    count = rows[0].total_count if rows else 0
    columns = ("id", "kind", "state", "public_id", "attempt_count", "outcome", "recorded_at", "actor")
    return dg.AssetCheckResult(
        check_name="nothing_is_stuck",
        asset_key=push_plan.key,
        passed=not rows,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{count:,} operations do not get done; their outcome says what Cloudinary answered."
        if rows
        else None,
        metadata={"stuck": count, **({"operations": metadata.sample(rows, columns)} if rows else {})},
    )


def _open_holds(pipeline: Pipeline, kind: HoldKind, asset: dg.AssetsDefinition) -> dg.AssetCheckResult:
    waiting = sorted((one for one in holds.list_holds(pipeline.engine) if one.kind is kind), key=lambda one: one.id)
    asset_count = sum(hold.asset_count for hold in waiting)
    columns = ("hold", "slice", "assets", "of", "why", "to approve", "to reject")
    rows = [
        (
            hold.id,
            f"{hold.resource_type}/{hold.delivery_type}",
            hold.asset_count,
            hold.total_count,
            hold.reason,
            f"media-pipeline holds approve {hold.id}",
            f"media-pipeline holds reject {hold.id}",
        )
        for hold in waiting
    ]
    commands = "; ".join(f"media-pipeline holds approve {hold.id}" for hold in waiting)
    return dg.AssetCheckResult(
        check_name="no_open_holds",
        asset_key=asset.key,
        passed=not waiting,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{asset_count:,} assets wait for a person. Look at them with "
        f"'media-pipeline holds list', then: {commands} (or reject)."
        if waiting
        else None,
        metadata={
            "assets_waiting": asset_count,
            **({"holds": metadata.as_table(columns, rows)} if waiting else {}),
        },
    )


def _quarantined(pipeline: Pipeline) -> dg.AssetCheckResult:
    with read_only(pipeline.engine) as connection:
        rows = statements.run(connection, "reads/570_list_quarantined", row_limit=_SAMPLE_ROWS).all()
    count = rows[0].total_count if rows else 0
    columns = ("id", "asset_id", "reason", "detail", "seen_count", "last_seen_at")
    return dg.AssetCheckResult(
        check_name="nothing_quarantined",
        asset_key=remote_assets.key,
        passed=not rows,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{count:,} records could not be understood; mirror.quarantine holds them." if rows else None,
        metadata={"quarantined": count, **({"records": metadata.sample(rows, columns)} if rows else {})},
    )


CHECKS: Final = (every_slice_complete, mirror_checks, diff_no_open_holds, library_checks, push_checks)
