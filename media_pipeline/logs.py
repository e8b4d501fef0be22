"""Structured logs: one line an event, values in fields, no secrets.

Belongs here: the configuration of structlog and the masking of secrets.
Not here: what is logged (each room), metrics.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable, MutableMapping
from typing import Any

import structlog

_URL_PASSWORD = re.compile(r"(?P<scheme>\b[a-z0-9+]+://[^:/@\s]*:)[^@\s]+@", re.IGNORECASE)


def mask(text: str, secrets: Iterable[str] = ()) -> str:
    """Return *text* without passwords in URLs and without any of *secrets*."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return _URL_PASSWORD.sub(r"\g<scheme>***@", text)


def configure(*, level: str = "info", json: bool = False, secrets: Iterable[str] = ()) -> None:
    """Set up structlog for this process; logs go to standard error, so that ``--json`` output stays clean.

    Args:
        level: the least severe level that is written.
        json: one JSON object a line instead of text for people.
        secrets: values that are replaced by ``***`` wherever they occur.
    """
    known = tuple(secret for secret in secrets if len(secret) >= 6)

    def hide_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for key, value in event.items():
            if isinstance(value, str):
                event[key] = mask(value, known)
        return event

    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            hide_secrets,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
