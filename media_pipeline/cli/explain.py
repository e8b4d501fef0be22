"""``media-pipeline explain``: the life of one asset.

Belongs here: printing it.
Not here: gathering it (``reads.explain``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from media_pipeline.cli import local, screen
from media_pipeline.db import migrate
from media_pipeline.errors import ExitCode
from media_pipeline.reads.explain import explain
from media_pipeline.settings import Settings

_VALUE_AT_MOST = 60


def command(settings: Settings, name: str, *, is_json: bool) -> ExitCode:
    """Tell what happened to an asset.

    Raises:
        AssetNotFound: no asset is named so, or several are.
    """
    with local.running(settings, with_emulator=False) as live, local.database(live) as engine:
        migrate.require_current(engine)
        timeline = explain(engine, name)
    if is_json:
        screen.print_json(timeline)
        return ExitCode.OK
    asset = timeline.asset
    console = screen.out()
    state = "live" if asset.deleted_at is None else f"deleted {screen.ago(asset.deleted_at)}"
    console.print(
        f"{asset.public_id} ({asset.resource_type}/{asset.delivery_type}), {state}", style="bold", markup=False
    )
    console.print(f"asset_id {asset.asset_id}, media_assets.id {asset.media_asset_id}")
    table = screen.rows("When (UTC)", "What", "Who", "Run", "Detail")
    for event in timeline.events:
        detail = _in_words(event.detail)
        if event.request_id is not None:
            detail = f"{detail}, request {event.request_id}"
        screen.add_row(
            table,
            f"{event.at:%Y-%m-%d %H:%M:%S}",
            event.what.replace("_", " "),
            event.actor or "",
            "" if event.run_id is None else str(event.run_id),
            detail,
        )
    console.print(table)
    return ExitCode.OK


def _in_words(detail: Mapping[str, Any]) -> str:
    """Field by field what changed, then the rest."""
    old, new = (
        detail.get("before", detail.get("base")) or {},
        detail.get("after", detail.get("wanted")) or {},
    )
    changes = []
    if isinstance(old, dict) and isinstance(new, dict):
        changes = [f"{name}: {_short(old.get(name))} → {_short(value)}" for name, value in new.items()]
    rest = [
        f"{name.replace('_', ' ')} {_short(value)}"
        for name, value in detail.items()
        if name not in {"before", "after", "base", "wanted"} and value not in (None, [], {})
    ]
    return ", ".join([*changes, *rest])


def _short(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= _VALUE_AT_MOST else f"{text[: _VALUE_AT_MOST - 1]}…"
