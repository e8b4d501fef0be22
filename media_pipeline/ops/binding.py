"""The one cloud that a database belongs to.

Belongs here: binding at the first sync, refusing every other cloud afterwards.
Not here: asking the cloud who it is (``remote.client``).
Tables: writes ops.cloud_binding.
"""

from __future__ import annotations

from sqlalchemy import Connection, Engine

from media_pipeline import audit
from media_pipeline.db import statements
from media_pipeline.db.engine import transaction
from media_pipeline.errors import WrongCloud
from media_pipeline.vocabulary import CloudIdentity, RunId


def read(connection: Connection) -> CloudIdentity | None:
    """The bound cloud, or None before the first sync."""
    row = statements.run(connection, "ops/030_read_binding").first()
    return None if row is None else CloudIdentity(row.cloud_name, row.is_emulator, row.folder_mode)


def bind(engine: Engine, found: CloudIdentity, *, actor: str, run_id: RunId | None) -> None:
    """Bind the database to the cloud *found*, or make sure that it is bound to it.

    Raises:
        WrongCloud: the database belongs to another cloud; nothing was written.
    """
    with transaction(engine) as connection:
        bound_now = statements.run(
            connection,
            "ops/040_bind_cloud",
            cloud_name=found.cloud_name,
            is_emulator=found.is_emulator,
            folder_mode=found.folder_mode,
        ).first()
        if bound_now is not None:
            audit.append(
                connection,
                "cloud_bound",
                cause="first sync",
                actor=actor,
                run_id=run_id,
                after={"cloud_name": found.cloud_name, "is_emulator": found.is_emulator},
            )
            return
        require(read(connection), found)
        statements.run(connection, "ops/045_update_folder_mode", folder_mode=found.folder_mode)


def require(bound: CloudIdentity | None, found: CloudIdentity) -> None:
    """Refuse a cloud that is not the bound one; an unbound database refuses none.

    Raises:
        WrongCloud: with both names.
    """
    if bound is not None and (bound.cloud_name, bound.is_emulator) != (found.cloud_name, found.is_emulator):
        raise WrongCloud(
            f"This database mirrors {bound}, but CLOUDINARY_URL leads to {found}. Nothing was written.",
            hint="Use the CLOUDINARY_URL of the bound cloud, or another database (MEDIA_PIPELINE_DATABASE_URL) "
            "for the other cloud.",
        )
