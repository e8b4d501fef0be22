"""What a full sync would find, found without writing anything anywhere.

Belongs here: walking the pages and comparing fingerprints, in READ ONLY transactions.
Not here: the sync itself (``orchestration``), the comparison field by field (``cli.drift``).

It is an estimate on one side: its suspects are assets that the listing does not show. A sync reads each of them by
its id and believes only what is proved, so their number is an upper bound.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine

from media_pipeline.db import statements
from media_pipeline.db.engine import read_only
from media_pipeline.errors import RemoteError, RemoteMalformed, RemotePermanent
from media_pipeline.guards import DeletionLimit, judge_absence
from media_pipeline.ops import binding
from media_pipeline.progress import Progress
from media_pipeline.remote import payloads
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.remote.identity import identify
from media_pipeline.remote.payloads import BadItem, Observation
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import ChangeKind, Slice

_EXAMPLES: Final = 3
_BATCH: Final = 5000
_SUSPECT: Final = "suspect"


@dataclass(frozen=True, slots=True)
class Expected:
    """What would be found of one kind, with a few public_ids."""

    kind: str
    asset_count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DryRun:
    """The outcome.

    Attributes:
        changes: by kind; suspects are not among them.
        suspects: live rows that the listing does not show: at most so many deletions.
        would_hold: sentences, one for each slice whose suspects the mass guard would keep back.
        unreadable: records that would go into quarantine; their slices prove no absence.
        problems: sentences, one for each slice that could not be walked to its end.
    """

    is_dry_run: bool
    cloud: str
    page_count: int
    asset_count: int
    changes: tuple[Expected, ...]
    suspects: Expected
    would_hold: tuple[str, ...]
    unreadable: int
    problems: tuple[str, ...]
    duration_seconds: float


def dry_run(engine: Engine, client: CloudinaryClient, settings: Settings, *, progress: Progress) -> DryRun:
    """Look at everything and write nothing.

    Raises:
        WrongCloud: the database belongs to another cloud.
        RemotePermanent: the key is refused or lacks a permission.
        DatabaseUnreachable: no connection.

    Reads: Admin API lists, public.media_assets, ops.cloud_binding. Writes: nothing.
    """
    started = time.monotonic()
    found = identify(client)
    with read_only(engine) as connection:
        binding.require(binding.read(connection), found)
    look = _Look(engine, client, settings, progress)
    problems = []
    for slice_ in settings.slices:
        try:
            look.walk(slice_)
        except RemotePermanent:
            raise
        except RemoteError as error:
            problems.append(f"{slice_}: {error}")
    kinds = [kind.value for kind in ChangeKind if look.counts[kind.value]]
    return DryRun(
        is_dry_run=True,
        cloud=str(found),
        page_count=look.page_count,
        asset_count=look.asset_count,
        changes=tuple(look.expected(kind) for kind in kinds),
        suspects=look.expected(_SUSPECT),
        would_hold=tuple(look.would_hold),
        unreadable=look.unreadable,
        problems=tuple(problems),
        duration_seconds=time.monotonic() - started,
    )


class _Look:
    """The walk of all slices, one after another."""

    def __init__(self, engine: Engine, client: CloudinaryClient, settings: Settings, progress: Progress) -> None:
        self.page_count = self.asset_count = self.unreadable = 0
        self.counts: Counter[str] = Counter()
        self.would_hold: list[str] = []
        self._examples: dict[str, list[str]] = {}
        self._engine = engine
        self._client = client
        self._settings = settings
        self._progress = progress
        self._limit = DeletionLimit(settings.deletion_limit_count, settings.deletion_limit_share)

    def expected(self, kind: str) -> Expected:
        """What was counted of a kind."""
        return Expected(kind, self.counts[kind], tuple(self._examples.get(kind, ())))

    def walk(self, slice_: Slice) -> None:
        """Walk one slice and compare; what is missing counts only if every record of it could be read."""
        seen: set[bytes] = set()
        unreadable = listed = 0
        cursor: str | None = None
        cursors: set[str] = set()
        while True:
            answer = self._client.list_page(slice_, cursor=cursor, page_size=self._settings.listing_page_size)
            page = payloads.split_page(answer.body, call="list", request_id=answer.request_id)
            readable: list[Observation] = []
            for item in page.items:
                try:
                    readable.append(payloads.normalize(item.raw))
                except BadItem:
                    unreadable += 1
            # A remnant may be a deleted asset; a sync would read it by its id.
            fresh = {bytes.fromhex(one.asset_id): one for one in readable if not one.is_placeholder}
            self._compare([one for key, one in fresh.items() if key not in seen])
            seen.update(fresh)
            listed += len(page.items)
            self.page_count += 1
            self.asset_count += len(page.items)
            self._progress.advance("listing", done=1, assets=len(page.items))
            cursor = page.next_cursor
            if cursor is None:
                break
            if cursor in cursors:
                raise RemoteMalformed("A cursor came a second time", call="list", request_id=answer.request_id)
            cursors.add(cursor)
        self.unreadable += unreadable
        if not unreadable:
            self._suspect(slice_, seen, listed)

    def _compare(self, observed: Sequence[Observation]) -> None:
        with read_only(self._engine) as connection:
            differing = statements.run(
                connection,
                "reads/300_compare_fingerprints",
                asset_ids=[one.asset_id for one in observed],
                public_ids=[one.public_id for one in observed],
                asset_folders=[one.asset_folder for one in observed],
                fingerprints=[one.fingerprint for one in observed],
            )
            for row in differing:
                self._count(row.kind, row.public_id)

    def _suspect(self, slice_: Slice, seen: set[bytes], listed: int) -> None:
        suspects = 0
        after_id = ""
        while True:
            with read_only(self._engine) as connection:
                rows = statements.run(
                    connection,
                    "reads/310_list_live_ids",
                    resource_type=slice_.resource_type.value,
                    delivery_type=slice_.delivery_type,
                    after_id=after_id,
                    row_limit=_BATCH,
                ).all()
            for row in rows:
                if bytes.fromhex(row.asset_id) not in seen:
                    suspects += 1
                    self._count(_SUSPECT, row.public_id)
            if len(rows) < _BATCH:
                break
            after_id = rows[-1].asset_id
        # As a sync counts: what it lists for the first time is live by then.
        verdict = judge_absence(suspects, len(seen) + suspects, listed, self._limit)
        if not verdict.passes:
            self.would_hold.append(f"{slice_}: {verdict.reason}")

    def _count(self, kind: str, public_id: str) -> None:
        self.counts[kind] += 1
        examples = self._examples.setdefault(kind, [])
        if len(examples) < _EXAMPLES:
            examples.append(public_id)
