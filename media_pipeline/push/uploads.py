"""Files of this machine as intents: into the vault first, then an operation that goes the road of any other.

Belongs here: recording uploads and replacements, names and types that a file gets by itself.
Not here: uploading (``push.handlers``), the vault itself (``vault``).
Tables: writes outbox.operation through the functions of the library, ops.vault_object through the vault.
"""

from __future__ import annotations

import mimetypes
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError

from media_pipeline.db import statements
from media_pipeline.db.engine import sqlstate, transaction
from media_pipeline.errors import EditRefused
from media_pipeline.vault import Vault
from media_pipeline.vocabulary import OperationId, ResourceType

_RULES = frozenset({"23514", "55000", "P0002", "22023"})
"""What the functions of the library raise where a value breaks a rule."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What an upload is to become; what is not given follows from the file.

    Attributes:
        public_id: a UUID of version 7 where it is not given; that of a raw file keeps the file's extension.
    """

    public_id: str | None = None
    resource_type: ResourceType | None = None
    delivery_type: str = "upload"
    asset_folder: str | None = None
    display_name: str | None = None
    tags: Sequence[str] = ()
    context: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


def upload(engine: Engine, vault: Vault, file: Path, wish: Wish, *, actor: str) -> tuple[OperationId, str]:
    """Ask for the upload of a file; its bytes are in the vault before the operation exists.

    Returns:
        The operation, and the public_id that the asset will have.

    Raises:
        EditRefused: a value breaks a rule, or the file cannot be uploaded.
        OSError: the file cannot be read.
        VaultUnwritable: its bytes cannot be kept.
    """
    kind = wish.resource_type or _resource_type(file)
    public_id = wish.public_id or _uuid7() + (file.suffix.lower() if kind is ResourceType.RAW else "")
    stored = vault.take_in(_with_bytes(file))
    operation_id = _record(
        engine,
        actor,
        "push/200_record_upload",
        sha256=stored.sha256,
        file_name=file.name,
        public_id=public_id,
        resource_type=kind.value,
        delivery_type=wish.delivery_type,
        asset_folder=wish.asset_folder,
        display_name=wish.display_name or file.stem,
        tags=sorted(set(wish.tags)),
        context=msgspec.json.encode(wish.context).decode(),
        metadata=msgspec.json.encode(wish.metadata).decode(),
    )
    return operation_id, public_id


def replace(engine: Engine, vault: Vault, media_asset_id: UUID, file: Path, *, actor: str) -> OperationId:
    """Ask for other bytes for an asset that is there.

    Raises:
        EditRefused: there is no such asset, or it is deleted.
        OSError, VaultUnwritable: as for ``upload``.
    """
    stored = vault.take_in(_with_bytes(file))
    return _record(
        engine,
        actor,
        "push/210_record_replace",
        media_asset_id=str(media_asset_id),
        sha256=stored.sha256,
        file_name=file.name,
    )


def _record(engine: Engine, actor: str, name: str, **values: Any) -> OperationId:
    """Record an intent as a person: the engine itself may not."""
    try:
        with transaction(engine, role=None) as connection:
            connection.execute(select(func.set_config("media_pipeline.actor", actor, True)))
            return OperationId(int(statements.run(connection, name, **values).scalar_one()))
    except DBAPIError as error:
        if sqlstate(error) not in _RULES:
            raise
        diagnostics = getattr(error.orig, "diag", None)
        raise EditRefused(
            f"{getattr(diagnostics, 'message_primary', None) or error.orig}.",
            hint=getattr(diagnostics, "message_hint", None) or "",
        ) from error


def _with_bytes(file: Path) -> Path:
    if file.stat().st_size == 0:
        raise EditRefused(f"{file} is empty.", hint="Cloudinary stores no empty files.")
    return file


def _resource_type(file: Path) -> ResourceType:
    """What Cloudinary takes a file for, by its name: PDF counts as a picture, sound as a film."""
    kind = mimetypes.guess_type(file.name)[0] or ""
    if kind.startswith("image/") or kind == "application/pdf":
        return ResourceType.IMAGE
    return ResourceType.VIDEO if kind.startswith(("video/", "audio/")) else ResourceType.RAW


def _uuid7() -> str:
    """A name that sorts by time and that nobody else makes (RFC 9562, version 7)."""
    bits = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    bits = bits & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62
    return str(UUID(int=bits))
