"""From an exception to a message and an exit code.

Belongs here: what a person or a script sees when a command fails.
Not here: the errors (``media_pipeline.errors``), mistakes in the command line itself (typer).
"""

from __future__ import annotations

import signal
import sys
import traceback
from types import FrameType

from media_pipeline.cli import screen
from media_pipeline.errors import ExitCode, MediaPipelineError


def explain(error: Exception) -> ExitCode:
    """Say on standard error what failed and what to do next; with ``--json`` also as the one object on standard output.

    Returns:
        The exit code.
    """
    if isinstance(error, MediaPipelineError):
        code, message, hint = error.exit_code, str(error), error.hint
    else:
        text = str(error).strip()
        first_line = f": {text.splitlines()[0]}" if text else ""
        code = ExitCode.FAILED
        message = _without_secrets(f"Unexpected {type(error).__name__}{first_line}")
        hint = "Run the same with 'media-pipeline --verbose …' to see where." if not screen.manner.is_verbose else ""
    if screen.manner.is_verbose:
        sys.stderr.write(_without_secrets("".join(traceback.format_exception(error))))
    console = screen.err()
    console.print(message, style="bold red", markup=False)
    if hint:
        console.print(hint, markup=False)
    if screen.manner.is_json and not screen.manner.has_printed:
        kind = type(error).__name__
        screen.print_json({"error": {"kind": kind, "message": message, "hint": hint, "exit_code": int(code)}})
    return code


class Terminated(SystemExit):
    """SIGTERM came."""


def end_on_sigterm() -> None:
    """Let SIGTERM end the program as an exception does, so that what was started is stopped in good order."""

    def end(number: int, _: FrameType | None) -> None:
        raise Terminated(128 + number)

    signal.signal(signal.SIGTERM, end)


def _without_secrets(text: str) -> str:
    from media_pipeline import logs, settings

    try:
        secrets = settings.load().secrets
    except MediaPipelineError:
        secrets = ()
    return logs.mask(text, secrets)
