"""Lines of the log: no secret in any field, the fields of a piece of work in all of its threads, libraries included."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
import structlog
import urllib3
from structlog.contextvars import bound_contextvars

from media_pipeline import logs

SECRET = "a secret/with+signs%and@more"

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """What was logged as JSON so far, with ``SECRET`` for a secret."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    before = [*logging.getLogger().handlers]
    logs.configure(level="info")
    # Twice in one process, which must not tell everything twice.
    logs.configure(level="debug", json=True, secrets=[SECRET, SECRET[:8]])
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    logging.getLogger().handlers[:] = before
    structlog.reset_defaults()


class Odd:
    def __repr__(self) -> str:
        return f"Odd({SECRET})"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (f"it is {SECRET}.", "it is ***."),
        (f"at x://me@host/{quote(SECRET, safe='')}", "at x://me@host/***"),
        ("a%20secret/with+signs%25and@more, a+secret%2fwith%2Bsigns%and%40more", "***, ***"),
        ("postgresql://me:another@host/db", "postgresql://me:***@host/db"),
        ([{"one": (SECRET, 1)}], [{"one": ["***", 1]}]),
        ({SECRET}, ["***"]),
        (ValueError(SECRET), "***"),
        (Odd(), "Odd(***)"),
        (None, None),
        (True, True),
        (1.5, 1.5),
    ],
)
def test_no_field_holds_a_secret_however_deep(lines: Lines, value: object, told: object) -> None:
    structlog.get_logger().info("event", value=value)

    assert [line["value"] for line in lines()] == [told]


def test_a_traceback_holds_no_secret(lines: Lines) -> None:
    try:
        raise RuntimeError(SECRET)
    except RuntimeError:
        structlog.get_logger().exception("failed")

    [line] = lines()
    assert "RuntimeError: ***" in line["exception"]


def test_threads_carry_the_fields_of_who_hands_them_their_work(lines: Lines) -> None:
    log = structlog.get_logger()
    with logs.Threads(max_workers=2) as pool:
        with bound_contextvars(slice="image/upload"):
            pool.submit(log.info, "first").result()
            list(pool.map(log.info, ["second", "third"]))
        pool.submit(log.info, "last").result()

    found = {line["event"]: line.get("slice") for line in lines()}
    assert found == {"first": "image/upload", "second": "image/upload", "third": "image/upload", "last": None}


def test_warnings_of_libraries_are_lines_of_ours(lines: Lines) -> None:
    logging.getLogger(f"{urllib3.__name__}.connectionpool").warning("Retrying %s", SECRET)
    logging.getLogger("alembic").info("not told")
    told_already = logging.getLogger("a_library_with_a_handler")
    told_already.addHandler(logging.StreamHandler(io.StringIO()))
    told_already.getChild("part").warning("told there")

    [line] = lines()
    assert (line["event"], line["level"], line["library"], line["text"]) == (
        "library_spoke",
        "warning",
        "urllib3.connectionpool",
        "Retrying ***",
    )


def test_a_library_goes_on_where_its_warning_cannot_be_written(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    monkeypatch.setattr(sys, "stderr", closed)
    logs.configure(level="info")
    closed.close()
    monkeypatch.setattr(logging, "raiseExceptions", False)

    logging.getLogger("urllib3.somewhere").warning("nobody reads this")
