"""The command line, ``media-pipeline``.

Belongs here: commands, what they print, what they start on this machine.
Not here: the work itself (the rooms), what people see of the data (``reads``).

Importing this package loads no Dagster, no database driver and no SDK, so that help and mistakes answer at
once: every command imports what it needs when it runs.
"""

from __future__ import annotations

from media_pipeline.cli import app_intake, app_reports
from media_pipeline.cli.app import app, main

__all__ = ["app", "app_intake", "app_reports", "main"]
