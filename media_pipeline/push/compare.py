"""What is left of an operation over what Cloudinary has now. Pure: an operation and an asset in, a decision out.

Belongs here: the comparison with the base, right before a call, and which disputes follow from it.
Not here: the merge of values (``merge``), reading the asset and recording the decision (``push.relay``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row

from media_pipeline.merge import ConflictPolicy, merge, settle, values_of
from media_pipeline.push.handlers import Outcome, Task
from media_pipeline.remote.payloads import Observation
from media_pipeline.vocabulary import AssetId, OperationId, OperationKind, OperationState

_COMPARED: Final = ("public_id", "version", "size_bytes", "asset_folder", "display_name", "tags", "context", "metadata")
"""Fields in which a deletion looks for changes since it was recorded."""


@dataclass(frozen=True, slots=True)
class Dispute:
    """A field, or a key of it, that both sides changed."""

    field: str
    key: str
    base: Any
    local: Any
    remote: Any


@dataclass(frozen=True, slots=True)
class Compared:
    """What is left to do, or how the operation ends without a call; beside it what somebody has to decide."""

    decision: Task | Outcome
    disputes: tuple[Dispute, ...] = ()


def compare(
    operation: Row[Any],
    there: Observation | None,
    *,
    ignored: Collection[str],
    policy_of: Callable[[str], ConflictPolicy],
) -> Compared:
    """Compare an operation under lease with its asset as it is now.

    Args:
        operation: a row of ``push/110_lease``, of a kind that changes an asset that is there.
        there: None where the answer did not show the asset, which proves nothing.
        ignored: fields that our own later operations changed; a deletion does not look at them.
    """
    if there is None:
        return Compared(Outcome(OperationState.PENDING, "the asset was not in the answer of the read before the call"))
    task = Task(
        OperationId(operation.id),
        OperationKind(operation.kind),
        AssetId(operation.asset_id),
        operation.base,
        operation.wanted,
        there,
    )
    if task.kind is OperationKind.DELETE:
        return _compare_deletion(task, there, ignored)
    if task.kind is OperationKind.REPLACE:
        return _compare_replacement(task, there)
    values = values_of(operation.field, _comparable(there))
    left = settle(merge(task.base, task.wanted, values), policy_of(operation.field))
    disputes = tuple(
        Dispute(operation.field, clash.key, clash.base, clash.local, clash.remote) for clash in left.clashes
    )
    if left.wanted:
        return Compared(Task(task.id, task.kind, task.asset_id, left.base, left.wanted, there), disputes)
    if disputes:
        return Compared(Outcome(OperationState.CONFLICT, "changed on both sides"), disputes)
    return Compared(Outcome(OperationState.SENT, "Cloudinary has it already"))


def _compare_deletion(task: Task, there: Observation, ignored: Collection[str]) -> Compared:
    """A change beats a deletion, until a person says otherwise."""
    now = _comparable(there)
    changed = [name for name in _COMPARED if name not in ignored and now[name] != task.base.get(name)]
    if not changed:
        return Compared(task)
    dispute = Dispute(
        "deleted_at",
        "deleted_at",
        base={name: task.base.get(name) for name in changed},
        local=None,
        remote={name: now[name] for name in changed},
    )
    return Compared(_changed_since(changed), (dispute,))


def _compare_replacement(task: Task, there: Observation) -> Compared:
    """Where somebody else replaced the bytes first, both files are kept until a person decides."""
    if there.version == task.base["version"]:
        return Compared(task)
    dispute = Dispute("version", "version", task.base["version"], local=task.wanted["sha256"], remote=there.version)
    return Compared(_changed_since(["version"]), (dispute,))


def _changed_since(fields: Collection[str]) -> Outcome:
    return Outcome(OperationState.CONFLICT, f"changed in Cloudinary since: {', '.join(fields)}")


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
