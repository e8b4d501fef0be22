"""From the spool into Postgres: every message kept once, every asset it names asked for.

Belongs here: claiming change files, what each notification leads to, one transaction a batch.
Not here: receiving (``intake.receiver``, ``polling``), the files (``intake.spool``), the shapes (``intake.message``),
the reads that follow (``mirror.refresh``).
Tables: writes landing.notification; mirror.asset_sighting and mirror.verify_queue through ``mirror.hint``.

    spool/new ──claim──▶ spool/cur/<worker> ──▶ [landing.notification, hint]  one commit ──▶ file removed

A file goes only after the commit. Whatever dies before leaves it to the next drain, which counts its messages again and
asks for the same reads once more: no harm, since a hint holds no content.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy import Connection, Engine

from media_pipeline.db import statements
from media_pipeline.db.engine import retrying
from media_pipeline.errors import TornFile
from media_pipeline.intake.change_file import Notification
from media_pipeline.intake.message import About, Message, Name, Unreadable, understand
from media_pipeline.intake.spool import ChangeFile, Spool
from media_pipeline.progress import Progress
from media_pipeline.vocabulary import AssetId, NotificationOutcome, VerifyReason

log = structlog.get_logger()

_FILES_A_BATCH = 500
_BYTES_A_BATCH = 32 * 2**20


@dataclass(frozen=True, slots=True)
class DrainResult:
    """What one drain did.

    Attributes:
        files: change files taken out of the spool.
        torn: files that were no whole change files and lie in the spool's quarantine now.
        notifications: messages in them, those that came before included.
        hinted_assets: entries that the verify queue got or renewed.
        outcomes: messages by what they led to.
        types: messages by their type; the empty text stands for those without one.
    """

    files: int
    torn: int
    notifications: int
    hinted_assets: int
    outcomes: Mapping[NotificationOutcome, int]
    types: Mapping[str, int]
    duration_seconds: float


@dataclass(slots=True)
class _Landing:
    """One body, however often it lies in a batch."""

    first: Notification
    last_received_at: datetime
    delivery_count: int
    message: Message | None
    problem: Unreadable | None
    outcome: NotificationOutcome = NotificationOutcome.QUARANTINED
    asset_ids: tuple[AssetId, ...] = ()
    is_undefined: bool = False


def drain(
    engine: Engine, spool: Spool, *, cloud_name: str, delivery_types: Collection[str], progress: Progress
) -> DrainResult:
    """Empty the spool, and first take back what a drain that died had claimed. Several may work at once.

    Args:
        cloud_name: the bound cloud; a message about another one hints at nothing.
        delivery_types: those that are mirrored.

    Raises:
        SpoolUnavailable: the directory cannot be used.
        DatabaseError: nothing of the batch was landed; its files are taken back by the next drain.
    """
    started = time.monotonic()
    outcomes: Counter[NotificationOutcome] = Counter()
    types: Counter[str] = Counter()
    files = torn = hinted = 0
    with spool.working() as worker:
        while claimed := spool.claim(worker, _FILES_A_BATCH):
            for batch in _batches(spool, claimed):
                torn += batch.torn
                landings = _merge(batch.notifications)
                hinted += _land(engine, landings, cloud_name, frozenset(delivery_types))
                spool.done(batch.files)
                files += len(batch.files)
                for landing in landings:
                    outcomes[landing.outcome] += landing.delivery_count
                    types[_type_of(landing)] += landing.delivery_count
                progress.advance("change_files", done=len(batch.files), notifications=len(batch.notifications))
    seconds = time.monotonic() - started
    return DrainResult(files, torn, outcomes.total(), hinted, outcomes, types, seconds)


@dataclass(slots=True)
class _Batch:
    files: list[ChangeFile] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    size_bytes: int = 0
    torn: int = 0


def _batches(spool: Spool, claimed: Sequence[ChangeFile]) -> Iterator[_Batch]:
    """Whole files, so many at a time that memory stays bounded; torn ones are set aside."""
    batch = _Batch()
    for file in claimed:
        try:
            read = spool.read(file)
        except TornFile as error:
            log.error("change_file_torn", file=file.path.name, problem=str(error))
            spool.set_aside(file, str(error))
            batch.torn += 1
            continue
        batch.files.append(file)
        batch.notifications += read
        batch.size_bytes += sum(len(one.body) for one in read)
        if batch.size_bytes >= _BYTES_A_BATCH:
            yield batch
            batch = _Batch()
    yield batch


def _merge(notifications: Sequence[Notification]) -> list[_Landing]:
    """Each body once."""
    merged: dict[bytes, _Landing] = {}
    for one in notifications:
        landing = merged.get(one.body)
        if landing is None:
            merged[one.body] = _understood(one)
            continue
        landing.delivery_count += 1
        landing.last_received_at = max(landing.last_received_at, one.received_at)
        if one.received_at < landing.first.received_at:
            landing.first = one
    return list(merged.values())


def _understood(notification: Notification) -> _Landing:
    try:
        message, problem = understand(notification.body), None
    except Unreadable as error:
        message, problem = None, error
        digest = hashlib.sha256(notification.body).hexdigest()
        log.warning("notification_quarantined", digest=digest, reason=error.reason, detail=error.detail)
    return _Landing(notification, notification.received_at, 1, message, problem)


def _land(engine: Engine, landings: Sequence[_Landing], cloud_name: str, mirrored: frozenset[str]) -> int:
    """One transaction: the messages and their hints; returns the entries of the queue."""
    if not landings:
        return 0

    def work(connection: Connection) -> int:
        found = _Found(connection, [one.message for one in landings if one.message is not None])
        for landing in landings:
            if landing.message is not None:
                landing.outcome, landing.asset_ids = found.conclude(landing.message, cloud_name, mirrored)
                landing.is_undefined = not found.undefined.isdisjoint(landing.message.metadata_fields)
        statements.run(connection, "intake/010_land_notifications", **_columns(landings))
        ids = sorted({asset_id for landing in landings for asset_id in landing.asset_ids})
        reason = VerifyReason.NOTIFICATION.value
        return int(statements.run(connection, "mirror/080_hint", asset_ids=ids, reason=reason).scalar_one())

    return retrying(engine, work)


class _Found:
    """What the library knows of the names, folders and metadata in a batch of messages."""

    def __init__(self, connection: Connection, messages: Sequence[Message]) -> None:
        self._named: dict[Name, list[AssetId]] = {}
        self._below: dict[str, list[AssetId]] = {}
        self.undefined: set[str] = set()
        names = sorted({name for message in messages for name in message.names})
        if names:
            rows = statements.run(
                connection,
                "intake/020_find_named",
                public_ids=[name.public_id for name in names],
                resource_types=[name.resource_type for name in names],
                delivery_types=[name.delivery_type for name in names],
            )
            for row in rows:
                name = Name(row.public_id, row.resource_type, row.delivery_type)
                self._named.setdefault(name, []).append(AssetId(row.asset_id))
        paths = sorted({path for message in messages for path in message.folders})
        if paths:
            for row in statements.run(connection, "intake/030_find_in_folders", paths=paths):
                self._below.setdefault(row.path, []).append(AssetId(row.asset_id))
        fields = sorted({name for message in messages for name in message.metadata_fields})
        if fields:
            rows = statements.run(connection, "intake/040_find_undefined", external_ids=fields)
            self.undefined = {row.external_id for row in rows}

    def conclude(
        self, message: Message, cloud_name: str, mirrored: frozenset[str]
    ) -> tuple[NotificationOutcome, tuple[AssetId, ...]]:
        """What a message leads to, and which assets are to be read."""
        if message.cloud_names - {cloud_name}:
            log.error("notification_of_another_cloud", clouds=sorted(message.cloud_names), bound=cloud_name)
            return NotificationOutcome.FOREIGN_CLOUD, ()
        if message.delivery_types and mirrored.isdisjoint(message.delivery_types):
            return NotificationOutcome.NOT_MIRRORED, ()
        ids = [*message.asset_ids]
        for name in message.names:
            ids += self._named.get(name, [])
        if message.about is About.FOLDER_TREE:
            for path in message.folders:
                ids += self._below.get(path, [])
        asset_ids = tuple(dict.fromkeys(ids))
        if message.about is None:
            log.warning("notification_type_unknown", notification_type=message.notification_type, assets=len(asset_ids))
            return NotificationOutcome.UNKNOWN_TYPE, asset_ids
        if message.about is not About.ASSETS:
            return NotificationOutcome.FOLDERS, asset_ids
        return (NotificationOutcome.HINTED if asset_ids else NotificationOutcome.NO_ASSET), asset_ids


def _type_of(landing: _Landing) -> str:
    return (landing.message and landing.message.notification_type) or ""


def _columns(landings: Sequence[_Landing]) -> dict[str, list[object]]:
    """One array a column."""
    rows = [_row(landing) for landing in sorted(landings, key=lambda one: one.first.body)]
    return {name: [row[name] for row in rows] for name in rows[0]}


def _row(landing: _Landing) -> dict[str, object]:
    first, message = landing.first, landing.message
    return {
        "body_digests": hashlib.sha256(first.body).digest(),
        "bodies": first.body,
        "headers": json.dumps(dict(first.headers)),
        "channels": first.channel.value,
        "received_ats": first.received_at,
        "last_received_ats": landing.last_received_at,
        "delivery_counts": landing.delivery_count,
        "notification_types": message and message.notification_type,
        "triggered_ats": message and message.triggered_at,
        "triggered_bys": message and message.triggered_by,
        "request_ids": message and message.request_id,
        "outcomes": landing.outcome.value,
        "reasons": None if landing.problem is None else str(landing.problem),
        "asset_ids": json.dumps(landing.asset_ids),
        "is_undefined": landing.is_undefined,
    }
