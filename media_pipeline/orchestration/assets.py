"""The assets: what flows from Cloudinary to ``media_assets``, one room's function each.

Belongs here: names, lineage, descriptions for people, which result becomes which metadata.
Not here: decisions (the rooms), checks (``checks``), when it runs (``automation``).
"""

from collections.abc import Collection
from typing import Final

import dagster as dg

from media_pipeline import canary, diff, listing, mirror, push
from media_pipeline.db import statements
from media_pipeline.db.engine import read_only
from media_pipeline.errors import RemoteError
from media_pipeline.orchestration import freshness, metadata
from media_pipeline.orchestration.arriving import canary_touch, change_files
from media_pipeline.orchestration.resources import OUTAGE_WINDOW, RECENT_CHANGES, Pipeline, Step
from media_pipeline.reads import operations
from media_pipeline.vocabulary import ChangeKind, OperationKind

_OWNERS: Final = ["team:media-pipeline"]
_SAMPLE_ROWS: Final = 20

cloudinary_library = dg.AssetSpec(
    "cloudinary_library",
    group_name="cloudinary",
    kinds={"cloudinary"},
    owners=_OWNERS,
    description="""The media library in Cloudinary: the truth that everything to the right is made from.

It lies outside of this pipeline. One database mirrors one product environment (*cloud*); with any other cloud
every run is refused before its first write.""",
)


@dg.asset(
    deps=[cloudinary_library],
    group_name="listing",
    kinds={"cloudinary", "postgres"},
    owners=_OWNERS,
    freshness_policy=freshness.NIGHTLY,
    pool="listing",
    description="""Every page of the library's listings, kept byte for byte as Cloudinary sent it.

The library is walked in **slices** (resource type × delivery type, such as image/upload), several at a time. Each
page is stored together with the cursor of the next one, so that an interrupted walk goes on where it stopped.
A slice that breaks keeps its pages but proves nothing about assets that are missing from them. While the walk goes on,
landed pages are taken over into the mirror; `remote_assets` does the rest and counts them all.

*Reads* the Admin API, 500 assets a call. *Writes* `landing.listing_run`, `landing.listing_page`.""",
    check_specs=[
        dg.AssetCheckSpec(
            "delivery_types_are_listed",
            asset="cloudinary_listing",
            description="The cloud has no assets of a delivery type that MEDIA_PIPELINE_DELIVERY_TYPES leaves out. "
            "Asked of the search, whose index lags: an alarm for people, never content.",
        )
    ],
)
# Dagster takes a parametrised result for one of several outputs where an asset carries a check of its own.
def cloudinary_listing(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Call ``listing.walk``; beside it the pages that it lands are taken over already, for ``remote_assets``."""
    with pipeline.step("listing") as step:
        with mirror.taking_over(step.engine, step.settings, progress=step.progress) as taker:
            result = listing.walk(
                step.engine,
                step.client,
                step.settings,
                run_id=step.run_id,
                progress=step.progress,
                on_page=taker.take if pipeline.takes_step("remote_assets") else None,
            )
        pipeline.pages_taken = taker.taken
        counts = {
            "pages": result.page_count,
            "assets": result.asset_count,
            "duration_seconds": round(result.duration_seconds, 3),
        }
        unlisted = _delivery_types_are_listed(step)
        problems = [f"{one.slice}: {one.problem}" for one in result.problems]
        used = step.count({**counts, "problems": problems})
        context.log_event(
            dg.AssetObservation(
                cloudinary_library.key,
                metadata={
                    "cloud_name": step.client.cloud_name,
                    "is_emulator": bool(step.client.is_emulator),
                    "assets": result.asset_count,
                },
            )
        )
        return dg.MaterializeResult(
            metadata={
                **metadata.table(step.engine, "landing.listing_page", result.page_count),
                **metadata.calls(step.engine, used),
                **counts,
                "slices_incomplete": len(problems),
                "slices": metadata.slices(result),
            },
            check_results=[unlisted],
        )


def _delivery_types_are_listed(step: Step) -> dg.AssetCheckResult:
    try:
        unlisted = listing.find_unlisted(step.client, step.settings)
    except RemoteError as error:
        unlisted, description = (), f"The search could not be asked: {error}"
    else:
        description = f"Not mirrored: {', '.join(unlisted)}. Add them to MEDIA_PIPELINE_DELIVERY_TYPES, or let them be."
        if not unlisted:
            return dg.AssetCheckResult(check_name="delivery_types_are_listed", passed=True)
    return dg.AssetCheckResult(
        check_name="delivery_types_are_listed",
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        description=description,
        metadata={"unlisted": list(unlisted)},
    )


@dg.asset(
    deps=[cloudinary_listing, change_files, RECENT_CHANGES, OUTAGE_WINDOW],
    group_name="mirror",
    kinds={"cloudinary", "postgres"},
    owners=_OWNERS,
    freshness_policy=freshness.MINUTES,
    description="""The mirror: for every asset the last state that was *proved* to be in Cloudinary.

1. Landed pages are checked, typed and taken over; a record that makes no sense goes to quarantine, the rest goes on.
2. An asset that a complete walk did not show becomes a **suspect**. Too many suspects at once (by default over
   25 and over 5 % of a slice, or an empty listing) open a **hold** and wait for a person.
3. Suspects are read one by one by their id, next to an asset known to exist. Only that proves a deletion, and the
   row stays as a tombstone.

*Reads* landed pages and the Admin API. *Writes* `mirror.remote_asset`, `mirror.asset_sighting`,
`mirror.verify_queue`, `mirror.quarantine`.""",
)
def remote_assets(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult[None]:
    """Call ``mirror.refresh``."""
    with pipeline.step("mirror") as step:
        result = mirror.refresh(
            step.engine,
            step.client,
            step.settings,
            run_id=step.run_id,
            progress=step.progress,
            taken=pipeline.pages_taken,
        )
        counts = metadata.counts_of(result)
        problems = [] if result.paused_reason is None else [f"reads by id paused: {result.paused_reason}"]
        used = step.count({**counts, "hold_ids": list(result.suspects.hold_ids), "problems": problems})
        with read_only(step.engine) as connection:
            known = statements.run(connection, "reads/520_count_mirror").one()
        return dg.MaterializeResult(
            metadata={
                **metadata.table(step.engine, "mirror.remote_asset", known.row_count),
                **metadata.calls(step.engine, used),
                **counts,
                "assets_live": known.live_count,
                "assets_suspect": known.suspect_count,
                "assets_tombstone": known.tombstone_count,
            }
        )


@dg.asset(
    deps=[remote_assets],
    group_name="diff",
    kinds={"postgres"},
    owners=_OWNERS,
    freshness_policy=freshness.MINUTES,
    description="""What differs between the mirror and `media_assets`, asset by asset and field by field.

Computed by Postgres in one transaction: created, updated, renamed, moved, restored, deleted. It is a report and a
list of work for the next step; it can never change anything in Cloudinary. Deletions are counted once more, and too
many of them in a slice open a **hold**; all other changes go on.

*Reads* `mirror.remote_asset`, `mirror.asset_sighting`, `public.media_assets`. *Writes* `diff.change_set`,
`diff.change`.""",
)
def diff_set(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult[None]:
    """Call ``diff.compute``."""
    with pipeline.step("diff") as step:
        result = diff.compute(step.engine, step.settings, run_id=step.run_id, wait_seconds=step.wait_seconds)
        counts = metadata.counts_of(result)
        step.count({**counts, "hold_ids": list(result.hold_ids)})
        kinds = {kind.value: int(counts[kind.value]) for kind in ChangeKind}
        with read_only(step.engine) as connection:
            samples = statements.run(
                connection,
                "reads/530_sample_changes",
                change_set_id=result.change_set_id,
                kinds=[kind for kind, count in kinds.items() if count],
                row_limit=_SAMPLE_ROWS,
            ).all()
        return dg.MaterializeResult(
            metadata={
                **metadata.table(step.engine, "diff.change", result.total),
                **counts,
                "changes": metadata.by_kind(kinds),
                "sample": metadata.sample(
                    samples, ("kind", "state", "resource_type", "delivery_type", "public_id", "fields")
                ),
            }
        )


@dg.asset(
    deps=[diff_set],
    group_name="diff",
    kinds={"postgres"},
    owners=_OWNERS,
    freshness_policy=freshness.MINUTES,
    description="""The library as people and applications use it: one row an asset, typed, searchable, joinable.

The newest change set is applied in batches. Every change moves `row_version` and appends an entry with the fields
before and after to `media_sync_log`, which nobody can edit and which is sealed against tampering. Rows are never
deleted: a deleted asset keeps its row and gets `deleted_at`.

*Reads* `diff.change`, `mirror.remote_asset`. *Writes* `public.media_assets`, `public.media_sync_log`.""",
)
def media_assets(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult[None]:
    """Call ``diff.apply``."""
    with pipeline.step("apply") as step:
        result = diff.apply(
            step.engine,
            step.settings,
            run_id=step.run_id,
            progress=step.progress,
            wait_seconds=step.wait_seconds,
        )
        counts = metadata.counts_of(result)
        step.count(counts)
        canary.settle(step.engine)
        with read_only(step.engine) as connection:
            library = statements.run(connection, "reads/525_count_library").one()
        return dg.MaterializeResult(
            metadata={
                **metadata.table(step.engine, "public.media_assets", library.row_count),
                **counts,
                "rows_changed": result.applied,
                "assets_live": library.live_count,
                "assets_deleted": library.deleted_count,
                "assets_live_size_bytes": int(library.live_size_bytes),
            }
        )


@dg.asset(
    # The search of folders ends at 2000; in what it leaves out lie assets, which are known by then.
    deps=[cloudinary_library, remote_assets],
    group_name="mirror",
    kinds={"cloudinary", "postgres"},
    owners=_OWNERS,
    freshness_policy=freshness.NIGHTLY,
    description="""The folder tree, empty folders included.

A folder that Cloudinary's folder search does not show is removed here only if no live asset lies in it and if its own
read says that it is gone; until then it stays.

*Reads* the Admin API. *Writes* `public.media_folders`.""",
)
def media_folders(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult[None]:
    """Call ``mirror.refresh_folders``."""
    with pipeline.step("folders") as step:
        result = mirror.refresh_folders(step.engine, step.client, progress=step.progress)
        counts = metadata.counts_of(result)
        used = step.count(counts)
        return dg.MaterializeResult(
            metadata={
                **metadata.table(step.engine, "public.media_folders", result.found),
                **metadata.calls(step.engine, used),
                **counts,
            }
        )


@dg.asset(
    deps=[cloudinary_library],
    group_name="mirror",
    kinds={"cloudinary", "postgres"},
    owners=_OWNERS,
    freshness_policy=freshness.NIGHTLY,
    description="""Definitions of structured metadata: which fields assets may have, of which type, with which values.

*Reads* the Admin API, one call. *Writes* `public.media_metadata_fields`.""",
)
def metadata_fields(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult[None]:
    """Call ``mirror.refresh_metadata_fields``."""
    with pipeline.step("metadata_fields") as step:
        result = mirror.refresh_metadata_fields(step.engine, step.client)
        counts = metadata.counts_of(result)
        used = step.count(counts)
        return dg.MaterializeResult(
            metadata={
                **metadata.table(step.engine, "public.media_metadata_fields", result.found),
                **metadata.calls(step.engine, used),
                **counts,
            }
        )


@dg.asset(
    deps=[media_assets],
    group_name="push",
    kinds={"postgres"},
    owners=_OWNERS,
    description="""What is about to be done in Cloudinary: the edits of `media_assets` that wait, frozen as a plan.

Deletions are a plan of their own. They wait for the time in which they can be undone, and too many of them in a slice
(by default over 25 and over 5 %) are **held** until a person approves exactly these; all other edits go on. A plan
says what it costs before anything is done.

*Reads* `outbox.operation`. *Writes* `outbox.push_plan`, `outbox.push_plan_item`.""",
)
def push_plan(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult[None]:
    """Call ``push.plan``."""
    with pipeline.step("push_plan") as step:
        result = push.plan(step.engine, step.settings, run_id=step.run_id, wait_seconds=step.wait_seconds)
        counts = metadata.counts_of(result)
        step.count({**counts, "plan_ids": list(result.plan_ids), "held_plan_ids": list(result.held_plan_ids)})
        plans = [push.read_plan(step.engine, plan_id) for plan_id in result.plan_ids]
        items = [item for plan in plans for item in push.list_items(step.engine, plan.id, limit=_SAMPLE_ROWS)]
        with read_only(step.engine) as connection:
            waiting = operations.count_waiting(connection)
        return dg.MaterializeResult(
            metadata={
                **metadata.table(step.engine, "outbox.push_plan_item", result.approved + result.held),
                **counts,
                **metadata.counts_of(waiting),
                "plans": metadata.plans(plans),
                "held_plans": metadata.plans([plan for plan in plans if plan.id in result.held_plan_ids]),
                "sample": metadata.edits(items),
            }
        )


def _pushed(name: str, kinds: Collection[OperationKind], description: str) -> dg.AssetsDefinition:
    """An asset that pushes some kinds of operations."""

    @dg.asset(
        name=name,
        deps=[push_plan],
        group_name="push",
        kinds={"cloudinary", "postgres"},
        owners=_OWNERS,
        description=f"""{description}

Each operation is claimed, compared with what Cloudinary has now, done with the smallest call, and counted as done only
when a later read has shown it. The same field changed on both sides is a **conflict** and overwrites nothing. Where
Cloudinary asks for a pause, the rest waits for the next push; that is no failure.

*Reads* approved plans and the Admin API. *Writes* Cloudinary, `outbox.operation`, `outbox.attempt`,
`outbox.conflict`.""",
        check_specs=[
            dg.AssetCheckSpec(
                "no_pause",
                asset=name,
                description="The push went on to its end. After a pause, what is left waits and is pushed by the next "
                "run; nothing of it is lost and nothing is done twice.",
            )
        ],
    )
    def pushed(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:  # type: ignore[type-arg]
        """Call ``push.push``."""
        with pipeline.step(name) as step:
            result = push.push(
                step.engine, step.client, step.settings, kinds, run_id=step.run_id, progress=step.progress
            )
            counts = metadata.counts_of(result)
            used = step.count({**counts, "paused_reason": result.paused_reason})
            _, tried = operations.list_pushed(step.engine, [step.run_id], kinds, limit=_SAMPLE_ROWS)
            paused = {} if result.paused_reason is None else {"paused_reason": result.paused_reason}
            return dg.MaterializeResult(
                metadata={
                    **metadata.table(step.engine, "outbox.operation", result.tried),
                    **metadata.calls(step.engine, used),
                    **counts,
                    **paused,
                    "sample": metadata.edits(tried),
                },
                check_results=[
                    dg.AssetCheckResult(
                        check_name="no_pause",
                        passed=not paused,
                        severity=dg.AssetCheckSeverity.WARN,
                        description=result.paused_reason,
                        metadata=paused,
                    )
                ],
            )

    return pushed


pushed_deletions = _pushed(
    "pushed_deletions",
    push.DELETIONS,
    "Assets that people deleted here, deleted in Cloudinary: by their immutable id, up to 100 a call.",
)
pushed_uploads = _pushed(
    "pushed_uploads",
    push.UPLOADS,
    "Files that people uploaded here, under names of their own, and files that replace the bytes of an asset. They lie "
    "in the vault before they are sent, and so do the bytes that a replacement ends. Nothing else is overwritten.",
)
pushed_updates = _pushed(
    "pushed_updates",
    push.UPDATES,
    "Tags, context, metadata, titles, folders and access rules that people edited here, and assets that they restored.",
)
pushed_renames = _pushed(
    "pushed_renames",
    push.RENAMES,
    "Assets that people renamed here, renamed in Cloudinary. Their addresses change; old ones stop to work.",
)

VERIFY_ASSETS: Final = (remote_assets, diff_set, media_assets)
"""What reading the hinted assets again makes, in order; no listing."""

DRAIN_ASSETS: Final = (change_files, *VERIFY_ASSETS)
"""What taking the spool over makes, in order."""

CANARY_ASSETS: Final = (canary_touch,)

DEFINITION_ASSETS: Final = (media_folders, metadata_fields)
"""What folders and definitions of metadata are read into."""

PUSH_ASSETS: Final = (push_plan, pushed_deletions, pushed_uploads, pushed_updates, pushed_renames)
"""What one push makes, in order."""

FULL_SYNC_ASSETS: Final = (
    cloudinary_listing,
    remote_assets,
    diff_set,
    media_assets,
    media_folders,
    metadata_fields,
)
"""What one full sync makes, in order."""
