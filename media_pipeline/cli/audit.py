"""``media-pipeline audit``: the proof that nobody has changed the log.

Belongs here: the report.
Not here: the proof (``audit``), the archive of old months (``upkeep``).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from rich.console import Console

from media_pipeline import audit
from media_pipeline.audit import Entry, Verification
from media_pipeline.cli import local, screen, watch
from media_pipeline.db import migrate
from media_pipeline.errors import ExitCode
from media_pipeline.settings import Settings


def verify(settings: Settings, *, anchor: str | None, is_json: bool) -> ExitCode:
    """Compute the log again and name what is not as it was."""
    with local.running(settings, with_emulator=False) as live, local.database(live) as engine:
        migrate.require_current(engine)
        with watch.progress() as progress:
            found = audit.verify(engine, archive=live.archive, anchor=anchor, progress=progress)
    screen.print_json(found) if is_json else _show(found, anchor, screen.out())
    return ExitCode.OK if found.is_whole else ExitCode.FAILED


def _show(found: Verification, anchor: str | None, console: Console) -> None:
    tell = partial(console.print, markup=False)
    archived = f", {found.archived_count:,} more in archived months" if found.archived_count else ""
    tell(
        f"{screen.plural(found.entry_count, 'entry', 'entries')} of the log and "
        f"{screen.plural(found.seal_count, 'seal')} computed again{archived}."
    )
    if found.unsealed_count:
        tell(f"{found.unsealed_count:,} of them are not sealed yet.")
    problems = list(_problems(found))
    for problem in problems:
        console.print(problem, style="bold red", markup=False)
    if found.problem_count > len(problems):
        tell(f"… and {found.problem_count - len(problems):,} more.")
    if not found.is_whole:
        return
    tell("Nothing was changed, added or removed." + (" The anchor is in the chain." if anchor else ""))
    if found.newest_digest is not None:
        tell(f"To note elsewhere: seal {found.newest_seal_id} of {found.newest_sealed_at:%Y-%m-%d %H:%M:%S} UTC")
        tell(f"  {found.newest_digest}")


def _problems(found: Verification) -> Iterator[str]:
    for entry in found.changed:
        yield f"Changed: {_named(entry)}"
    for entry in found.added:
        yield f"Added where all was archived: {_named(entry)}"
    for seal in found.seals:
        when = "" if seal.first_recorded_at is None else f", {seal.first_recorded_at} to {seal.last_recorded_at}"
        yield (
            f"Seal {seal.seal_id} of {seal.sealed_at}: {seal.problem}. It covers what follows {seal.after} "
            f"through {seal.through}{when}."
        )
    for link in found.links:
        yield (
            f"Seal {link.seal_id} of {link.sealed_at}: {link.problem}. Nothing proves the entries that follow "
            f"{link.after} through {link.through}."
        )
    for month in found.archives:
        yield f"Archive of {month.month}, {month.file_name}: {month.problem}."
    if found.lost_anchor is not None:
        yield f"No seal has the digest {found.lost_anchor}: the chain was made anew, or cut off."


def _named(entry: Entry) -> str:
    asset = "" if entry.asset_id is None else f", asset {entry.asset_id}, row {entry.media_asset_id}"
    return f"entry {entry.xid}:{entry.id} of {entry.recorded_at}, {entry.action}{asset}."
