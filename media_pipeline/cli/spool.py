"""``media-pipeline spool``: notifications on disk, and what was set aside.

Belongs here: the reports. Not here: the spool itself (``intake.spool``). No database.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from media_pipeline.cli import screen
from media_pipeline.errors import ExitCode
from media_pipeline.intake.configured import spool_of
from media_pipeline.settings import Settings


def list_all(settings: Settings, *, is_json: bool) -> ExitCode:
    """Say how much waits and what is in quarantine."""
    spool = spool_of(settings)
    spool.prepare()
    depth, quarantined = spool.depth(), spool.list_quarantined()
    if is_json:
        screen.print_json({"directory": str(spool.directory), "depth": depth, "quarantined": quarantined})
        return ExitCode.OK
    tell = partial(screen.out().print, markup=False)
    since = "" if depth.oldest_at is None else f", the oldest came {screen.ago(depth.oldest_at)}"
    tell(f"{screen.plural(depth.file_count, 'change file')} wait, {screen.size(depth.size_bytes)}{since}.")
    if not quarantined:
        tell("Nothing is in quarantine.")
        return ExitCode.OK
    table = screen.rows("File", "Size", "Set aside", "Reason", numbers=[1])
    for one in quarantined:
        screen.add_row(table, one.name, screen.size(one.size_bytes), screen.ago(one.quarantined_at), one.reason)
    screen.out().print(table)
    tell("'media-pipeline spool replay NAME' tries one again.")
    return ExitCode.OK


def replay(settings: Settings, names: Sequence[str] | None, *, is_json: bool) -> ExitCode:
    """Return files from quarantine; all of them where no names are given.

    Raises:
        SpoolFileUnknown: nothing in quarantine has this name; those before it are replayed.
    """
    spool = spool_of(settings)
    spool.prepare()
    replayed = list(names or (one.name for one in spool.list_quarantined()))
    for name in replayed:
        spool.replay(name)
    if is_json:
        screen.print_json({"replayed": replayed})
    else:
        screen.out().print(f"{screen.plural(len(replayed), 'change file')} will be landed again.")
    return ExitCode.OK
