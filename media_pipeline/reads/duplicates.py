"""Assets with the same bytes: how many, which, where they are used.

Belongs here: the reads over digests.
Not here: reading digests from Cloudinary (``duplicates``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from media_pipeline.db import statements


@dataclass(frozen=True, slots=True)
class DuplicateCount:
    """How much is there twice.

    Attributes:
        candidate_count: live assets that share type and size with another one.
        uncompared_count: those of them whose bytes were not compared yet.
        untold_count: those of which Cloudinary tells no MD5, so that nobody can say.
        group_count: groups of assets with the same bytes.
        duplicate_count: assets in these groups.
        saved_bytes: what would be free if one of each group were kept.
    """

    candidate_count: int
    uncompared_count: int
    untold_count: int
    group_count: int
    duplicate_count: int
    saved_bytes: int


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Assets with the same bytes; of names and folders the first twenty, the oldest asset first."""

    etag: str
    resource_type: str
    size_bytes: int
    asset_count: int
    saved_bytes: int
    public_ids: list[str]
    folders: list[str] | None
    use_count: int


def count_duplicates(connection: Connection) -> DuplicateCount:
    """Count them."""
    return DuplicateCount(**statements.run(connection, "reads/650_count_duplicates").mappings().one())


def list_groups(connection: Connection, *, limit: int) -> list[DuplicateGroup]:
    """The *limit* groups that waste most."""
    rows = statements.run(connection, "reads/655_list_duplicate_groups", row_limit=limit).mappings()
    return [DuplicateGroup(**row) for row in rows]


def stream_groups(connection: Connection) -> Iterator[DuplicateGroup]:
    """All groups, those that waste most first."""
    rows = statements.stream(connection, "reads/655_list_duplicate_groups", row_limit=None)
    return (DuplicateGroup(**row._mapping) for row in rows)


def stream_duplicates(connection: Connection) -> Iterator[Row[Any]]:
    """Every asset whose bytes another one has, group by group, with its uses."""
    return statements.stream(connection, "reads/660_list_duplicates")
