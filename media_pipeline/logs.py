"""Structured logs: one line an event, values in fields, no secrets.

Belongs here: the configuration of structlog, what libraries say, the masking of secrets, fields that go with the work.
Not here: what is logged (each room), metrics.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import lru_cache, partial
from typing import Any, ParamSpec, TypeVar

import structlog

P = ParamSpec("P")
T = TypeVar("T")

_URL_PASSWORD = re.compile(r"(?P<scheme>\b[a-z0-9+]+://[^:/@\s]*:)[^@\s]+@", re.IGNORECASE)


class Threads(ThreadPoolExecutor):
    """Threads whose lines carry the fields that were bound where their work was handed to them."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As ``ThreadPoolExecutor.submit``."""
        return super().submit(copy_context().run, partial(fn, *args, **kwargs))


class _Libraries(logging.Handler):
    """Makes lines of ours of what libraries say by themselves."""

    def emit(self, record: logging.LogRecord) -> None:
        # Where a library has handlers of its own, as Dagster in its processes, it was told already.
        handlers = logging.getLogger(record.name.partition(".")[0]).handlers
        if any(not isinstance(one, logging.NullHandler) for one in handlers):
            return
        try:
            structlog.get_logger().log(
                record.levelno,
                "library_spoke",
                library=record.name,
                text=record.getMessage(),
                exc_info=record.exc_info or None,
            )
        except Exception:
            # Where nothing can be written, the library's own work goes on.
            self.handleError(record)


@lru_cache(maxsize=64)
def _pattern(secret: str) -> re.Pattern[str]:
    """A secret with any of its letters as they are or as URLs write them: programs differ in which ones they quote."""
    return re.compile("".join(rf"(?:{re.escape(letter)}|{_quoted(letter)})" for letter in secret))


def _quoted(letter: str) -> str:
    plus = r"|\+" if letter == " " else ""
    return "(?i:" + "".join(f"%{byte:02x}" for byte in letter.encode()) + ")" + plus


def mask(text: str, secrets: Iterable[str] = ()) -> str:
    """Return *text* without passwords in URLs and without any of *secrets*, also as they are written in URLs."""
    for secret in secrets:
        if secret:
            text = _pattern(secret).sub("***", text)
    return _URL_PASSWORD.sub(r"\g<scheme>***@", text)


def configure(*, level: str = "info", json: bool = False, secrets: Iterable[str] = ()) -> None:
    """Set up structlog for this process; logs go to standard error, so that ``--json`` output stays clean.

    Warnings of libraries become lines, too.

    Args:
        level: the least severe level that is written.
        json: one JSON object a line instead of text for people.
        secrets: values that are replaced by ``***`` wherever they occur.
    """
    # The longest first: one may be a part of another.
    known = sorted({secret for secret in secrets if len(secret) >= 6}, key=len, reverse=True)

    def hide_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {key: _masked(value, known) for key, value in event.items()}

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
    root = logging.getLogger()
    if not any(isinstance(one, _Libraries) for one in root.handlers):
        root.addHandler(_Libraries(logging.WARNING))


def _masked(value: Any, secrets: Sequence[str]) -> Any:
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return mask(value, secrets)
        case Mapping():
            return {key: _masked(one, secrets) for key, one in value.items()}
        case list() | tuple() | AbstractSet():
            return [_masked(one, secrets) for one in value]
        case _:
            return mask(str(value), secrets)
