"""Taking a read over into the mirror: the one road for listing pages and point reads.

Belongs here: which records need normalizing, the window rule's transaction, quarantine.
Not here: fetching (``listing``, ``mirror.verify``), what absence means (``mirror.suspects``, ``mirror.verify``).
Tables: writes mirror.remote_asset, asset_sighting, proved_page, verify_queue, quarantine; landing.listing_page.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
import structlog
from sqlalchemy import Connection, Engine, Row
from sqlalchemy.exc import DBAPIError
from structlog.contextvars import bound_contextvars

from media_pipeline.db import statements
from media_pipeline.db.engine import read_only, retrying, sqlstate, transaction
from media_pipeline.remote import payloads
from media_pipeline.remote.payloads import BadItem, Observation, RawItem
from media_pipeline.vocabulary import AssetId, ListingRunId, Slice, VerifyReason

log = structlog.get_logger()

_SIGHTING_TYPES = ("text", "text", "text", "bytea")


@dataclass(frozen=True, slots=True)
class PageCounts:
    """What one read led to: ``seen = known + normalized + placeholders + quarantined + repeated``."""

    seen: int = 0
    known: int = 0
    normalized: int = 0
    placeholders: int = 0
    quarantined: int = 0
    repeated: int = 0
    written: int = 0

    def __add__(self, other: PageCounts) -> PageCounts:
        return PageCounts(
            self.seen + other.seen,
            self.known + other.known,
            self.normalized + other.normalized,
            self.placeholders + other.placeholders,
            self.quarantined + other.quarantined,
            self.repeated + other.repeated,
            self.written + other.written,
        )


@dataclass(frozen=True, slots=True)
class PageOrigin:
    """Where a read came from; point reads belong to no listing run and to no slice.

    ``records_digest`` is that of a whole page, by which the same page is known again.
    """

    touch_low: int
    listing_run_id: ListingRunId | None = None
    page_number: int | None = None
    slice: Slice | None = None
    records_digest: bytes | None = None


class _TouchedSince(Exception):
    """Something was heard of an asset of a page after the page was taken over: the page is looked into again."""


@dataclass(slots=True)
class _Sorted:
    """The records of one read, sorted by what is to be done with them."""

    content: list[Observation] = field(default_factory=list)
    placeholders: list[Observation] = field(default_factory=list)
    bad: list[tuple[RawItem, BadItem]] = field(default_factory=list)
    known: int = 0
    repeated: int = 0

    @property
    def is_plain(self) -> bool:
        """Whether every record of the read is the one good record of an asset."""
        return not (self.bad or self.placeholders or self.repeated)

    @property
    def set_aside(self) -> list[AssetId]:
        """Ids of records that are no sighting."""
        ids = [*(one.asset_id for one in self.placeholders), *(item.asset_id for item, _ in self.bad)]
        return [one for one in ids if one is not None]


def apply_landed_page(engine: Engine, listing_run_id: ListingRunId, page_number: int) -> PageCounts:
    """Take one landed page over, once.

    A page that shows the same as one that was taken over whole is not looked into again, as long as nothing touched one
    of its assets since.

    Returns:
        Counts; all zero when another process took it over first.

    Reads: landing.listing_page. Transactions: one.
    """
    page = _read_page(engine, listing_run_id, page_number, may_repeat=True)
    if page is None:
        return PageCounts()
    slice_ = Slice(page.resource_type, page.delivery_type)
    origin = PageOrigin(page.touch_low, listing_run_id, page_number, slice_, page.records_digest)
    asset_count = page.asset_count

    def is_ours(connection: Connection) -> bool:
        marked = statements.run(
            connection, "mirror/120_mark_page_applied", listing_run_id=listing_run_id, page_number=page_number
        )
        return marked.first() is not None

    def repeat(connection: Connection) -> PageCounts:
        if not is_ours(connection):
            return PageCounts()
        _repeat(connection, origin, slice_)
        return PageCounts(seen=asset_count, known=asset_count)

    if page.body is None:
        try:
            return retrying(engine, repeat)
        except _TouchedSince:
            page = _read_page(engine, listing_run_id, page_number, may_repeat=False)
    if page is None:
        return PageCounts()
    items = payloads.split_page(zlib.decompress(page.body), call="list", request_id=page.request_id).items
    with bound_contextvars(slice=str(slice_)):
        return apply_items(engine, items, origin, unless_done=is_ours)


def _read_page(engine: Engine, listing_run_id: ListingRunId, page_number: int, *, may_repeat: bool) -> Row[Any] | None:
    with read_only(engine) as connection:
        return statements.run(
            connection,
            "mirror/110_read_page",
            listing_run_id=listing_run_id,
            page_number=page_number,
            may_repeat=may_repeat,
        ).first()


def _repeat(connection: Connection, origin: PageOrigin, slice_: Slice) -> None:
    """Count the assets of a page as seen again without looking into it.

    Raises:
        _TouchedSince: roll back.
    """
    again = statements.run(
        connection,
        "mirror/115_repeat_page",
        resource_type=slice_.resource_type,
        delivery_type=slice_.delivery_type,
        records_digest=origin.records_digest,
        listing_run_id=origin.listing_run_id,
        touch_low=origin.touch_low,
    ).one()
    if not again.is_whole:
        raise _TouchedSince
    statements.run(connection, "mirror/050_settle_won_sightings", touch=again.touch)


def apply_items(
    engine: Engine,
    items: Iterable[RawItem],
    origin: PageOrigin,
    *,
    unless_done: Callable[[Connection], bool] = lambda _: True,
    trust_placeholders: bool = False,
) -> PageCounts:
    """Take the records of one read over in one transaction.

    Args:
        unless_done: first statement of the transaction; False means that the work was done meanwhile.
        trust_placeholders: a remnant in this answer is live, since deleted assets are never part of it
            (point reads); else a remnant only becomes a suspect that is read by its id.
    """
    found = tuple(items)
    refused: dict[AssetId, str] = {}
    parts = _Sorted()

    def work(connection: Connection) -> PageCounts:
        nonlocal parts
        if not unless_done(connection):
            return PageCounts()
        unknown = _unknown(connection, found, origin.slice)
        parts = _sort(found, unknown, origin.slice, refused, trust_placeholders=trust_placeholders)
        written = _write(connection, parts, origin)
        return PageCounts(
            seen=len(found),
            known=parts.known,
            normalized=len(parts.content),
            placeholders=len(parts.placeholders),
            quarantined=len(parts.bad),
            repeated=parts.repeated,
            written=written,
        )

    try:
        return retrying(engine, work)
    except (DBAPIError, psycopg.Error) as error:
        # Rare, and paid only then: one record that Postgres cannot hold must not keep its page out for ever.
        refused = _refused_by_postgres(engine, parts.content) if _is_about_data(error) else {}
        if not refused:
            raise
    return retrying(engine, work)


def _is_about_data(error: BaseException) -> bool:
    """Whether Postgres complained of a value (class 22) or of its size (class 54)."""
    return (sqlstate(error) or "")[:2] in {"22", "54"}


def _refused_by_postgres(engine: Engine, content: Iterable[Observation]) -> dict[AssetId, str]:
    """Which of these Postgres cannot hold, each tried alone and rolled back; the reason by asset_id."""
    refused: dict[AssetId, str] = {}
    with transaction(engine) as connection:
        statements.run(connection, "mirror/011_make_page_content")
        for observation in content:
            attempt = connection.begin_nested()
            try:
                statements.copy_in(
                    connection, "mirror/014_copy_page_content", [observation.as_row()], payloads.ROW_TYPES
                )
            except (DBAPIError, psycopg.Error) as error:
                if not _is_about_data(error):
                    raise
                refused[observation.asset_id] = str(error).partition("\n")[0]
            finally:
                attempt.rollback()
    return refused


def _unknown(connection: Connection, items: tuple[RawItem, ...], slice_: Slice | None) -> set[AssetId]:
    """Fill page_sighting, and say which of these we have not seen in exactly these bytes; for point reads, all."""
    statements.run(connection, "mirror/010_make_page_sighting")
    keyed: dict[AssetId, RawItem] = {}
    for item in items:
        if item.asset_id is not None:
            keyed.setdefault(item.asset_id, item)
    if slice_ is None:
        return set(keyed)
    rows = ((key, slice_.resource_type, slice_.delivery_type, item.digest) for key, item in keyed.items())
    statements.copy_in(connection, "mirror/013_copy_page_sighting", rows, _SIGHTING_TYPES)
    return {row.asset_id for row in statements.run(connection, "mirror/020_find_unknown_documents")}


def _sort(
    items: tuple[RawItem, ...],
    unknown: Container[AssetId],
    slice_: Slice | None,
    refused: Mapping[AssetId, str],
    *,
    trust_placeholders: bool,
) -> _Sorted:
    """Normalize what is unknown; of a repeated id the first record counts."""
    parts = _Sorted()
    done: set[AssetId] = set()
    for item in items:
        if item.asset_id is not None:
            if item.asset_id in done:
                parts.repeated += 1
                continue
            done.add(item.asset_id)
            if item.asset_id not in unknown:
                parts.known += 1
                continue
        try:
            observation = payloads.normalize(item.raw, document_digest=item.digest)
            _require_slice(observation, slice_)
            if observation.asset_id in refused:
                raise BadItem("refused_by_postgres", refused[observation.asset_id], observation.asset_id)
        except BadItem as bad:
            parts.bad.append((item, bad))
            continue
        if observation.is_placeholder and not trust_placeholders:
            parts.placeholders.append(observation)
        else:
            parts.content.append(observation)
    return parts


def _require_slice(observation: Observation, slice_: Slice | None) -> None:
    if slice_ is None:
        return
    if (observation.resource_type, observation.delivery_type) != (slice_.resource_type, slice_.delivery_type):
        raise BadItem(
            "wrong_slice",
            f"a listing of {slice_} shows {observation.resource_type}/{observation.delivery_type}",
            observation.asset_id,
        )


def _write(connection: Connection, parts: _Sorted, origin: PageOrigin) -> int:
    """Everything that is written of one read; returns how many rows of content were written."""
    run = {"listing_run_id": origin.listing_run_id}
    if origin.slice is None:
        rows = ((one.asset_id, one.resource_type, one.delivery_type, one.document_digest) for one in parts.content)
        statements.copy_in(connection, "mirror/013_copy_page_sighting", rows, _SIGHTING_TYPES)
    elif parts.set_aside:
        statements.run(connection, "mirror/022_leave_out_sightings", asset_ids=parts.set_aside)
    won = statements.run(connection, "mirror/030_win_sightings", touch_low=origin.touch_low, **run).one()
    written = 0
    if parts.content:
        statements.run(connection, "mirror/011_make_page_content")
        rows_of_content = (one.as_row() for one in parts.content)
        statements.copy_in(connection, "mirror/014_copy_page_content", rows_of_content, payloads.ROW_TYPES)
        written = statements.run(connection, "mirror/040_write_content", touch=won.touch).rowcount
    statements.run(connection, "mirror/050_settle_won_sightings", touch=won.touch)
    hinted = statements.run(
        connection, "mirror/060_queue_lost_sightings", touch=won.touch, has_lost=won.has_lost
    ).scalar_one()
    is_whole = parts.is_plain and not won.has_lost and not hinted
    if origin.slice is not None and origin.records_digest is not None and is_whole:
        statements.run(
            connection,
            "mirror/065_prove_page",
            resource_type=origin.slice.resource_type,
            delivery_type=origin.slice.delivery_type,
            records_digest=origin.records_digest,
            touch=won.touch,
        )
    if parts.placeholders:
        suspected = statements.run(
            connection,
            "mirror/070_suspect_placeholders",
            asset_ids=[one.asset_id for one in parts.placeholders],
            resource_types=[one.resource_type for one in parts.placeholders],
            delivery_types=[one.delivery_type for one in parts.placeholders],
            **run,
        )
        ids = [row.asset_id for row in suspected]
        statements.run(connection, "mirror/080_hint", asset_ids=ids, reason=VerifyReason.PLACEHOLDER.value)
    for item, bad in parts.bad:
        _quarantine(connection, item, bad, origin)
    if parts.bad and origin.listing_run_id is not None:
        statements.run(connection, "mirror/125_count_quarantined", quarantined_count=len(parts.bad), **run)
    return written


def _quarantine(connection: Connection, item: RawItem, bad: BadItem, origin: PageOrigin) -> None:
    log.warning("record_quarantined", reason=bad.reason, asset_id=bad.asset_id, listing_run_id=origin.listing_run_id)
    statements.run(
        connection,
        "mirror/090_quarantine_record",
        listing_run_id=origin.listing_run_id,
        page_number=origin.page_number,
        # A text that Postgres cannot store may be the very reason; only a plain id is repeated outside the bytes.
        asset_id=bad.asset_id,
        reason=bad.reason,
        detail=bad.detail.replace("\x00", "\\0").encode("utf-8", "backslashreplace").decode(),
        body=item.raw,
        body_digest=hashlib.sha256(item.raw).digest(),
    )
