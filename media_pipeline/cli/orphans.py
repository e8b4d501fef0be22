"""``media-pipeline orphans``: assets that nothing here wants, and their deletion as edits for the next push.

Belongs here: showing them, asking.
Not here: what an orphan is (``reads.orphans``), recording (``outbox``), planning and guards (``push``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

import typer
from sqlalchemy import Engine

from media_pipeline import outbox
from media_pipeline.cli import local, screen, watch
from media_pipeline.db import migrate
from media_pipeline.errors import ExitCode, UsageUnknown
from media_pipeline.reads.orphans import Orphans, find_orphans
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import AssetId

_SHOWN: Final = 20
_SHOWN_JSON: Final = 1000


@dataclass(frozen=True, slots=True)
class RecordedOrphans:
    """What ``plan`` recorded; ``refused`` has asset_id and reason of those that were left as they are."""

    is_dry_run: bool
    recorded_count: int
    refused: tuple[tuple[AssetId, str], ...]
    found: Orphans


def list_all(settings: Settings, *, unused_days: int, is_json: bool) -> ExitCode:
    """List orphans, and what else has no partner on the other side."""
    with _engine(settings) as engine:
        found = find_orphans(engine, unused_days, limit=_SHOWN_JSON if is_json else _SHOWN)
    if is_json:
        screen.print_json(found)
        return ExitCode.OK
    _describe(found)
    console = screen.out()
    without = found.unmatched
    console.print(
        f"Without a partner: {screen.plural(without.without_row_count, 'asset')} without a row, "
        f"{screen.plural(without.without_asset_count, 'row')} without an asset, "
        f"{screen.plural(without.without_use_count, 'file')} of the vault without either."
    )
    if found.orphan_count:
        console.print("'media-pipeline orphans plan' records their deletion for the next push.")
    return ExitCode.OK


def plan(settings: Settings, *, unused_days: int, is_dry_run: bool, is_agreed: bool, is_json: bool) -> ExitCode:
    """Record the deletion of every orphan; the undo window, the guard and the push are those of any deletion.

    Raises:
        UsageUnknown: nobody can say which assets are used; nothing was recorded.
    """
    console = screen.out()
    with _engine(settings) as engine:
        found = find_orphans(engine, unused_days, limit=None)
        if found.doubt is not None:
            raise UsageUnknown(found.doubt)
        if not is_json:
            _describe(found)
        recorded, refused = 0, list[tuple[AssetId, str]]()
        if found.orphans and not is_dry_run:
            if not is_agreed and not _is_typed(len(found.orphans)):
                console.print("That is not the number. Nothing was recorded.")
                return ExitCode.FAILED
            with watch.progress() as progress:
                recorded, refused = outbox.delete_orphans(
                    engine,
                    [one.asset_id for one in found.orphans],
                    unused_days,
                    actor=screen.actor(),
                    progress=progress,
                )
    if is_json:
        shown = replace(found, orphans=found.orphans[:_SHOWN_JSON])
        screen.print_json(RecordedOrphans(is_dry_run, recorded, tuple(refused), shown))
    elif is_dry_run:
        console.print("This was a dry run: nothing was recorded.")
    elif found.orphans:
        console.print(
            f"Recorded: {screen.plural(recorded, 'deletion')}. They can be undone for {settings.undo_seconds:.0f} s "
            "(restore_media_asset); then 'media-pipeline push' plans them. More than the limit wait for you."
        )
        for asset_id, reason in refused[:_SHOWN]:
            console.print(f"  {asset_id} was left as it is: {reason}", markup=False)
        if len(refused) > _SHOWN:
            console.print(f"  … and {len(refused) - _SHOWN:,} more")
    return ExitCode.FAILED if refused else ExitCode.OK


def _is_typed(count: int) -> bool:
    typed = typer.prompt(f"Type the number of assets ({count}) to record exactly these deletions")
    return bool(typed.strip().replace(",", "") == str(count))


def _describe(found: Orphans) -> None:
    console = screen.out()
    if found.doubt is not None:
        console.print(found.doubt, style="bold yellow", markup=False)
        return
    if not found.orphans:
        console.print(
            f"No orphans: every live asset was used, collected or edited in the last {found.unused_days} days."
        )
        return
    count, size = found.orphan_count or 0, found.orphan_size_bytes or 0
    days = screen.plural(found.unused_days, "day")
    console.print(f"{screen.plural(count, 'asset')} of {screen.size(size)}, wanted by nothing here for {days}:")
    table = screen.rows("Asset", "Slice", "Size", "Last wanted", numbers=[2])
    for one in found.orphans[:_SHOWN]:
        screen.add_row(
            table,
            one.public_id,
            f"{one.resource_type}/{one.delivery_type}",
            screen.size(one.size_bytes or 0),
            screen.ago(one.last_wanted_at),
        )
    console.print(table)
    if count > _SHOWN:
        console.print(f"  … and {count - _SHOWN:,} more")


@contextmanager
def _engine(settings: Settings) -> Iterator[Engine]:
    with local.running(settings, with_emulator=False) as live, local.database(live) as engine:
        migrate.require_current(engine)
        yield engine
