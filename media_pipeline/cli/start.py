"""How every command starts.

Belongs here: settings and logs of a command, the option that all share. Not here: commands (``cli.app``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from media_pipeline.cli.screen import manner

if TYPE_CHECKING:
    from media_pipeline.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object; everything else goes to standard error.")]


def begin(context: typer.Context, *, is_json: bool = False) -> Settings:
    """Settings and logs of a command."""
    from media_pipeline import logs, settings

    manner.is_json = is_json
    loaded = settings.load(**context.obj)
    logs.configure(level=loaded.log_level, json=loaded.log_json, secrets=loaded.secrets)
    return loaded
