"""Assets in Cloudinary that nothing in the database wants, and what else has no partner on the other side.

Belongs here: finding orphans, and the doubt in which none may be called so.
Not here: deleting them (``outbox.delete_orphans`` records it), how they are printed (``cli.orphans``).

An asset is an orphan if for some days nothing here used it, collected it, edited it or disputed it. That nobody reports
a use proves nothing: only where every source has reported within these days is an asset without a use unused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row

from media_pipeline.db import statements
from media_pipeline.db.engine import read_only
from media_pipeline.vocabulary import AssetId

UNUSED_DAYS: Final = 30
"""For which nothing may have wanted an asset, where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Orphan:
    """An asset that nothing wants; ``last_wanted_at`` is its last change, or the last sight of a use."""

    asset_id: AssetId
    public_id: str
    resource_type: str
    delivery_type: str
    size_bytes: int | None
    last_wanted_at: datetime


@dataclass(frozen=True, slots=True)
class UsageSource:
    """A system that reports where assets are used, with its live uses and the newest sight of one."""

    source_system: str
    use_count: int
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Unmatched:
    """What has no partner on the other side.

    Attributes:
        without_row_count: assets in Cloudinary without a row in media_assets; the next sync brings them.
        without_asset_count: live rows without an asset that was ever proved live; the next sync names them.
        without_use_count: files of the vault that belong to no row and to no operation.
    """

    without_row_count: int
    without_asset_count: int
    without_use_count: int


@dataclass(frozen=True, slots=True)
class Orphans:
    """What was found.

    Attributes:
        doubt: why no asset may be called an orphan; None where they may.
        orphan_count: None in doubt, as is ``orphan_size_bytes``.
        orphans: the first of them, those longest unwanted first.
    """

    unused_days: int
    doubt: str | None
    sources: tuple[UsageSource, ...]
    orphan_count: int | None
    orphan_size_bytes: int | None
    orphans: tuple[Orphan, ...]
    unmatched: Unmatched


def find_orphans(engine: Engine, unused_days: int, *, limit: int | None = 100) -> Orphans:
    """Find assets that nothing has wanted for *unused_days* days, with the first *limit* of them, or all.

    Transactions: one, READ ONLY.
    """
    with read_only(engine) as connection:
        sources = tuple(
            UsageSource(**row) for row in statements.run(connection, "reads/805_list_usage_sources").mappings()
        )
        unmatched = Unmatched(**statements.run(connection, "reads/810_count_unmatched").mappings().one())
        doubt = _doubt(sources, unused_days)
        if doubt is not None:
            return Orphans(unused_days, doubt, sources, None, None, (), unmatched)
        rows = statements.run(connection, "reads/800_list_orphans", unused_days=unused_days, row_limit=limit).all()
    return Orphans(
        unused_days,
        None,
        sources,
        rows[0].total_count if rows else 0,
        rows[0].total_size_bytes if rows else 0,
        tuple(
            Orphan(
                AssetId(row.asset_id),
                row.public_id,
                row.resource_type,
                row.delivery_type,
                row.size_bytes,
                row.last_wanted_at,
            )
            for row in rows
        ),
        unmatched,
    )


def stream_orphans(connection: Connection, unused_days: int) -> Iterator[Row[Any]]:
    """All of them, those longest unwanted first; only where ``find_orphans`` has no doubt."""
    return statements.stream(connection, "reads/800_list_orphans", unused_days=unused_days, row_limit=None)


def stream_without_row(connection: Connection) -> Iterator[Row[Any]]:
    """Assets in Cloudinary without a row in media_assets."""
    return statements.stream(connection, "reads/820_list_without_row")


def stream_without_asset(connection: Connection) -> Iterator[Row[Any]]:
    """Live rows without an asset that was ever proved live."""
    return statements.stream(connection, "reads/822_list_without_asset")


def stream_unused_files(connection: Connection) -> Iterator[Row[Any]]:
    """Files of the vault that belong to no row and to no operation."""
    return statements.stream(connection, "reads/824_list_unused_files")


def _doubt(sources: Sequence[UsageSource], unused_days: int) -> str | None:
    if not sources:
        return "Nothing reports where assets are used (media_usage has no live use), so none can be called unused."
    oldest = datetime.now(UTC) - timedelta(days=unused_days)
    silent = [one for one in sources if one.last_seen_at < oldest]
    if not silent:
        return None
    told = ", ".join(f"{one.source_system} (last seen {one.last_seen_at:%Y-%m-%d})" for one in silent)
    return f"Not every source of uses has reported within {unused_days} days: {told}. What it uses now is not known."
