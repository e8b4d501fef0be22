"""Reading assets again by their id, and the only proof of a deletion.

Belongs here: draining the verify queue, canaries, what a missing asset proves.
Not here: how assets get into the queue (``mirror.hint`` in SQL, ``mirror.suspects``).
Tables: writes mirror.asset_sighting, mirror.verify_queue, public.media_folders, and content through
``mirror.page_apply``.

A point read proves absence only if its answer has no further page, if a canary (an asset known to be live) is in it,
and if a second answer with more assets in it does not show them either: a limit of answers would cut that one, and one
that was cut by chance shows them now. Else each absence needs its own 404.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, Engine
from structlog.contextvars import bound_contextvars

from media_pipeline.db import statements
from media_pipeline.db.engine import read_only, retrying, transaction
from media_pipeline.errors import RemoteError, RemoteNotFound
from media_pipeline.mirror.page_apply import PageOrigin, apply_items
from media_pipeline.ops import binding
from media_pipeline.progress import Progress
from media_pipeline.remote import payloads
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.remote.identity import identify
from media_pipeline.vocabulary import AssetId, HoldId, VerifyReason

log = structlog.get_logger()

_LEASE_SECONDS = 300
_PAUSE_SECONDS = 30
_KNOWN_LIVE_IN_A_CALL = 2
"""A canary, and room for the one asset by which a second answer is larger."""


@dataclass(frozen=True, slots=True)
class VerifyCounts:
    """What draining the queue led to: ``read = present + tombstoned + unproved + superseded``."""

    read: int = 0
    present: int = 0
    tombstoned: int = 0
    unproved: int = 0
    superseded: int = 0
    quarantined: int = 0
    written: int = 0

    def __add__(self, other: VerifyCounts) -> VerifyCounts:
        return VerifyCounts(
            self.read + other.read,
            self.present + other.present,
            self.tombstoned + other.tombstoned,
            self.unproved + other.unproved,
            self.superseded + other.superseded,
            self.quarantined + other.quarantined,
            self.written + other.written,
        )


@dataclass(frozen=True, slots=True)
class _Claim:
    asset_id: AssetId
    hold_id: HoldId | None
    needs_approval: bool


def drain(
    engine: Engine, client: CloudinaryClient, *, batch_size: int, progress: Progress
) -> tuple[VerifyCounts, RemoteError | None]:
    """Read every due asset of the queue by its id, at most ``batch_size`` ids a call.

    Returns:
        What was settled, and the error that made the reads pause, if any; the queue keeps what was not settled.

    Reads: Admin API ``GET /resources/by_asset_ids`` and, for single proofs, ``GET /resources/<asset_id>``.
    """
    reader = _Reader(engine, client)
    total = VerifyCounts()
    while not reader.is_in_doubt:
        claims = _claim(engine, batch_size - _KNOWN_LIVE_IN_A_CALL)
        if not claims:
            break
        try:
            counts = reader.read_batch(claims)
        except RemoteError as error:
            _release(engine, claims)
            return total, error
        total += counts
        progress.advance("verify", done=counts.read, deleted=counts.tombstoned)
    return total, None


def _claim(engine: Engine, limit: int) -> list[_Claim]:
    def work(connection: Connection) -> list[_Claim]:
        rows = statements.run(
            connection, "mirror/300_claim_verifications", row_limit=limit, lease_seconds=_LEASE_SECONDS
        )
        return [_Claim(AssetId(row.asset_id), row.hold_id, row.needs_approval) for row in rows]

    return retrying(engine, work)


def _release(engine: Engine, claims: Sequence[_Claim]) -> None:
    """Give entries back, to be read again after a pause."""

    def work(connection: Connection) -> None:
        statements.run(
            connection,
            "mirror/340_release_verifications",
            asset_ids=[claim.asset_id for claim in claims],
            pause_seconds=_PAUSE_SECONDS,
        )

    retrying(engine, work)


class _Reader:
    """One drain's reads."""

    def __init__(self, engine: Engine, client: CloudinaryClient) -> None:
        self._engine = engine
        self._client = client
        self._canary: list[AssetId] = []
        self.is_in_doubt = False
        """A canary did not come back: nothing is proved in this drain any more."""
        self._binding_is_checked = False

    def read_batch(self, claims: Sequence[_Claim]) -> VerifyCounts:
        ids = [claim.asset_id for claim in claims]
        canary = self._canary = self._take_canary(ids)
        touch_low = self._touch()
        answer = self._client.read_assets([*ids, *canary])
        page = payloads.split_page(answer.body, call="by_asset_ids", request_id=answer.request_id)
        returned = {item.asset_id for item in page.items if item.asset_id is not None}
        missing = [claim for claim in claims if claim.asset_id not in returned]
        applied = apply_items(self._engine, page.items, PageOrigin(touch_low), trust_placeholders=True)
        if applied.written:
            self._add_folders(returned)
        present = self._close([one for one in ids if one in returned], touch_low)
        counts = VerifyCounts(
            read=len(ids),
            present=present,
            superseded=len(ids) - len(missing) - present,
            quarantined=applied.quarantined,
            written=applied.written,
        )
        if not missing:
            return counts
        # A record without a readable id may be any of the missing ones.
        is_whole = page.next_cursor is None and set(canary) <= returned and all(one.asset_id for one in page.items)
        return counts + self._settle_missing(missing, canary, len(returned), touch_low, is_whole=is_whole)

    def _settle_missing(
        self, missing: Sequence[_Claim], canary: Sequence[AssetId], shown: int, touch_low: int, *, is_whole: bool
    ) -> VerifyCounts:
        if not canary:
            return self._prove_without_canary(missing, is_whole=is_whole)
        if is_whole and self._are_missing_again([claim.asset_id for claim in missing], shown):
            return self._tombstone(missing, touch_low, unproved=[])
        return self._prove_singly(missing, canary)

    def _are_missing_again(self, ids: Sequence[AssetId], shown: int) -> bool:
        """Whether an answer that carries one asset more than the first one, which showed *shown*, lacks *ids* again."""
        known = self._known_live(ids, shown + 1)
        if len(known) <= shown:
            return False
        touch_low = self._touch()
        # Those known to be live come last: where only so many ids are looked at, they are the ones left out.
        answer = self._client.read_assets([*ids, *known])
        page = payloads.split_page(answer.body, call="by_asset_ids", request_id=answer.request_id)
        apply_items(self._engine, page.items, PageOrigin(touch_low), trust_placeholders=True)
        returned = {item.asset_id for item in page.items}
        return page.next_cursor is None and returned == set(known)

    def _take_canary(self, ids: Sequence[AssetId]) -> list[AssetId]:
        """The canary that came back last time, or the asset most recently proved live; none in an empty library."""
        if self._canary and self._canary[0] not in ids:
            return self._canary
        return self._known_live(ids, 1)

    def _prove_without_canary(self, missing: Sequence[_Claim], *, is_whole: bool) -> VerifyCounts:
        """Where no live asset is left, an approval, the binding and each asset's own 404 stand in."""
        counts = VerifyCounts()
        for claim in missing:
            touch_low = self._touch()
            is_gone = is_whole and self._stands_in_for_a_canary(claim) and not self._is_there(claim.asset_id)
            counts += self._tombstone([claim] if is_gone else [], touch_low, unproved=[] if is_gone else [claim])
        return counts

    def _doubt(self, canary: Sequence[AssetId]) -> None:
        """A canary that did not come back is itself to be read, and is no canary until then."""
        self.is_in_doubt = True
        with transaction(self._engine) as connection:
            reason = VerifyReason.WINDOW.value
            statements.run(connection, "mirror/080_hint", asset_ids=list(canary), reason=reason)

    def _prove_singly(self, missing: Sequence[_Claim], canary: Sequence[AssetId]) -> VerifyCounts:
        """One read for each asset: its own 404 is the proof, between two reads that still find a canary."""
        counts = VerifyCounts()
        for number, claim in enumerate(missing):
            touch_low = self._touch()
            if self._is_there(claim.asset_id):
                # Present after all; a batch answer will carry it with the fields that we compare.
                counts += self._tombstone([], touch_low, unproved=[claim])
            elif self._is_there(canary[0]):
                counts += self._tombstone([claim], touch_low, unproved=[])
            else:
                log.warning("canary_missing", canary=canary[0], asset_id=claim.asset_id)
                self._doubt(canary)
                return counts + self._tombstone([], touch_low, unproved=missing[number:])
        return counts

    def _is_there(self, asset_id: AssetId) -> bool:
        try:
            with bound_contextvars(asset_id=asset_id):
                answer = self._client.read_asset(asset_id)
        except RemoteNotFound:
            return False
        # A deleted asset with a backup still answers, as a remnant of no bytes (cloudinary-api §5.4).
        try:
            observation = payloads.normalize(answer.body)
        except payloads.BadItem:
            return True
        if not observation.is_placeholder or observation.size_bytes:
            return True
        return observation.moderation_status is not None

    def _stands_in_for_a_canary(self, claim: _Claim) -> bool:
        """Where no live asset is left: a person approved it, asked for it, or it is no news, in the bound cloud."""
        if claim.needs_approval and claim.hold_id is None:
            return False
        if not self._binding_is_checked:
            found = identify(self._client)
            with read_only(self._engine) as connection:
                binding.require(binding.read(connection), found)
            self._binding_is_checked = True
        return True

    def _known_live(self, excluded: Sequence[AssetId], limit: int) -> list[AssetId]:
        with read_only(self._engine) as connection:
            rows = statements.run(
                connection, "mirror/310_find_known_live", excluded_ids=list(excluded), row_limit=limit
            )
            return [AssetId(row.asset_id) for row in rows]

    def _touch(self) -> int:
        with transaction(self._engine) as connection:
            return int(statements.run(connection, "listing/040_next_touch").scalar_one())

    def _add_folders(self, asset_ids: Collection[AssetId]) -> None:
        """An asset that was moved shows a folder that no walk has shown yet."""

        def work(connection: Connection) -> None:
            statements.run(connection, "mirror/408_add_asset_folders", asset_ids=sorted(asset_ids))

        retrying(self._engine, work)

    def _close(self, ids: Sequence[AssetId], touch_low: int) -> int:
        def work(connection: Connection) -> int:
            closed = statements.run(
                connection, "mirror/330_close_verifications", asset_ids=list(ids), touch_low=touch_low
            )
            return len(closed.all())

        return retrying(self._engine, work)

    def _tombstone(self, proved: Sequence[_Claim], touch_low: int, *, unproved: Sequence[_Claim]) -> VerifyCounts:
        """Write what is proved deleted, and give back what is not proved."""
        ids = [claim.asset_id for claim in proved]

        def work(connection: Connection) -> int:
            written = statements.run(connection, "mirror/320_write_tombstones", asset_ids=ids, touch_low=touch_low)
            tombstoned = len(written.all())
            statements.run(connection, "mirror/335_close_absent", asset_ids=ids, touch_low=touch_low)
            return tombstoned

        tombstoned = retrying(self._engine, work) if ids else 0
        _release(self._engine, unproved)
        return VerifyCounts(tombstoned=tombstoned, unproved=len(unproved), superseded=len(proved) - tombstoned)
