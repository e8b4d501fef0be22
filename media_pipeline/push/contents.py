"""Bytes that a push sends, and bytes that it may destroy: both lie in the vault before the call.

Belongs here: the file of an upload, of a replacement or of a lost asset; copies of originals before their destruction.
Not here: the vault itself (``vault``), the calls (``push.handlers``), recording what waits (``push.relay``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, Final

from sqlalchemy import Engine, Row

from media_pipeline.db import statements
from media_pipeline.db.engine import read_only
from media_pipeline.errors import NoCopy
from media_pipeline.push.handlers import DESTRUCTIVE, Outcome, Task
from media_pipeline.remote.calls import Original
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.remote.payloads import Observation
from media_pipeline.vault import Vault
from media_pipeline.vocabulary import AssetId, OperationId, OperationKind, OperationState

NOT_THERE: Final = frozenset({OperationKind.RESTORE, OperationKind.UPLOAD})
"""Kinds of which there is nothing to read before the call."""

_NO_COPY_PAUSE_SECONDS: Final = 900.0
"""What could not be kept at a time is seldom there a moment later."""


class Contents:
    """The vault as one push uses it.

    Args:
        is_keeping: whether originals are kept before they may be destroyed.
    """

    def __init__(self, engine: Engine, vault: Vault, *, is_keeping: bool) -> None:
        self._engine = engine
        self._vault = vault
        self._is_keeping = is_keeping

    def asked_backups(self, operations: Iterable[Row[Any]]) -> frozenset[int]:
        """Restorations that Cloudinary's backup could not do: they were sent, and wait again."""
        restorations = [row.id for row in operations if row.kind == OperationKind.RESTORE]
        if not restorations:
            return frozenset()
        with read_only(self._engine) as connection:
            rows = statements.run(connection, "push/180_list_asked_backups", operation_ids=restorations)
            return frozenset(rows.scalars())

    def with_bytes(self, operation: Row[Any], *, is_backup_asked: bool) -> Task | Outcome:
        """An upload, or a restoration: first from Cloudinary's backup, then from the vault."""
        task = Task(
            OperationId(operation.id),
            OperationKind(operation.kind),
            operation.asset_id,
            operation.base,
            operation.wanted,
            None,
        )
        if task.kind is OperationKind.UPLOAD:
            return self.with_file(task)
        if not is_backup_asked:
            return task
        try:
            file = self._vault.newest(AssetId(operation.asset_id))
            content = self._vault.checked(file.sha256)
        except NoCopy as failure:
            return Outcome(OperationState.REFUSED, f"refused: no backup and no copy ({failure.reason})")
        with read_only(self._engine) as connection:
            lost = statements.run(connection, "push/185_read_lost_asset", operation_id=task.id).mappings().one()
        wanted = {**lost, "md5": file.md5, "file_name": PurePosixPath(lost["public_id"]).name}
        return replace(task, wanted=wanted, content=content)

    def with_file(self, task: Task) -> Task | Outcome:
        """The task with the file that it uploads, read and found whole."""
        try:
            return replace(task, content=self._vault.checked(task.wanted["sha256"]))
        except NoCopy as failure:
            return _postponed(str(failure))

    def secure(
        self,
        client: CloudinaryClient,
        tasks: Sequence[Task],
        *,
        renew: Callable[[], object],
        read: Callable[[Iterable[AssetId]], Mapping[str, Observation]],
    ) -> list[Task | Outcome]:
        """See that there is a copy of whatever may be destroyed; without one the task waits, with the reason.

        Args:
            renew: called before each fetch, since one may take minutes.
            read: the assets as they are now.

        Returns:
            For each task, in order, itself or what became of it.

        Raises:
            RateLimited: as ``Vault.secure``.
        """
        destructive = [task for task in tasks if task.kind in DESTRUCTIVE]
        if not self._is_keeping or not destructive:
            return list(tasks)
        originals = [_original(task.asset) for task in destructive]
        secured = self._vault.secure(client, originals, before_each=renew)
        # Fetching takes its time; what was compared before it may have changed meanwhile.
        now = read(one.asset_id for one in originals) if secured.fetched else None
        found: list[Task | Outcome] = []
        for task in tasks:
            there = task.there
            if task.kind not in DESTRUCTIVE or there is None:
                found.append(task)
                continue
            copy = secured.copies[there.asset_id]
            again = there if now is None else now.get(there.asset_id)
            if isinstance(copy, NoCopy):
                found.append(_postponed(f"not done, since {copy.reason}"))
            elif again is None or again.fingerprint != there.fingerprint:
                found.append(_postponed("changed in Cloudinary while its bytes were fetched"))
            elif copy.md5 == task.wanted.get("md5"):
                found.append(Outcome(OperationState.SENT, "Cloudinary has these bytes already"))
            else:
                found.append(task)
        return found


def _postponed(reason: str) -> Outcome:
    return Outcome(OperationState.PENDING, reason, pause_seconds=_NO_COPY_PAUSE_SECONDS)


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
