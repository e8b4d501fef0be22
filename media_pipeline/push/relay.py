"""Doing approved operations: claim, read, compare, call, record.

Belongs here: the order of things, what each error means for the operations of a call.
Not here: claims and results (``push.claims``), the comparison (``push.compare``), bytes (``push.contents``), which call
a kind takes (``push.handlers``), who allowed it (``push.plan``), the read that confirms it (``mirror``, ``outbox``).
Tables: writes outbox.push_plan, outbox.push_plan_item; the rest through ``push.claims``.

    pending ──lease, committed──▶ read the assets ──▶ as the base, or merged ──▶ call ──▶ sent ──▶ read again
                                     │                    │                        ├──▶ unknown ──▶ read again
                                     │                    └─ both changed ──▶ conflict
                                     └─ not in the answer ──▶ pending, read again      └──▶ refused

Between the comparison and a call that may destroy bytes, the vault gets them; without a copy the operation waits.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import Engine
from structlog.contextvars import bound_contextvars

from media_pipeline import outbox
from media_pipeline.db import statements
from media_pipeline.db.engine import read_only, transaction
from media_pipeline.errors import (
    RateLimited,
    RemoteError,
    RemoteForbidden,
    RemoteNotFound,
    RemoteRefused,
    RemoteRejectedKey,
    RemoteUnavailable,
)
from media_pipeline.ops import binding, incarnation
from media_pipeline.progress import Progress
from media_pipeline.push.claims import Claims, Leased
from media_pipeline.push.compare import compare
from media_pipeline.push.contents import NOT_THERE, Contents
from media_pipeline.push.handlers import Outcome, Step, Task, steps
from media_pipeline.remote import payloads
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.remote.identity import identify
from media_pipeline.remote.payloads import Observation
from media_pipeline.settings import Settings
from media_pipeline.vault import Vault
from media_pipeline.vocabulary import AssetId, CallPurpose, OperationId, OperationKind, OperationState, RunId

log = structlog.get_logger()

DELETIONS: Final = frozenset({OperationKind.DELETE})
RENAMES: Final = frozenset({OperationKind.RENAME})
UPLOADS: Final = frozenset({OperationKind.UPLOAD, OperationKind.REPLACE})
UPDATES: Final = frozenset(OperationKind) - DELETIONS - RENAMES - UPLOADS

GROUPS: Final = (DELETIONS, UPLOADS, UPDATES, RENAMES)
"""What is pushed together, in the order in which a push does it."""

_EDITS_A_BATCH: Final = 1000
"""Claimed at once, so that those that want the same share calls."""

_UPLOADS_A_BATCH: Final = 20
"""Each takes a call of its own, and a large file its time."""

_DELETIONS_A_BATCH: Final = 100
"""One read and one call: the time between the look and the deletion is to be short."""


@dataclass(frozen=True, slots=True)
class PushResult:
    """What became of the operations that were tried.

    Attributes:
        sent: accepted, or there already; a read confirms them.
        postponed: nothing was done; they are tried again.
        stale: edited since they were approved; the next plan has them.
        paused_reason: why the push stopped early; what is left goes on with the next one.
    """

    sent: int = 0
    refused: int = 0
    conflict: int = 0
    unknown: int = 0
    postponed: int = 0
    stale: int = 0
    paused_reason: str | None = None

    @property
    def tried(self) -> int:
        """Operations that were claimed."""
        return self.sent + self.refused + self.conflict + self.unknown + self.postponed


def push(
    engine: Engine,
    client: CloudinaryClient,
    settings: Settings,
    kinds: Collection[OperationKind],
    *,
    run_id: RunId | None,
    progress: Progress,
) -> PushResult:
    """Do what is approved, of some kinds, until nothing of it is left or Cloudinary asks for a pause.

    At least once, with an effect that is the same however often: a claim is committed before its call, a result after
    it, and what is not known is read before it is repeated.

    Raises:
        WrongCloud: the database belongs to another cloud.
        IncarnationUnconfirmed: it is not the database that was last pushed from this home, or an older copy.

    Calls: one ``by_asset_ids`` read for up to 100 operations, and those of ``push.handlers``.
    """
    incarnation.require(engine, settings.home)
    outbox.expire_leases(engine)
    claims = Claims(engine, settings, run_id)
    relay = _Relay(engine, client, settings, claims)
    with transaction(engine) as connection:
        stale = len(statements.run(connection, "push/100_mark_stale").all())
    limit = _limit(kinds)
    paused_reason: str | None = None
    is_checked = False
    while paused_reason is None:
        batch = claims.lease(kinds, limit)
        if not batch:
            break
        try:
            if not is_checked:
                with read_only(engine) as connection:
                    binding.require(binding.read(connection), identify(client))
                is_checked = True
            paused_reason = relay.do(batch)
        except BaseException as error:
            # Whatever was not called for is given back at once; what was is settled by a read when its lease ends.
            relay.give_back(batch, f"{type(error).__name__}: {error}")
            if not isinstance(error, RemoteError):
                raise
            paused_reason = str(error)
        progress.advance("push", done=len(batch))
    with transaction(engine) as connection:
        statements.run(connection, "push/160_finish_plans")
    incarnation.remember(engine, settings.home)
    if paused_reason is not None:
        log.warning("push_paused", reason=paused_reason)
        progress.note(f"Push pauses: {paused_reason}")
    counts = claims.counts
    return PushResult(
        sent=counts["sent"],
        refused=counts["refused"],
        conflict=counts["conflict"],
        unknown=counts["unknown"],
        postponed=counts["pending"],
        stale=stale,
        paused_reason=paused_reason,
    )


class _Relay:
    """One push."""

    def __init__(self, engine: Engine, client: CloudinaryClient, settings: Settings, claims: Claims) -> None:
        self._engine = engine
        self._client = client
        self._settings = settings
        self._claims = claims
        self._contents = Contents(engine, Vault(engine, settings.home), is_keeping=settings.vault)
        self._called: set[OperationId] = set()

    def do(self, batch: Leased) -> str | None:
        """Read, compare, call and record; returns why to pause, if Cloudinary asked for it."""
        tasks = self._secured(batch.lease, self._compared(batch))
        todo = list(steps(tasks))
        part_counts = Counter(task.id for step in todo for task in step.tasks)
        parts: defaultdict[OperationId, list[Outcome]] = defaultdict(list)
        paused_reason: str | None = None
        for step in todo:
            if paused_reason is not None:
                break
            self._claims.keep(batch.lease, tasks)
            mine = self._claims.still_mine(batch.lease, step.tasks)
            found, paused_reason = self._call(Step(mine, step.call)) if mine else ({}, None)
            for operation_id, outcome in found.items():
                parts[operation_id].append(outcome)
        untried = Outcome(OperationState.PENDING, paused_reason or "not tried")
        alike: dict[Outcome, list[tuple[OperationId, AssetId | None]]] = {}
        for task in tasks:
            outcome = _together(parts[task.id], part_counts[task.id], untried)
            alike.setdefault(outcome, []).append((task.id, task.asset_id))
        for outcome, operations in alike.items():
            self._claims.record(batch.lease, operations, outcome)
        return paused_reason

    def _compared(self, batch: Leased) -> list[Task]:
        """What is left to do over what Cloudinary has now; what needs no call, or cannot be done, is recorded."""
        there = self._read(row.asset_id for row in batch.rows if row.kind not in NOT_THERE)
        asked = self._contents.asked_backups(batch.rows)
        ignored = self._later_edits(batch)
        tasks = []
        for row in batch.rows:
            if row.kind in NOT_THERE:
                decision = self._contents.with_bytes(row, is_backup_asked=row.id in asked)
            else:
                compared = compare(
                    row,
                    there.get(row.asset_id),
                    ignored=ignored.get(row.id, frozenset()),
                    policy_of=self._settings.conflict_policy,
                )
                self._claims.open_conflicts(row, compared.disputes)
                decision = compared.decision
            if isinstance(decision, Task) and decision.kind is OperationKind.REPLACE:
                decision = self._contents.with_file(decision)
            if isinstance(decision, Task):
                tasks.append(decision)
            else:
                self._claims.record(batch.lease, [(OperationId(row.id), row.asset_id)], decision)
        return tasks

    def _secured(self, lease: UUID, tasks: Sequence[Task]) -> list[Task]:
        """Leave out what may destroy bytes of which there is no copy: it waits, with the reason."""
        found = self._contents.secure(
            self._client, tasks, renew=lambda: self._claims.still_mine(lease, tasks), read=self._read
        )
        kept = []
        for task, decision in zip(tasks, found, strict=True):
            if isinstance(decision, Task):
                kept.append(decision)
            else:
                self._claims.record(lease, [(task.id, task.asset_id)], decision)
        return kept

    def give_back(self, batch: Leased, reason: str) -> None:
        """Give back what has no result yet; where a call was made for it, a read shows what happened."""
        for row in batch.rows:
            state = OperationState.UNKNOWN if row.id in self._called else OperationState.PENDING
            self._claims.record(batch.lease, [(OperationId(row.id), row.asset_id)], Outcome(state, reason))

    def _read(self, asset_ids: Iterable[AssetId]) -> dict[str, Observation]:
        """The assets as they are now, by asset_id; what is missing here proves nothing."""
        ids = sorted(set(asset_ids))
        found: dict[str, Observation] = {}
        for start in range(0, len(ids), self._settings.read_batch_size):
            chunk = ids[start : start + self._settings.read_batch_size]
            answer = self._client.read_assets(chunk, purpose=CallPurpose.PUSH)
            page = payloads.split_page(answer.body, call="by_asset_ids", request_id=answer.request_id)
            for item in page.items:
                try:
                    observation = payloads.normalize(item.raw)
                except payloads.BadItem:
                    continue
                found[observation.asset_id] = observation
        return found

    def _later_edits(self, batch: Leased) -> dict[int, frozenset[str]]:
        deletions = [row.id for row in batch.rows if row.kind == OperationKind.DELETE]
        if not deletions:
            return {}
        with read_only(self._engine) as connection:
            rows = statements.run(connection, "push/170_list_later_edits", operation_ids=deletions)
            return {row.operation_id: frozenset(row.fields) for row in rows}

    def _call(self, step: Step) -> tuple[dict[OperationId, Outcome], str | None]:
        """Make a step's call; returns what it says of each operation, and why to pause."""
        self._called.update(task.id for task in step.tasks)
        about = {
            "operation_ids": [task.id for task in step.tasks],
            "asset_ids": [task.asset_id for task in step.tasks if task.asset_id is not None],
        }
        try:
            with bound_contextvars(**about):
                return step.call(self._client, step.tasks), None
        except (RateLimited, RemoteRejectedKey, RemoteForbidden, RemoteUnavailable) as error:
            # Nothing was done, and nothing else would be.
            outcome = Outcome(OperationState.PENDING, error.reason, error.request_id)
            return dict.fromkeys((task.id for task in step.tasks), outcome), str(error)
        except (RemoteRefused, RemoteNotFound) as error:
            if len(step.tasks) > 1:
                return self._one_by_one(step)
            state = OperationState.UNKNOWN if isinstance(error, RemoteNotFound) else OperationState.REFUSED
            return {step.tasks[0].id: Outcome(state, error.reason, error.request_id)}, None
        except RemoteError as error:
            outcome = Outcome(OperationState.UNKNOWN, error.reason, error.request_id)
            return dict.fromkeys((task.id for task in step.tasks), outcome), None

    def _one_by_one(self, step: Step) -> tuple[dict[OperationId, Outcome], str | None]:
        """One bad operation must not take the others of its call with it."""
        outcomes: dict[OperationId, Outcome] = {}
        for task in step.tasks:
            found, paused_reason = self._call(Step([task], step.call))
            outcomes |= found
            if paused_reason is not None:
                return outcomes, paused_reason
        return outcomes, None


def _limit(kinds: Collection[OperationKind]) -> int:
    if OperationKind.DELETE in kinds:
        return _DELETIONS_A_BATCH
    return _UPLOADS_A_BATCH if UPLOADS & set(kinds) else _EDITS_A_BATCH


def _together(parts: Sequence[Outcome], count: int, untried: Outcome) -> Outcome:
    """One outcome of an operation that takes *count* calls: half an effect is for a read to tell."""
    all_ = [*parts, *[untried] * (count - len(parts))]
    if len({one.state for one in all_}) == 1:
        return all_[-1]
    details = "; ".join(dict.fromkeys(one.detail for one in all_))
    return Outcome(OperationState.UNKNOWN, details, parts[-1].request_id)
