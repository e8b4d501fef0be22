"""The smallest call for each kind of operation.

Belongs here: one function a kind, which calls it makes for which operations, what their answers say of each.
Not here: leases, the comparison with the base, what is done about an error (``push.relay``).

A step is one call for one or more operations. Where Cloudinary lets several assets share a call, operations that want
the same are put together; deletions address assets by asset_id, and never two of one public_id, since the answer names
assets by that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Row

from media_pipeline.merge import TAGS, tag_delta
from media_pipeline.remote.calls import AssetsChanged, TagCommand
from media_pipeline.remote.client import IDS_PER_CALL, CloudinaryClient
from media_pipeline.remote.payloads import Observation
from media_pipeline.vocabulary import AssetId, OperationId, OperationKind, OperationState, ResourceType

ADMIN_KINDS: Final = frozenset(
    {OperationKind.UPDATE_DISPLAY_NAME, OperationKind.UPDATE_FOLDER, OperationKind.UPDATE_ACCESS_CONTROL}
)
"""Kinds that take one Admin API call an asset."""

DESTRUCTIVE: Final = frozenset({OperationKind.DELETE, OperationKind.REPLACE})
"""Kinds after which Cloudinary may not have the bytes any more."""


@dataclass(frozen=True, slots=True)
class Task:
    """An operation under lease, reduced to what is left of it over what Cloudinary has now.

    Attributes:
        asset_id: None for an upload.
        there: the asset as just read; None for one that is to be restored or uploaded.
        content: the file that is to be uploaded, read and found whole.
    """

    id: OperationId
    kind: OperationKind
    asset_id: AssetId | None
    base: Mapping[str, Any]
    wanted: Mapping[str, Any]
    there: Observation | None
    content: Path | None = None

    @property
    def asset(self) -> Observation:
        """The asset as just read.

        Raises:
            ValueError: it is to be restored, so it is not there.
        """
        if self.there is None:
            raise ValueError(f"{self.asset_id} was not read")
        return self.there


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an answer says of one operation: sent, refused, unknown, or pending where nothing was done.

    Attributes:
        made_asset_id: the asset that an upload made, or found under its name with the same bytes.
        pause_seconds: how long it waits where nothing was done; None for the usual pause.
    """

    state: OperationState
    detail: str = ""
    request_id: str | None = None
    made_asset_id: AssetId | None = None
    pause_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One call for some operations."""

    tasks: Sequence[Task]
    call: Callable[[CloudinaryClient, Sequence[Task]], dict[OperationId, Outcome]]


def steps(tasks: Sequence[Task]) -> Iterator[Step]:
    """The calls that do *tasks*, in order; an operation of two halves is in two of them."""
    by_kind: dict[OperationKind, list[Task]] = defaultdict(list)
    for task in tasks:
        by_kind[task.kind].append(task)
    for kind, of_kind in by_kind.items():
        yield from _STEPS[kind](of_kind)


def _delete(tasks: Sequence[Task]) -> Iterator[Step]:
    waiting = list(tasks)
    while waiting:
        batch: dict[str, Task] = {}
        for task in waiting:
            if len(batch) < IDS_PER_CALL:
                batch.setdefault(task.asset.public_id, task)
        taken = {task.id for task in batch.values()}
        waiting = [task for task in waiting if task.id not in taken]
        yield Step(list(batch.values()), _call_delete)


def _call_delete(client: CloudinaryClient, tasks: Sequence[Task]) -> dict[OperationId, Outcome]:
    answer = client.delete_assets([task.asset.asset_id for task in tasks])
    outcomes = {}
    for task in tasks:
        said = answer.outcomes.get(task.asset.public_id)
        # Wrong credentials answer not_found as well, so only a read settles that.
        state = OperationState.SENT if said == "deleted" else OperationState.UNKNOWN
        outcomes[task.id] = Outcome(state, said or "not in the answer", answer.request_id)
    return outcomes


def _restore(tasks: Sequence[Task]) -> Iterator[Step]:
    for batch in _batches([task for task in tasks if task.content is None]):
        yield Step(batch, _call_restore)
    yield from _upload([task for task in tasks if task.content is not None])


def _call_restore(client: CloudinaryClient, tasks: Sequence[Task]) -> dict[OperationId, Outcome]:
    answer = client.restore_assets([task.asset_id for task in tasks if task.asset_id is not None])
    detail = "Cloudinary's backup was asked"
    return {task.id: Outcome(OperationState.SENT, detail, answer.request_id) for task in tasks}


def _upload(tasks: Sequence[Task]) -> Iterator[Step]:
    for task in tasks:
        yield Step([task], _call_upload)


def _call_upload(client: CloudinaryClient, tasks: Sequence[Task]) -> dict[OperationId, Outcome]:
    """Nothing is overwritten, so a repeat finds what the first try made."""
    (task,) = tasks
    wanted = task.wanted
    answer = client.upload(
        _content(task),
        public_id=wanted["public_id"],
        resource_type=ResourceType(wanted["resource_type"]),
        delivery_type=wanted["delivery_type"],
        overwrite=False,
        asset_folder=wanted["asset_folder"],
        display_name=wanted["display_name"],
        tags=wanted["tags"],
        context=wanted["context"],
        metadata=wanted["metadata"],
        access_control=wanted.get("access_control") or (),
        file_name=wanted["file_name"],
    )
    if answer.is_existing and answer.etag != wanted["md5"]:
        detail = f"refused: the name {answer.public_id} is taken by {answer.asset_id}, which has other bytes"
        return {task.id: Outcome(OperationState.REFUSED, detail, answer.request_id)}
    detail = f"uploaded as {answer.asset_id}"
    if task.kind is OperationKind.RESTORE:
        detail = f"uploaded anew from the vault (new asset_id {answer.asset_id}), to be confirmed by a read"
    return {task.id: Outcome(OperationState.SENT, detail, answer.request_id, answer.asset_id)}


def _replace(tasks: Sequence[Task]) -> Iterator[Step]:
    for task in tasks:
        yield Step([task], _call_replace)


def _call_replace(client: CloudinaryClient, tasks: Sequence[Task]) -> dict[OperationId, Outcome]:
    """What the asset has beside its bytes is sent again, since an environment may drop it with them."""
    (task,) = tasks
    there = task.asset
    answer = client.upload(
        _content(task),
        public_id=there.public_id,
        resource_type=ResourceType(there.resource_type),
        delivery_type=there.delivery_type,
        overwrite=True,
        # Without a display name of its own an asset lies in fixed folders, which its name alone decides.
        asset_folder=None if there.display_name is None else there.asset_folder,
        display_name=there.display_name,
        tags=there.tags,
        context=there.context,
        metadata=there.metadata,
        access_control=there.access_control or (),
        file_name=task.wanted["file_name"],
    )
    if answer.asset_id != task.asset_id:
        return {task.id: Outcome(OperationState.UNKNOWN, f"replaced {answer.asset_id} instead", answer.request_id)}
    return {task.id: Outcome(OperationState.SENT, "accepted", answer.request_id)}


def _content(task: Task) -> Path:
    if task.content is None:
        raise ValueError(f"operation {task.id} has no file")
    return task.content


def _change_tags(tasks: Sequence[Task]) -> Iterator[Step]:
    for place, command, tags in sorted({part for task in tasks for part in _tag_parts(task)}):
        part = (place, command, tags)
        for batch in _batches([task for task in tasks if part in _tag_parts(task)]):

            def call(
                client: CloudinaryClient,
                chosen: Sequence[Task],
                place: tuple[str, str] = place,
                command: str = command,
                tags: tuple[str, ...] = tags,
            ) -> dict[OperationId, Outcome]:
                answer = client.change_tags(TagCommand(command), tags, **_names(chosen, place))
                return _changed(chosen, answer)

            yield Step(batch, call)


def _tag_parts(task: Task) -> list[tuple[tuple[str, str], str, tuple[str, ...]]]:
    added, removed = tag_delta(task.base.get(TAGS), task.wanted[TAGS])
    parts = [(TagCommand.ADD, added), (TagCommand.REMOVE, removed)]
    return [(_place(task.asset), command.value, tuple(sorted(tags))) for command, tags in parts if tags]


def _change_context(tasks: Sequence[Task]) -> Iterator[Step]:
    """Keys are added by a call that leaves the others alone; there is none that removes one key."""
    with_removals = [task for task in tasks if None in task.wanted.values()]
    for task in with_removals:
        yield Step([task], _call_replace_context)
    for wanted, same in _alike([task for task in tasks if task not in with_removals]):
        for batch in _batches(same):

            def call(
                client: CloudinaryClient, chosen: Sequence[Task], wanted: Mapping[str, Any] = wanted
            ) -> dict[OperationId, Outcome]:
                answer = client.add_context(wanted, **_names(chosen, _place(chosen[0].asset)))
                return _changed(chosen, answer)

            yield Step(batch, call)


def _call_replace_context(client: CloudinaryClient, tasks: Sequence[Task]) -> dict[OperationId, Outcome]:
    (task,) = tasks
    context = {key: value for key, value in {**task.asset.context, **task.wanted}.items() if value is not None}
    answer = client.update(task.asset.asset_id, context=context)
    return {task.id: Outcome(OperationState.SENT, "accepted", answer.request_id)}


def _set_metadata(tasks: Sequence[Task]) -> Iterator[Step]:
    for wanted, same in _alike(tasks):
        for batch in _batches(same):

            def call(
                client: CloudinaryClient, chosen: Sequence[Task], wanted: Mapping[str, Any] = wanted
            ) -> dict[OperationId, Outcome]:
                answer = client.set_metadata(wanted, **_names(chosen, _place(chosen[0].asset)))
                return _changed(chosen, answer)

            yield Step(batch, call)


def _update(tasks: Sequence[Task]) -> Iterator[Step]:
    for task in tasks:
        yield Step([task], _call_update)


def _call_update(client: CloudinaryClient, tasks: Sequence[Task]) -> dict[OperationId, Outcome]:
    (task,) = tasks
    answer = client.update(task.asset.asset_id, **task.wanted)
    return {task.id: Outcome(OperationState.SENT, "accepted", answer.request_id)}


def _rename(tasks: Sequence[Task]) -> Iterator[Step]:
    for task in tasks:
        yield Step([task], _call_rename)


def _call_rename(client: CloudinaryClient, tasks: Sequence[Task]) -> dict[OperationId, Outcome]:
    (task,) = tasks
    answer = client.rename(
        task.asset.public_id,
        task.wanted["public_id"],
        resource_type=ResourceType(task.asset.resource_type),
        delivery_type=task.asset.delivery_type,
    )
    if answer.asset_id != task.asset_id:
        return {task.id: Outcome(OperationState.UNKNOWN, f"renamed {answer.asset_id} instead", answer.request_id)}
    return {task.id: Outcome(OperationState.SENT, "accepted", answer.request_id)}


_STEPS: Final[Mapping[OperationKind, Callable[[Sequence[Task]], Iterator[Step]]]] = {
    OperationKind.DELETE: _delete,
    OperationKind.RESTORE: _restore,
    OperationKind.RENAME: _rename,
    OperationKind.UPDATE_TAGS: _change_tags,
    OperationKind.UPDATE_CONTEXT: _change_context,
    OperationKind.UPDATE_METADATA: _set_metadata,
    OperationKind.UPDATE_DISPLAY_NAME: _update,
    OperationKind.UPDATE_FOLDER: _update,
    OperationKind.UPDATE_ACCESS_CONTROL: _update,
    OperationKind.UPLOAD: _upload,
    OperationKind.REPLACE: _replace,
}


def group_key(operation: Row[Any]) -> list[tuple[str, ...]]:
    """Which calls of the Upload API a recorded operation shares with others that have the same keys; for estimates."""
    place = (operation.resource_type, operation.delivery_type)
    if operation.kind == OperationKind.UPDATE_TAGS:
        added, removed = tag_delta(operation.base.get(TAGS), operation.wanted[TAGS])
        return [(*place, word, *sorted(tags)) for word, tags in (("add", added), ("remove", removed)) if tags]
    if operation.kind in {OperationKind.RENAME, OperationKind.UPLOAD, OperationKind.REPLACE}:
        return [(operation.kind, str(operation.id))]
    return [(*place, operation.kind, _canonical(operation.wanted))]


def _alike(tasks: Iterable[Task]) -> Iterator[tuple[Mapping[str, Any], list[Task]]]:
    """Operations of one slice that want the same."""
    groups: dict[tuple[tuple[str, str], str], list[Task]] = defaultdict(list)
    for task in tasks:
        groups[_place(task.asset), _canonical(task.wanted)].append(task)
    for same in groups.values():
        yield same[0].wanted, same


def _canonical(values: Mapping[str, Any]) -> str:
    return msgspec.json.encode(values, order="sorted").decode()


def _batches(tasks: Sequence[Task]) -> Iterator[Sequence[Task]]:
    for start in range(0, len(tasks), IDS_PER_CALL):
        yield tasks[start : start + IDS_PER_CALL]


def _place(asset: Observation) -> tuple[str, str]:
    return asset.resource_type, asset.delivery_type


def _names(tasks: Sequence[Task], place: tuple[str, str]) -> dict[str, Any]:
    return {
        "public_ids": [task.asset.public_id for task in tasks],
        "resource_type": ResourceType(place[0]),
        "delivery_type": place[1],
    }


def _changed(tasks: Sequence[Task], answer: AssetsChanged) -> dict[OperationId, Outcome]:
    return {
        task.id: Outcome(OperationState.SENT, "accepted", answer.request_id)
        if task.asset.public_id in answer.public_ids
        else Outcome(OperationState.UNKNOWN, "not in the answer", answer.request_id)
        for task in tasks
    }
