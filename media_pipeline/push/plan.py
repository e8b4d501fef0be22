"""What is about to be done in Cloudinary, frozen, and who allows it.

Belongs here: choosing pending operations, the mass guard over deletions and replacements, approvals.
Not here: doing it (``push.relay``), what it costs (``push.cost``), the guard's rule (``guards``).
Tables: writes outbox.push_plan, outbox.push_plan_item; on a rejection outbox.operation and public.media_assets.

    pending operations ──▶ plan ── within the limits ──▶ approved ──▶ applied
                            └── too many at once ──▶ held ── a person ──▶ approved | rejected
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Engine, Row

from media_pipeline import audit, guards, outbox
from media_pipeline.db import locks, statements
from media_pipeline.db.engine import read_only, transaction
from media_pipeline.errors import PlanNotFound, PlanNotHeld
from media_pipeline.ops.runs import holder
from media_pipeline.push.cost import cost, duration
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import (
    AssetId,
    OperationId,
    OperationKind,
    OperationState,
    PlanId,
    PlanPart,
    PlanState,
    RunId,
)

log = structlog.get_logger()

_OPERATIONS: Final = 20_000
"""Operations in one plan; the rest is planned after them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan as people see it; ``digest`` is the SHA-256, in hex, over its operations."""

    id: PlanId
    part: PlanPart
    state: PlanState
    digest: str
    operation_count: int
    admin_call_count: int
    upload_call_count: int
    estimated_seconds: float
    reason: str | None
    planned_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One operation of a plan, with the asset it is about."""

    operation_id: OperationId
    kind: OperationKind
    state: str
    operation_state: OperationState
    asset_id: AssetId | None
    public_id: str
    base: dict[str, Any]
    wanted: dict[str, Any]
    actor: str
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a plan over one part would contain now; ``reason`` says why the guard would hold it."""

    part: PlanPart
    operation_count: int
    count_by_kind: Mapping[str, int]
    admin_call_count: int
    upload_call_count: int
    estimated_seconds: float
    reason: str | None
    items: tuple[PlanItem, ...]


@dataclass(frozen=True, slots=True)
class PlanResult:
    """What is about to be done: operations that may be pushed, and those that wait for a person."""

    approved: int
    held: int
    plan_ids: tuple[PlanId, ...]
    held_plan_ids: tuple[PlanId, ...]
    admin_call_count: int
    estimated_seconds: float


def plan(engine: Engine, settings: Settings, *, run_id: RunId | None, wait_seconds: float = 0.0) -> PlanResult:
    """Freeze the pending operations that may be pushed now; the same ones again make no second plan.

    Deletions wait ``settings.undo_seconds`` after their edit. They and replacements of bytes are plans of their own, so
    that what is held keeps no edit waiting. What a person approved stays approved as long as it is the same: where a
    push did a part of it, the rest is planned again without a question, beside whatever came since.

    Args:
        wait_seconds: how long to wait for another process that plans.

    Raises:
        ActivityBusy: another process plans.

    Transactions: one.
    """
    outbox.expire_leases(engine)
    plans = []
    with (
        locks.activity(engine, "plan", holder=holder(f"plan of run {run_id}"), wait_seconds=wait_seconds) as fence,
        transaction(engine) as connection,
    ):
        fence.check(connection)
        for part in PlanPart:
            plans += _plan_part(connection, part, settings, run_id)
    held = [one for one in plans if one.state is PlanState.HELD]
    return PlanResult(
        approved=sum(one.operation_count for one in plans if one.state is PlanState.APPROVED),
        held=sum(one.operation_count for one in held),
        plan_ids=tuple(one.id for one in plans),
        held_plan_ids=tuple(one.id for one in held),
        admin_call_count=sum(one.admin_call_count for one in plans),
        estimated_seconds=sum(one.estimated_seconds for one in plans),
    )


def preview(engine: Engine, settings: Settings, *, limit: int = 100) -> list[Preview]:
    """What a plan would contain now, with the first *limit* operations of each part; writes nothing.

    Transactions: one, READ ONLY. Parts without operations are left out.
    """
    found = []
    with read_only(engine) as connection:
        for part in PlanPart:
            for group in _judged(connection, part, settings):
                admin_calls, upload_calls = cost(group.operations, settings)
                standing = _find_standing(connection, part, group.operations)
                is_approved = standing is not None and standing.state == PlanState.APPROVED
                found.append(
                    Preview(
                        part,
                        len(group.operations),
                        Counter(row.kind for row in group.operations),
                        admin_calls,
                        upload_calls,
                        duration(connection, admin_calls, upload_calls),
                        None if is_approved else group.reason or None,
                        tuple(_planned_item(row) for row in group.operations[:limit]),
                    )
                )
    return found


def _planned_item(row: Row[Any]) -> PlanItem:
    return PlanItem(
        OperationId(row.id),
        OperationKind(row.kind),
        "planned",
        OperationState.PENDING,
        row.asset_id,
        row.public_id,
        row.base,
        row.wanted,
        row.actor,
        row.outcome,
    )


@dataclass(frozen=True, slots=True)
class _Planned:
    id: PlanId
    state: PlanState
    operation_count: int
    admin_call_count: int
    estimated_seconds: float


@dataclass(frozen=True, slots=True)
class _Group:
    """Operations of one part that share a verdict: held with its reason, or approved by somebody."""

    operations: Sequence[Row[Any]]
    reason: str
    decided_by: str | None


def _judged(connection: Connection, part: PlanPart, settings: Settings) -> list[_Group]:
    """What could be pushed now, judged; empty where there is nothing."""
    operations = _list_plannable(connection, part, settings)
    consented = [row for row in operations if row.approved_by is not None]
    others = [row for row in operations if row.approved_by is None]
    reason = _judge(connection, part, others, settings)
    groups = [_Group(others, reason, None)] if reason else [_Group(others, "", "guard")]
    if consented and not reason:
        # One plan is enough, and shares more calls.
        groups = [_Group(operations, "", "guard" if others else consented[0].approved_by)]
    elif consented:
        groups.insert(0, _Group(consented, "", consented[0].approved_by))
    return [group for group in groups if group.operations]


def _plan_part(connection: Connection, part: PlanPart, settings: Settings, run_id: RunId | None) -> list[_Planned]:
    groups = _judged(connection, part, settings)
    standing = [_find_standing(connection, part, group.operations) for group in groups]
    kept = [row.id for row in standing if row is not None]
    statements.run(connection, "push/030_supersede_plans", part=part.value, kept_ids=kept)
    found = []
    for group, row in zip(groups, standing, strict=True):
        admin_calls, upload_calls = cost(group.operations, settings)
        seconds = duration(connection, admin_calls, upload_calls)
        if row is None:
            state = PlanState.HELD if group.reason else PlanState.APPROVED
            plan_id = _insert(connection, part, group, state, (admin_calls, upload_calls, seconds), run_id)
        else:
            plan_id, state = PlanId(row.id), PlanState(row.state)
        found.append(_Planned(plan_id, state, len(group.operations), admin_calls, seconds))
    return found


def _insert(
    connection: Connection,
    part: PlanPart,
    group: _Group,
    state: PlanState,
    estimate: tuple[int, int, float],
    run_id: RunId | None,
) -> PlanId:
    count, digest = len(group.operations), _digest(group.operations)
    inserted = statements.run(
        connection,
        "push/050_insert_plan",
        part=part.value,
        state=state.value,
        digest=digest,
        operation_count=count,
        admin_call_count=estimate[0],
        upload_call_count=estimate[1],
        estimated_seconds=estimate[2],
        reason=group.reason or None,
        decided_by=group.decided_by,
        run_id=run_id,
    )
    plan_id = PlanId(int(inserted.scalar_one()))
    statements.run(
        connection, "push/060_insert_items", push_plan_id=plan_id, operation_ids=[row.id for row in group.operations]
    )
    if group.reason:
        log.warning("plan_held", plan_id=plan_id, operation_count=count, reason=group.reason)
        after = {"plan_id": plan_id, "operation_count": count, "digest": digest.hex(), "reason": group.reason}
        audit.append(connection, "plan_held", cause="guard", actor="media_pipeline", run_id=run_id, after=after)
    return plan_id


def _list_plannable(connection: Connection, part: PlanPart, settings: Settings) -> Sequence[Row[Any]]:
    return statements.run(
        connection,
        "push/010_list_plannable",
        part=part.value,
        undo_seconds=settings.undo_seconds,
        row_limit=_OPERATIONS,
    ).all()


def _digest(operations: Sequence[Row[Any]]) -> bytes:
    return hashlib.sha256(b"".join(row.digest for row in operations)).digest()


def _find_standing(connection: Connection, part: PlanPart, operations: Sequence[Row[Any]]) -> Row[Any] | None:
    """The held or approved plan over exactly these operations."""
    return statements.run(
        connection, "push/020_find_standing_plan", part=part.value, digest=_digest(operations)
    ).first()


_JUDGES: Final = {PlanPart.DELETIONS: guards.judge_deletions, PlanPart.REPLACEMENTS: guards.judge_replacements}
"""What destroys bytes needs a person where it is much at once. Edits can be taken back; uploads overwrite nothing."""


def _judge(connection: Connection, part: PlanPart, operations: Sequence[Row[Any]], settings: Settings) -> str:
    """Why these operations need a person; empty where they do not."""
    judge = _JUDGES.get(part)
    if judge is None:
        return ""
    limit = guards.DeletionLimit(settings.deletion_limit_count, settings.deletion_limit_share)
    live = {
        (row.resource_type, row.delivery_type): row.live_count
        for row in statements.run(connection, "push/040_count_live")
    }
    counts = Counter((row.resource_type, row.delivery_type) for row in operations)
    reasons = []
    for place, count in sorted(counts.items()):
        verdict = judge(count, live.get(place, count), limit)
        if not verdict.passes:
            reasons.append(f"{'/'.join(place)}: {verdict.reason}")
    return " ".join(reasons)


def list_plans(engine: Engine, *, only_held: bool = False) -> list[Plan]:
    """Plans, newest first, at most 100."""
    return _list_plans(engine, None, only_held=only_held)


def read_plan(engine: Engine, plan_id: PlanId) -> Plan:
    """One plan.

    Raises:
        PlanNotFound: no such plan.
    """
    found = _list_plans(engine, plan_id, only_held=False)
    if not found:
        raise PlanNotFound(plan_id)
    return found[0]


def _list_plans(engine: Engine, plan_id: PlanId | None, *, only_held: bool) -> list[Plan]:
    with read_only(engine) as connection:
        rows = statements.run(connection, "reads/700_list_plans", push_plan_id=plan_id, only_held=only_held).mappings()
        return [Plan(**{**row, "part": PlanPart(row["part"]), "state": PlanState(row["state"])}) for row in rows]


def list_items(engine: Engine, plan_id: PlanId, *, limit: int = 100) -> list[PlanItem]:
    """The first *limit* operations of a plan, in their order.

    Raises:
        PlanNotFound: no such plan.
    """
    with read_only(engine) as connection:
        rows = statements.run(connection, "reads/710_list_plan_items", push_plan_id=plan_id, row_limit=limit).mappings()
        items = [
            PlanItem(
                **{
                    **row,
                    "kind": OperationKind(row["kind"]),
                    "operation_state": OperationState(row["operation_state"]),
                }
            )
            for row in rows
        ]
    if not items:
        raise PlanNotFound(plan_id)
    return items


def decide(engine: Engine, settings: Settings, plan_id: PlanId, state: PlanState, *, actor: str) -> int:
    """Approve or reject a held plan: exactly the operations it was made of.

    A rejection withdraws them: what they changed here becomes again as Cloudinary has it.

    Returns:
        Operations that the decision is about.

    Raises:
        PlanNotFound: no such plan.
        PlanNotHeld: it was decided, or newer operations made another plan.
    """
    with transaction(engine) as connection:
        row = statements.run(connection, "push/070_lock_plan", push_plan_id=plan_id).first()
        if row is None:
            raise PlanNotFound(plan_id)
        if row.state != PlanState.HELD:
            raise PlanNotHeld(plan_id, row.state)
        statements.run(connection, "push/075_decide_plan", push_plan_id=plan_id, state=state.value, decided_by=actor)
        after = {"plan_id": plan_id, "operation_count": row.operation_count, "digest": row.digest}
        audit.append(connection, f"plan_{state.value}", cause="decision", actor=actor, run_id=None, after=after)
    if state is PlanState.APPROVED:
        return int(row.operation_count)
    return _withdraw(engine, settings, plan_id, actor)


def _withdraw(engine: Engine, settings: Settings, plan_id: PlanId, actor: str) -> int:
    with transaction(engine) as connection:
        rejected = statements.run(connection, "push/080_list_rejected", push_plan_id=plan_id).all()
        for row in rejected:
            outbox.end_operation(
                connection,
                OperationId(row.operation_id),
                row.asset_id,
                OperationState.CANCELLED,
                f"plan {plan_id} was rejected by {actor}",
                run_id=None,
            )
        ids = sorted({AssetId(row.asset_id) for row in rejected if row.asset_id is not None})
        outbox.reconcile(connection, ids, settings.conflict_policy, run_id=None, cause="decision", actor=actor)
    return len(rejected)
