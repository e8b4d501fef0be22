"""The canary: one asset of our own that is changed on a schedule, to prove that changes still arrive.

Belongs here: making and touching it, settling which touches came back.
Not here: figures and gaps (``reads.lag``), raising the alarm (``cli.alarm``).
Tables: writes ops.canary_touch.

It is one of two writes to Cloudinary that no recorded edit stands behind; its actor is ``system:canary``. Everything
else treats it like any other asset, so that what is measured is the road that every asset takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine

from media_pipeline.db import statements
from media_pipeline.db.engine import read_only, retrying, transaction
from media_pipeline.errors import ConfigurationError
from media_pipeline.remote.calls import AssetsChanged
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import AssetId, ResourceType, RunId, Slice

PUBLIC_ID: Final = "media-pipeline/canary"
"""Its name, for ever: a canary that was renamed is made anew."""

SLICE: Final = Slice(ResourceType.RAW, "upload")

_KEY: Final = "touched"
_CONTENT: Final = (
    b"This file belongs to Media Pipeline, which mirrors this product environment into Postgres.\n"
    b"It changes the context of this file every few minutes and measures how long the change takes to arrive.\n"
    b"It may be deleted: it comes back by itself. MEDIA_PIPELINE_CANARY=false turns it off.\n"
)


@dataclass(frozen=True, slots=True)
class Touch:
    """One change of the canary; ``id`` is the number that its context shows."""

    id: int
    asset_id: AssetId
    is_new: bool


def touch(engine: Engine, client: CloudinaryClient, settings: Settings, *, run_id: RunId | None) -> Touch:
    """Change the canary; make it where there is none. Costs no Admin API call.

    Raises:
        ConfigurationError: raw/upload is not mirrored, so that the change could never arrive.
        RemoteError: Cloudinary did not take it; the touch is on record and proves nothing.
    """
    if SLICE not in settings.slices:
        raise ConfigurationError(
            f"The canary is a {SLICE.resource_type}/{SLICE.delivery_type} asset, and these are not mirrored.",
            hint="Add them to MEDIA_PIPELINE_RESOURCE_TYPES and MEDIA_PIPELINE_DELIVERY_TYPES, "
            "or set MEDIA_PIPELINE_CANARY=false.",
        )
    known = _find(engine)
    asset_id = known or _make(client)
    number = _begin(engine, asset_id, run_id)
    changed = _change(client, number)
    if PUBLIC_ID not in changed.public_ids:
        # Somebody deleted it, and we have not heard of that yet.
        known, asset_id = None, _make(client)
        number = _begin(engine, asset_id, run_id)
        changed = _change(client, number)
    with transaction(engine) as connection:
        statements.run(connection, "canary/030_touch_sent", id=number, request_id=changed.request_id)
    return Touch(number, asset_id, is_new=known is None)


def settle(engine: Engine) -> int:
    """Note which touches came back since; returns how many rows that moved."""
    return retrying(engine, lambda connection: statements.run(connection, "canary/040_settle_touches").rowcount)


def _find(engine: Engine) -> AssetId | None:
    with read_only(engine) as connection:
        row = statements.run(
            connection,
            "canary/010_find_canary",
            public_id=PUBLIC_ID,
            resource_type=SLICE.resource_type.value,
            delivery_type=SLICE.delivery_type,
        ).first()
    return None if row is None else AssetId(row.asset_id)


def _make(client: CloudinaryClient) -> AssetId:
    """Its upload, which leaves a canary that is there as it is."""
    written = client.upload(
        _CONTENT,
        public_id=PUBLIC_ID,
        resource_type=SLICE.resource_type,
        delivery_type=SLICE.delivery_type,
        overwrite=False,
        file_name="canary.txt",
    )
    return written.asset_id


def _begin(engine: Engine, asset_id: AssetId, run_id: RunId | None) -> int:
    with transaction(engine) as connection:
        return int(statements.run(connection, "canary/020_begin_touch", asset_id=asset_id, run_id=run_id).scalar_one())


def _change(client: CloudinaryClient, number: int) -> AssetsChanged:
    return client.add_context(
        {_KEY: str(number)},
        public_ids=[PUBLIC_ID],
        resource_type=SLICE.resource_type,
        delivery_type=SLICE.delivery_type,
    )
