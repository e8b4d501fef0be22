"""``media-pipeline revert``: assets get back the values that they had at a time.

Belongs here: showing what would change, asking.
Not here: how they were (``media_assets_at`` in SQL), recording it (``outbox``), pushing it (``push``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import typer
from sqlalchemy import Row

from media_pipeline import outbox
from media_pipeline.cli import local, screen
from media_pipeline.db import migrate, statements
from media_pipeline.db.engine import read_only
from media_pipeline.errors import ConfigurationError, ExitCode
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import AssetId

_NAMES: Final = 10


def command(settings: Settings, to: datetime, *, folder: str | None, is_dry_run: bool, is_agreed: bool) -> ExitCode:
    """Record edits that return assets to how they were; the next push carries them like any edit.

    Raises:
        ConfigurationError: the time lies in the future, or before the log.
    """
    at = to if to.tzinfo is not None else to.replace(tzinfo=UTC)
    if at > datetime.now(UTC):
        raise ConfigurationError(f"{at:%Y-%m-%d %H:%M:%S} UTC lies in the future.", hint="Name a time that has been.")
    console = screen.out()
    with local.running(settings, with_emulator=False) as live, local.database(live) as engine:
        migrate.require_current(engine)
        with read_only(engine) as connection:
            start_at = statements.run(connection, "reads/745_read_log_start").scalar_one()
            if start_at is not None and at < start_at:
                raise ConfigurationError(
                    f"The log reaches back to {start_at:%Y-%m-%d}; what lies before is archived.",
                    hint="Name a later time, or look into the files of MEDIA_PIPELINE_ARCHIVE.",
                )
            found = statements.run(connection, "reads/740_find_reverted", at=at, folder=folder).all()
        if not found:
            console.print(f"Nothing that can be edited is different from {at:%Y-%m-%d %H:%M:%S} UTC.")
            return ExitCode.OK
        _describe(found, at)
        if is_dry_run:
            console.print("This was a dry run: nothing was recorded.")
            return ExitCode.OK
        if not is_agreed:
            typed = typer.prompt(f"Type the number of assets ({len(found)}) to record exactly these edits")
            if typed.strip().replace(",", "") != str(len(found)):
                console.print("That is not the number. Nothing was recorded.")
                return ExitCode.FAILED
        ids = [AssetId(row.asset_id) for row in found]
        recorded, refused = outbox.revert(engine, ids, at, actor=screen.actor())
    console.print(f"{screen.plural(recorded, 'asset')} as they were; 'media-pipeline push' carries it to Cloudinary.")
    for asset_id, reason in refused[:_NAMES]:
        console.print(f"  {asset_id} was left as it is: {reason}", markup=False)
    if len(refused) > _NAMES:
        console.print(f"  … and {len(refused) - _NAMES:,} more")
    return ExitCode.FAILED if refused else ExitCode.OK


def _describe(found: Sequence[Row[Any]], at: datetime) -> None:
    counts: Counter[str] = Counter()
    for row in found:
        counts.update(row.fields)
        counts["deleted"] += row.is_deleted
        counts["brought back"] += row.is_restored
    console = screen.out()
    console.print(f"{screen.plural(len(found), 'asset')} would be as at {at:%Y-%m-%d %H:%M:%S} UTC:")
    for what, count in counts.most_common():
        if count:
            console.print(f"  {what}: {count:,}")
    console.print(f"  {screen.names([row.public_id for row in found[:_NAMES]], len(found))}", markup=False)
