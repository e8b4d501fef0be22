"""What each report says: which rows, under which headings, in which words where there is nothing.

Belongs here: putting reads together for people who download them.
Not here: the reads themselves, the form of files (``reports``), when reports are made (``orchestration.reports``).

Rows are read while the files are written, so a report has to be written before its connection is given back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row

from media_pipeline.reads import duplicates, orphans, snapshots
from media_pipeline.reads.duplicates import DuplicateCount, DuplicateGroup
from media_pipeline.reads.operations import Conflict, shown, stream_conflicts, stream_settled_conflicts
from media_pipeline.reads.orphans import Orphans
from media_pipeline.reads.snapshots import Snapshot, over_time
from media_pipeline.reports import plots
from media_pipeline.reports.files import Plot, Report, Table

TREND_DAYS: Final = 30
SETTLED_DAYS: Final = 30

_STATISTICS_KEPT_DAYS: Final = 1
"""A page every quarter of an hour; the figures themselves are kept in the database."""

_ASSETS: Final = {"live": "asset_count", "deleted": "deleted_count"}
_WAITING: Final = {
    "edits": "pending_operation_count",
    "assets to read": "verify_queue_count",
    "conflicts": "open_conflict_count",
    "held": "held_asset_count",
}


def statistics(connection: Connection, snapshot: Snapshot) -> Report:
    """The figures of *snapshot*, and how they were over the last days."""
    past = snapshots.list_snapshots(connection, TREND_DAYS)
    numbers = snapshot.numbers
    by_type = dict(sorted(snapshot.figures["by_resource_type"].items(), key=lambda one: -one[1]))

    def lines(chosen: Mapping[str, str], title: str, unit: str) -> Plot:
        series = {name: over_time(past, figure) for name, figure in chosen.items()}
        return Plot(plots.lines(series, title=title, unit=unit), f"{title}, over the last {TREND_DAYS} days")

    volume = [(moment, value / 1e6) for moment, value in over_time(past, "total_size_bytes")]
    return Report(
        "library_statistics",
        "Library statistics",
        "What the library holds and what waits, counted by the database itself every quarter of an hour.",
        {
            "assets": numbers["asset_count"],
            "size, MB": numbers["total_size_bytes"] / 1e6,
            "folders": numbers["folder_count"],
            "edits on their way": numbers["pending_operation_count"],
            "open conflicts": numbers["open_conflict_count"],
            "held": numbers["held_asset_count"] + numbers["held_operation_count"],
        },
        (
            lines(_ASSETS, "Assets", "assets"),
            Plot(
                plots.lines({"size": volume}, title="Size of the live library", unit="MB"),
                f"Size of the live library, over the last {TREND_DAYS} days",
            ),
            lines(_WAITING, "What waits", "count"),
            Plot(plots.bars(by_type, title="Live assets by type", unit="assets"), "Live assets by type"),
        ),
        (
            Table(
                "figures",
                "All figures",
                ("figure", "value"),
                [(name, value) for name, value in sorted(numbers.items())],
                "No figures: nothing was counted.",
                "Ages, lags and times are in seconds, sizes in bytes.",
            ),
        ),
        keep_days=_STATISTICS_KEPT_DAYS,
    )


def duplicate_assets(connection: Connection, counted: DuplicateCount, paused_reason: str | None) -> Report:
    """Assets with the same bytes, in groups and one by one."""
    lead = "Assets whose bytes are the same, by their MD5. Nothing is deleted: which of them to keep is yours to say."
    if counted.uncompared_count:
        lead += f" {counted.uncompared_count:,} assets were not compared yet; the next runs go on with them."
    if paused_reason is not None:
        lead += f" The comparison paused: {paused_reason}"
    empty = "No duplicates: no two live assets have the same bytes."
    if counted.uncompared_count:
        empty = "No duplicates among the assets that were compared."
    return Report(
        "duplicate_report",
        "Duplicates",
        lead,
        {
            "groups": counted.group_count,
            "assets in them": counted.duplicate_count,
            "to save, MB": counted.saved_bytes / 1e6,
            "same type and size": counted.candidate_count,
            "not compared yet": counted.uncompared_count,
            "MD5 not told": counted.untold_count,
        },
        tables=(
            Table(
                "groups",
                "Groups, those that waste most first",
                ("assets", "bytes each", "bytes to save", "type", "live uses", "public ids", "folders", "MD5"),
                (_group(one) for one in duplicates.stream_groups(connection)),
                empty,
            ),
            Table(
                "assets",
                "Every asset of these groups",
                ("public_id", "slice", "bytes", "folder", "live uses", "used by", "created", "MD5", "asset_id"),
                (
                    (
                        *(one.public_id, _slice(one), one.size_bytes, one.asset_folder, one.use_count),
                        *(_listed(one.uses or (), one.use_count), one.created_at, one.etag, one.asset_id),
                    )
                    for one in duplicates.stream_duplicates(connection)
                ),
                empty,
            ),
        ),
    )


def orphaned(connection: Connection, found: Orphans) -> Report:
    """Assets that nothing wants, and what has no partner on the other side."""
    unmatched = found.unmatched
    lead = (
        f"Live assets that nothing here has used, collected or edited for {found.unused_days} days, and what has no "
        "partner on the other side. 'media-pipeline orphans plan' records the deletion of the first; the next sync "
        "settles the others."
    )
    return Report(
        "orphan_report",
        "Orphans",
        f"{lead} {found.doubt}" if found.doubt else lead,
        {
            "unwanted assets": "not known" if found.orphan_count is None else found.orphan_count,
            "their size, MB": "not known" if found.orphan_size_bytes is None else found.orphan_size_bytes / 1e6,
            "assets without a row": unmatched.without_row_count,
            "rows without an asset": unmatched.without_asset_count,
            "unused files of the vault": unmatched.without_use_count,
        },
        tables=(
            Table(
                "unwanted",
                "Assets that nothing wants, those longest unwanted first",
                ("public_id", "slice", "bytes", "last wanted", "asset_id"),
                ()
                if found.doubt
                else (
                    (one.public_id, _slice(one), one.size_bytes, one.last_wanted_at, one.asset_id)
                    for one in orphans.stream_orphans(connection, found.unused_days)
                ),
                found.doubt or f"No orphans: every live asset was wanted within {found.unused_days} days.",
            ),
            Table(
                "without_row",
                "In Cloudinary, without a row in media_assets",
                ("public_id", "slice", "bytes", "seen", "asset_id"),
                (
                    (one.public_id, _slice(one), one.size_bytes, one.observed_at, one.asset_id)
                    for one in orphans.stream_without_row(connection)
                ),
                "None: every asset that is known in Cloudinary has its row.",
            ),
            Table(
                "without_asset",
                "Live rows without an asset in Cloudinary",
                ("public_id", "slice", "bytes", "mirrored", "asset_id"),
                (
                    (one.public_id, _slice(one), one.size_bytes, one.mirrored_at, one.asset_id)
                    for one in orphans.stream_without_asset(connection)
                ),
                "None: behind every live row stands an asset that was proved.",
            ),
            Table(
                "unused_files",
                "Files of the vault that no row and no operation needs",
                ("SHA-256", "MD5", "bytes", "kept since"),
                (
                    (one.sha256, one.md5, one.size_bytes, one.stored_at)
                    for one in orphans.stream_unused_files(connection)
                ),
                "None: every file of the vault belongs to a row or to an operation.",
            ),
        ),
    )


def conflicting(connection: Connection, open_count: int) -> Report:
    """Open conflicts with their three values, and what became of the others."""
    now = datetime.now(UTC)
    values = ("conflict", "public_id", "field", "base", "local", "remote")
    return Report(
        "conflicts",
        "Conflicts",
        "Fields that were changed here and in Cloudinary since the edit was recorded. Until somebody decides, "
        "media_assets shows the local value and Cloudinary keeps its own.",
        {"open conflicts": open_count},
        tables=(
            Table(
                "open",
                "Open, the oldest first",
                (*values, "edited by", "days open", "to settle it"),
                (
                    (*_values(one), one.actor, _days(now - one.opened_at), _command(one))
                    for one in stream_conflicts(connection)
                ),
                "No open conflicts: no field waits for a decision between two values.",
            ),
            Table(
                "settled",
                f"Settled within {SETTLED_DAYS} days",
                (*values, "winner", "settled by", "settled"),
                (
                    (*_values(one), one.state.value, one.resolved_by, one.resolved_at)
                    for one in stream_settled_conflicts(connection, SETTLED_DAYS)
                ),
                f"No conflict was settled within {SETTLED_DAYS} days.",
            ),
        ),
    )


def _values(one: Conflict) -> tuple[object, ...]:
    return one.id, one.public_id, one.place, shown(one.base), shown(one.local), shown(one.remote)


def _command(one: Conflict) -> str:
    return f"media-pipeline conflicts resolve {one.id} --local, or --remote"


def _days(age: timedelta) -> float:
    return round(age.total_seconds() / 86_400, 1)


def _group(one: DuplicateGroup) -> tuple[object, ...]:
    # Cloudinary's root folder has no name.
    folders = "\n".join(name or "/" for name in one.folders or ())
    numbers = one.asset_count, one.size_bytes, one.saved_bytes
    return *numbers, one.resource_type, one.use_count, _listed(one.public_ids, one.asset_count), folders, one.etag


def _slice(row: Row[Any]) -> str:
    return f"{row.resource_type}/{row.delivery_type}"


def _listed(names: Sequence[str], total: int) -> str:
    """Names, one a line, and how many more there are."""
    more = [f"… and {total - len(names):,} more"] if total > len(names) else []
    return "\n".join([*names, *more])
