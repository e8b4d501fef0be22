"""What happened to one asset, in the order of time.

Belongs here: finding the asset that a person means, its timeline.
Not here: how it is printed (``cli.explain``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from media_pipeline.db import statements
from media_pipeline.db.engine import read_only
from media_pipeline.errors import AssetNotFound
from media_pipeline.vocabulary import AssetId


@dataclass(frozen=True, slots=True)
class AssetName:
    """An asset as people name it."""

    asset_id: AssetId
    media_asset_id: str
    public_id: str
    resource_type: str
    delivery_type: str
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; ``request_id`` is Cloudinary's."""

    at: datetime
    what: str
    actor: str | None
    run_id: int | None
    request_id: str | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Timeline:
    """An asset, and all that is known of its life."""

    asset: AssetName
    events: tuple[Event, ...]


def find_asset(engine: Engine, name: str) -> AssetName:
    """The asset with this asset_id, ``media_assets.id`` or public_id; of several the live one.

    Raises:
        AssetNotFound: there is none, or several live ones have the public_id.
    """
    with read_only(engine) as connection:
        found = [AssetName(**row) for row in statements.run(connection, "reads/735_find_asset", named=name).mappings()]
    live = [one for one in found if one.deleted_at is None]
    if not found or len(live) > 1:
        raise AssetNotFound(name, [one.asset_id for one in live])
    return found[0]


def explain(engine: Engine, name: str) -> Timeline:
    """Everything that happened to an asset, oldest first.

    Raises:
        AssetNotFound: no asset is named so, or several are.
    """
    asset = find_asset(engine, name)
    with read_only(engine) as connection:
        rows = statements.run(connection, "reads/730_explain", asset_id=asset.asset_id).mappings()
        return Timeline(asset, tuple(Event(**row) for row in rows))
