"""``media-pipeline migrate``: the schema, or the script that makes it.

Belongs here: what is printed. Not here: migrations themselves (``db.migrate``).
"""

from __future__ import annotations

import sys

from media_pipeline.cli import local, screen
from media_pipeline.db import migrate
from media_pipeline.db.engine import place_of
from media_pipeline.errors import ExitCode
from media_pipeline.settings import Settings


def command(settings: Settings, *, is_script: bool) -> ExitCode:
    """Apply what is pending, or print the script and touch nothing.

    Raises:
        MigrationDrift, DatabaseError: see `migrate.upgrade`.
    """
    if is_script:
        sys.stdout.write(migrate.offline_script())
        return ExitCode.OK
    console = screen.out()
    with local.running(settings, with_emulator=False) as live, local.database(live) as engine:
        done: list[str] = []

        def tell(file: str) -> None:
            done.append(file)
            console.print(f"  {file}")

        state = migrate.upgrade(engine, progress=tell)
        place = place_of(engine.url)
    what = screen.plural(len(done), "migration") + " applied" if done else "Nothing to do"
    console.print(f"{what}: {place} has all {len(state.applied)}.", markup=False)
    return ExitCode.OK
