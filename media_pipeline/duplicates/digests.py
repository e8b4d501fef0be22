"""Reading the MD5 of assets that may be equal to others.

Belongs here: which are asked for, in what order, how many at a time.
Not here: what is equal (``reads.duplicates``).
Tables: writes mirror.asset_etag.

A listing does not tell the MD5 of bytes, and a call for a hundred of them costs as much as one for five hundred assets.
So only assets are asked for that share their type and their size with another one, once for each version of their
bytes, the largest first.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine

from media_pipeline.db import statements
from media_pipeline.db.engine import read_only, transaction
from media_pipeline.errors import RemoteTransient
from media_pipeline.progress import Progress
from media_pipeline.remote import payloads
from media_pipeline.remote.client import IDS_PER_CALL, CloudinaryClient
from media_pipeline.vocabulary import AssetId

CALLS_AT_MOST: Final = 100
"""Admin API calls of one run; what is left is read by the next ones."""


@dataclass(frozen=True, slots=True)
class DigestsRead:
    """What was read.

    Attributes:
        asked_count: assets that were asked for.
        read_count: those of them that Cloudinary told something of.
        left_count: assets that are still to be asked for.
        paused_reason: why it ended before its limit; None where it did not.
    """

    asked_count: int
    read_count: int
    left_count: int
    paused_reason: str | None


def read_digests(
    engine: Engine, client: CloudinaryClient, *, progress: Progress, call_limit: int = CALLS_AT_MOST
) -> DigestsRead:
    """Read the MD5 of assets that may be equal to others and were not compared since their bytes changed.

    Transactions: one a call, after it.

    Raises:
        RemotePermanent, RemoteMalformed: an answer that is no answer; what was read stays.
    """
    with read_only(engine) as connection:
        rows = statements.run(connection, "duplicates/010_find_uncompared", row_limit=call_limit * IDS_PER_CALL).all()
    wanted = [AssetId(row.asset_id) for row in rows]
    total = int(rows[0].total_count) if rows else 0
    asked = read = 0
    for start in range(0, len(wanted), IDS_PER_CALL):
        batch = wanted[start : start + IDS_PER_CALL]
        try:
            found = _read(client, batch)
        except RemoteTransient as error:
            return DigestsRead(asked, read, total - read, str(error))
        with transaction(engine) as connection:
            statements.run(
                connection,
                "duplicates/020_write_etags",
                asset_ids=list(found),
                versions=[one.version or 0 for one in found.values()],
                etags=[one.etag for one in found.values()],
            )
        asked, read = asked + len(batch), read + len(found)
        progress.advance("duplicates", done=len(batch), total=len(wanted))
    return DigestsRead(asked, read, total - read, None)


def _read(client: CloudinaryClient, asset_ids: list[AssetId]) -> dict[str, payloads.Etag]:
    """What Cloudinary tells; an asset that is missing, or told badly, is asked for again another day."""
    found: dict[str, payloads.Etag] = {}
    answer = client.read_etags(asset_ids)
    page = payloads.split_page(answer.body, call="read_etags", request_id=answer.request_id)
    for item in page.items:
        with suppress(payloads.BadItem):
            etag = payloads.etag_of(item.raw)
            if etag.asset_id in asset_ids:
                found[etag.asset_id] = etag
    return found
