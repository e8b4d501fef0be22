"""Doing approved operations: claim, read, compare, call, record.

Belongs here: leases, the comparison with the base, what each error means for the operations of a call.
Not here: which call a kind takes (``push.handlers``), who allowed it (``push.plan``), the read that confirms it
(``mirror`` and ``outbox``).
Tables: writes outbox.operation, outbox.attempt, outbox.push_plan, outbox.push_plan_item, outbox.conflict,
public.media_assets and public.media_sync_log where an operation ends without effect.

    pending ──lease, committed──▶ read the assets ──▶ as the base, or merged ──▶ call ──▶ sent ──▶ read again
                                     │                    │                        ├──▶ unknown ──▶ read again
                                     │                    └─ both changed ──▶ conflict
                                     └─ not in the answer ──▶ pending, read again      └──▶ refused

Between the comparison and a call that may destroy bytes, the vault gets them; without a copy the operation waits.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, Final
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Connection, Engine, Row

from media_pipeline import outbox
from media_pipeline.db import statements
from media_pipeline.db.engine import read_only, retrying, transaction
from media_pipeline.errors import (
    NoCopy,
    RateLimited,
    RemoteError,
    RemoteForbidden,
    RemoteNotFound,
    RemoteRefused,
    RemoteRejectedKey,
    RemoteUnavailable,
)
from media_pipeline.merge import Merge, merge, settle, values_of
from media_pipeline.ops import binding
from media_pipeline.progress import Progress
from media_pipeline.push.handlers import DESTRUCTIVE, Outcome, Step, Task, steps
from media_pipeline.remote import payloads
from media_pipeline.remote.calls import Original
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.remote.identity import identify
from media_pipeline.remote.payloads import Observation
from media_pipeline.settings import Settings
from media_pipeline.vault import Vault
from media_pipeline.vocabulary import AssetId, CallPurpose, OperationId, OperationKind, OperationState, RunId

log = structlog.get_logger()

DELETIONS: Final = frozenset({OperationKind.DELETE})
RENAMES: Final = frozenset({OperationKind.RENAME})
UPDATES: Final = frozenset(OperationKind) - DELETIONS - RENAMES

_EDITS_A_BATCH: Final = 1000
"""Claimed at once, so that those that want the same share calls."""

_DELETIONS_A_BATCH: Final = 100
"""One read and one call: the time between the look and the deletion is to be short."""

_LEASE_SECONDS: Final = 300
_PAUSE_SECONDS: Final = 10.0
_NO_COPY_PAUSE_SECONDS: Final = 900.0
"""What could not be kept at a time is seldom there a moment later."""

_NOT_THERE: Final = frozenset({OperationKind.RESTORE, OperationKind.UPLOAD})
"""Kinds of which there is nothing to read before the call."""

_COMPARED: Final = ("public_id", "version", "size_bytes", "asset_folder", "display_name", "tags", "context", "metadata")
"""Fields in which a deletion looks for changes since it was recorded."""


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

    Calls: one ``by_asset_ids`` read for up to 100 operations, and those of ``push.handlers``.
    """
    outbox.expire_leases(engine)
    relay = _Relay(engine, client, settings, run_id)
    with transaction(engine) as connection:
        stale = len(statements.run(connection, "push/100_mark_stale").all())
    limit = _DELETIONS_A_BATCH if OperationKind.DELETE in kinds else _EDITS_A_BATCH
    paused_reason: str | None = None
    is_checked = False
    while paused_reason is None:
        batch = relay.lease(kinds, limit)
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
    if paused_reason is not None:
        log.warning("push_paused", reason=paused_reason)
        progress.note(f"Push pauses: {paused_reason}")
    counts = relay.counts
    return PushResult(
        sent=counts["sent"],
        refused=counts["refused"],
        conflict=counts["conflict"],
        unknown=counts["unknown"],
        postponed=counts["pending"],
        stale=stale,
        paused_reason=paused_reason,
    )


@dataclass(frozen=True, slots=True)
class _Leased:
    """Claimed operations under one lease."""

    lease: UUID
    rows: Sequence[Row[Any]]

    def __len__(self) -> int:
        return len(self.rows)

    def __bool__(self) -> bool:
        return bool(self.rows)


class _Relay:
    """One push."""

    def __init__(self, engine: Engine, client: CloudinaryClient, settings: Settings, run_id: RunId | None) -> None:
        self._engine = engine
        self._client = client
        self._settings = settings
        self._run_id = run_id
        self._vault = Vault(engine, settings.home)
        self.counts: Counter[str] = Counter()
        self._called: set[OperationId] = set()

    def lease(self, kinds: Collection[OperationKind], limit: int) -> _Leased:
        """Claim operations, with a trace of the attempt, before anything is asked of Cloudinary."""

        def work(connection: Connection) -> _Leased:
            lease = uuid4()
            rows = statements.run(
                connection,
                "push/110_lease",
                kinds=sorted(kind.value for kind in kinds),
                lease=str(lease),
                lease_seconds=_LEASE_SECONDS,
                row_limit=limit,
            ).all()
            if rows:
                statements.run(
                    connection,
                    "push/120_begin_attempts",
                    operation_ids=[row.id for row in rows],
                    push_plan_ids=[row.push_plan_id for row in rows],
                    lease=str(lease),
                    run_id=self._run_id,
                )
            return _Leased(lease, rows)

        return retrying(self._engine, work)

    def do(self, batch: _Leased) -> str | None:
        """Read, compare, call and record; returns why to pause, if Cloudinary asked for it."""
        there = self._read(row.asset_id for row in batch.rows if row.kind not in _NOT_THERE)
        asked = self._asked_backups(batch)
        ignored = self._later_edits(batch)
        tasks = []
        for row in batch.rows:
            if row.kind in _NOT_THERE:
                task = self._with_bytes(batch.lease, row, is_backup_asked=row.id in asked)
            else:
                task = self._compare(batch.lease, row, there.get(row.asset_id), ignored.get(row.id, frozenset()))
            if task is not None:
                tasks.append(task)
        tasks = self._secured(batch.lease, tasks)
        outcomes: dict[OperationId, Outcome] = {}
        paused_reason: str | None = None
        for step in steps(tasks):
            if paused_reason is not None:
                break
            mine = self._still_mine(batch.lease, step.tasks)
            found, paused_reason = self._call(Step(mine, step.call)) if mine else ({}, None)
            for operation_id, outcome in found.items():
                outcomes[operation_id] = _both(outcomes.get(operation_id), outcome)
        alike: dict[Outcome, list[tuple[OperationId, AssetId | None]]] = {}
        for task in tasks:
            outcome = outcomes.get(task.id, Outcome(OperationState.PENDING, paused_reason or "not tried"))
            alike.setdefault(outcome, []).append((task.id, task.asset_id))
        for outcome, operations in alike.items():
            self._record_same(batch.lease, operations, outcome)
        return paused_reason

    def give_back(self, batch: _Leased, reason: str) -> None:
        """Give back what has no result yet; where a call was made for it, a read shows what happened."""
        for row in batch.rows:
            state = OperationState.UNKNOWN if row.id in self._called else OperationState.PENDING
            self._record(batch.lease, row.id, row.asset_id, Outcome(state, reason))

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

    def _later_edits(self, batch: _Leased) -> dict[int, frozenset[str]]:
        deletions = [row.id for row in batch.rows if row.kind == OperationKind.DELETE]
        if not deletions:
            return {}
        with read_only(self._engine) as connection:
            rows = statements.run(connection, "push/170_list_later_edits", operation_ids=deletions)
            return {row.operation_id: frozenset(row.fields) for row in rows}

    def _asked_backups(self, batch: _Leased) -> frozenset[int]:
        """Restorations that Cloudinary's backup could not do: they were sent, and wait again."""
        restorations = [row.id for row in batch.rows if row.kind == OperationKind.RESTORE]
        if not restorations:
            return frozenset()
        with read_only(self._engine) as connection:
            rows = statements.run(connection, "push/180_list_asked_backups", operation_ids=restorations)
            return frozenset(rows.scalars())

    def _with_bytes(self, lease: UUID, row: Row[Any], *, is_backup_asked: bool) -> Task | None:
        """An upload, or a restoration: first from Cloudinary's backup, then from the vault."""
        operation_id, kind = OperationId(row.id), OperationKind(row.kind)
        task = Task(operation_id, kind, row.asset_id, row.base, row.wanted, None)
        if kind is OperationKind.UPLOAD:
            return self._with_file(lease, task)
        if not is_backup_asked:
            return task
        try:
            file = self._vault.newest(AssetId(row.asset_id))
            content = self._vault.checked(file.sha256)
        except NoCopy as failure:
            detail = f"refused: no backup and no copy ({failure.reason})"
            self._record(lease, operation_id, row.asset_id, Outcome(OperationState.REFUSED, detail))
            return None
        with read_only(self._engine) as connection:
            lost = statements.run(connection, "push/185_read_lost_asset", operation_id=operation_id).mappings().one()
        wanted = {**lost, "md5": file.md5, "file_name": PurePosixPath(lost["public_id"]).name}
        return replace(task, wanted=wanted, content=content)

    def _with_file(self, lease: UUID, task: Task) -> Task | None:
        """The task with the file that it uploads, read and found whole."""
        try:
            return replace(task, content=self._vault.checked(task.wanted["sha256"]))
        except NoCopy as failure:
            self._postpone(lease, task, str(failure))
            return None

    def _secured(self, lease: UUID, tasks: Sequence[Task]) -> list[Task]:
        """Leave out what may destroy bytes of which there is no copy: it waits, with the reason."""
        destructive = [task for task in tasks if task.kind in DESTRUCTIVE]
        if not self._settings.vault or not destructive:
            return list(tasks)
        originals = [_original(task.asset) for task in destructive]
        secured = self._vault.secure(self._client, originals, before_each=lambda: self._still_mine(lease, tasks))
        # Fetching takes its time; what was compared before it may have changed meanwhile.
        now = self._read(one.asset_id for one in originals) if secured.fetched else None
        kept = []
        for task in tasks:
            there = task.there
            if task.kind not in DESTRUCTIVE or there is None:
                kept.append(task)
                continue
            copy = secured.copies[there.asset_id]
            again = there if now is None else now.get(there.asset_id)
            if isinstance(copy, NoCopy):
                self._postpone(lease, task, f"not done, since {copy.reason}")
            elif again is None or again.fingerprint != there.fingerprint:
                self._postpone(lease, task, "changed in Cloudinary while its bytes were fetched")
            elif copy.md5 == task.wanted.get("md5"):
                outcome = Outcome(OperationState.SENT, "Cloudinary has these bytes already")
                self._record(lease, task.id, there.asset_id, outcome)
            else:
                kept.append(task)
        return kept

    def _postpone(self, lease: UUID, task: Task, reason: str) -> None:
        outcome = Outcome(OperationState.PENDING, reason)
        self._record(lease, task.id, task.asset_id, outcome, pause_seconds=_NO_COPY_PAUSE_SECONDS)

    def _compare(self, lease: UUID, row: Row[Any], there: Observation | None, ignored: Collection[str]) -> Task | None:
        """What is left to do over what Cloudinary has now; None where a result is recorded already."""
        operation_id, asset_id, kind = OperationId(row.id), AssetId(row.asset_id), OperationKind(row.kind)
        if there is None:
            outcome = Outcome(OperationState.PENDING, "the asset was not in the answer of the read before the call")
            self._record(lease, operation_id, asset_id, outcome)
            return None
        if kind is OperationKind.DELETE:
            now = _comparable(there)
            changed = [name for name in _COMPARED if name not in ignored and now[name] != row.base.get(name)]
            if changed:
                left = Merge({name: row.base.get(name) for name in changed}, {name: now[name] for name in changed})
                self._clash(lease, operation_id, asset_id, left, f"changed in Cloudinary since: {', '.join(changed)}")
                return None
            return Task(operation_id, kind, asset_id, row.base, row.wanted, there)
        if kind is OperationKind.REPLACE:
            if there.version != row.base["version"]:
                self._overtaken(lease, operation_id, row, there)
                return None
            return self._with_file(lease, Task(operation_id, kind, asset_id, row.base, row.wanted, there))
        values = values_of(row.field, _comparable(there))
        left = settle(merge(row.base, row.wanted, values), self._settings.conflict_policy(row.field))
        if left.clashes:
            self._open_conflicts(operation_id, asset_id, row.field, left)
        if left.wanted:
            return Task(operation_id, kind, asset_id, left.base, left.wanted, there)
        if left.clashes:
            self._record(lease, operation_id, asset_id, Outcome(OperationState.CONFLICT, "changed on both sides"))
        else:
            self._record(lease, operation_id, asset_id, Outcome(OperationState.SENT, "Cloudinary has it already"))
        return None

    def _clash(self, lease: UUID, operation_id: OperationId, asset_id: AssetId, left: Merge, outcome: str) -> None:
        """A change beats a deletion, until a person says otherwise."""
        with transaction(self._engine) as connection:
            outbox.open_conflict(
                connection,
                operation_id,
                asset_id,
                "deleted_at",
                "deleted_at",
                base=dict(left.base),
                local=None,
                remote=dict(left.wanted),
            )
        self._record(lease, operation_id, asset_id, Outcome(OperationState.CONFLICT, outcome))

    def _overtaken(self, lease: UUID, operation_id: OperationId, row: Row[Any], there: Observation) -> None:
        """Somebody else replaced the bytes first; both files are kept until a person decides."""
        with transaction(self._engine) as connection:
            outbox.open_conflict(
                connection,
                operation_id,
                there.asset_id,
                "version",
                "version",
                base=row.base["version"],
                local=row.wanted["sha256"],
                remote=there.version,
            )
        outcome = Outcome(OperationState.CONFLICT, "changed in Cloudinary since: version")
        self._record(lease, operation_id, there.asset_id, outcome)

    def _open_conflicts(self, operation_id: OperationId, asset_id: AssetId, field: str, left: Merge) -> None:
        with transaction(self._engine) as connection:
            for clash in left.clashes:
                outbox.open_conflict(
                    connection,
                    operation_id,
                    asset_id,
                    field,
                    clash.key,
                    base=clash.base,
                    local=clash.local,
                    remote=clash.remote,
                )

    def _still_mine(self, lease: UUID, tasks: Sequence[Task]) -> list[Task]:
        """Renew the claim right before a call; a paused pusher finds here that another one went on."""

        def work(connection: Connection) -> set[int]:
            rows = statements.run(
                connection,
                "push/130_extend_lease",
                operation_ids=[task.id for task in tasks],
                lease=str(lease),
                lease_seconds=_LEASE_SECONDS,
            )
            return set(rows.scalars())

        mine = retrying(self._engine, work)
        return [task for task in tasks if task.id in mine]

    def _call(self, step: Step) -> tuple[dict[OperationId, Outcome], str | None]:
        """Make a step's call; returns what it says of each operation, and why to pause."""
        self._called.update(task.id for task in step.tasks)
        try:
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

    def _record(
        self,
        lease: UUID,
        operation_id: OperationId,
        asset_id: AssetId | None,
        outcome: Outcome,
        *,
        pause_seconds: float | None = None,
    ) -> None:
        """Record the result of one operation."""
        self._record_same(lease, [(operation_id, asset_id)], outcome, pause_seconds=pause_seconds)

    def _record_same(
        self,
        lease: UUID,
        operations: Sequence[tuple[OperationId, AssetId | None]],
        outcome: Outcome,
        *,
        pause_seconds: float | None = None,
    ) -> None:
        """Record one result of several operations and ask for the read that confirms it, in one transaction.

        Where nothing came of it, the rows are restored.
        """
        detail = outcome.detail[:1000]
        result = "postponed" if outcome.state is OperationState.PENDING else outcome.state.value

        def work(connection: Connection) -> list[OperationId]:
            if outcome.made_asset_id is not None:
                ((operation_id, _),) = operations
                statements.run(
                    connection,
                    "push/145_name_asset",
                    operation_id=operation_id,
                    lease=str(lease),
                    asset_id=outcome.made_asset_id,
                )
            # What is missing here another pusher took over, and a read shows it what we did.
            mine = statements.run(
                connection,
                "push/140_record_results",
                operation_ids=[operation_id for operation_id, _ in operations],
                lease=str(lease),
                state=outcome.state.value,
                outcome=detail,
                pause_seconds=_pause() if pause_seconds is None else pause_seconds,
                counts=outcome.state is not OperationState.PENDING,
            ).all()
            ids = [OperationId(row.id) for row in mine]
            if not ids:
                return ids
            statements.run(
                connection,
                "push/150_end_attempts",
                operation_ids=ids,
                lease=str(lease),
                result=result,
                request_id=outcome.request_id,
                detail=detail,
            )
            outbox.note_all(
                connection,
                f"operation_{result}",
                [one for one in operations if one[0] in set(ids)],
                detail,
                run_id=self._run_id,
                request_id=outcome.request_id,
            )
            named = {asset_id for operation_id, asset_id in operations if operation_id in set(ids)}
            touched = {one for one in (*named, outcome.made_asset_id) if one is not None}
            outbox.hint(connection, sorted(touched))
            if outcome.state in {OperationState.REFUSED, OperationState.CONFLICT}:
                outbox.reconcile(
                    connection, sorted(touched), self._settings.conflict_policy, run_id=self._run_id, cause="push"
                )
            return ids

        recorded = retrying(self._engine, work)
        self.counts[outcome.state.value] += len(recorded)
        if outcome.state is OperationState.REFUSED and recorded:
            log.warning("operations_refused", operation_ids=recorded, reason=outcome.detail)


def _both(first: Outcome | None, second: Outcome) -> Outcome:
    """The two halves of one operation: only if both were accepted it was; half an effect is for a read to tell."""
    if first is None or first.state is second.state:
        return second
    return Outcome(OperationState.UNKNOWN, f"{first.detail}; {second.detail}", second.request_id)


def _comparable(asset: Observation) -> Mapping[str, Any]:
    """The fields that people edit or a deletion compares, as JSON has them."""
    return {
        "public_id": asset.public_id,
        "version": asset.version,
        "size_bytes": asset.size_bytes,
        "asset_folder": asset.asset_folder,
        "display_name": asset.display_name,
        "tags": list(asset.tags),
        "context": dict(asset.context),
        "metadata": dict(asset.metadata),
        "access_control": None if asset.access_control is None else list(asset.access_control),
    }


def _original(asset: Observation) -> Original:
    return Original(
        asset_id=asset.asset_id,
        resource_type=asset.resource_type,
        delivery_type=asset.delivery_type,
        public_id=asset.public_id,
        format=asset.format,
        version=asset.version,
        size_bytes=asset.size_bytes or 0,
        secure_url=asset.secure_url,
    )


def _pause() -> float:
    """Seconds before the next try, with full jitter."""
    return random.uniform(0, _PAUSE_SECONDS)  # noqa: S311 -- not a secret
