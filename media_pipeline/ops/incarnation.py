"""Whether this database is the one from which was pushed, or an older copy of it.

Belongs here: what is remembered beside the database, the comparison, a person's confirmation.
Not here: which cloud it belongs to (``ops.binding``).
Tables: writes ops.cloud_binding.incarnation.

A database that was restored from a dump holds operations as pending that were done since, and deletions that people
took back since. So a push remembers in ``<home>/incarnation.json`` which database it pushed from and how far its
logical clock was. Another database, or one whose clock is behind, pushes nothing until a person confirms it. A machine
that never pushed remembers nothing, and takes the database as it is.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
import structlog
from sqlalchemy import Engine, Row

from media_pipeline import audit
from media_pipeline.db import statements
from media_pipeline.db.engine import read_only, transaction
from media_pipeline.errors import ConfigurationError, IncarnationUnconfirmed

log = structlog.get_logger()

_FILE: Final = "incarnation.json"


class _Memory(msgspec.Struct):
    incarnation: str
    touch: int
    # Notes of earlier versions have none.
    attempt: int = 0


def require(engine: Engine, home: Path) -> None:
    """Refuse to push from another database than last time, or from an older copy of it; else remember this one.

    Raises:
        IncarnationUnconfirmed: a person has to look; nothing was pushed.
        ConfigurationError: the file beside the database cannot be read.
    """
    now = _read(engine)
    if now is None:
        return
    then = _recall(home)
    if then is not None and then.incarnation != now.incarnation:
        raise IncarnationUnconfirmed("This is another database than the one that was last pushed from here")
    if then is not None and (then.touch > now.touch or then.attempt > now.attempt):
        raise IncarnationUnconfirmed(
            "This database is older than the one that was last pushed from here, e.g. restored from a dump"
        )
    remember(engine, home)


def remember(engine: Engine, home: Path) -> None:
    """Note how far the database is now; where that cannot be written, an older note still tells most copies."""
    try:
        _remember(engine, home)
    except ConfigurationError as error:
        log.warning("incarnation_not_remembered", reason=str(error))


def hint_unfinished(engine: Engine) -> int:
    """Have every asset read again that has an operation which is not at its end; returns how many there are."""
    with transaction(engine) as connection:
        return int(statements.run(connection, "ops/320_hint_unfinished").scalar_one())


def confirm(engine: Engine, home: Path, *, actor: str) -> None:
    """From now on this database is the one to push from; the copy that it was made from, or that it replaces, is not.

    Raises:
        ConfigurationError: the file cannot be written; asked again it goes on.
    """
    with transaction(engine) as connection:
        row = statements.run(connection, "ops/310_renew_incarnation").first()
        if row is None:
            return
        audit.append(
            connection,
            "incarnation_confirmed",
            cause="a person confirmed this database",
            actor=actor,
            run_id=None,
            after={"incarnation": row.incarnation},
        )
    _remember(engine, home)


def _read(engine: Engine) -> Row[tuple[str, int, int]] | None:
    with read_only(engine) as connection:
        return statements.run(connection, "ops/300_read_incarnation").first()


def _recall(home: Path) -> _Memory | None:
    path = home / _FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Memory)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}.",
            hint="Look what happened to it; 'media-pipeline confirm' writes it anew.",
        ) from error


def _remember(engine: Engine, home: Path) -> None:
    now = _read(engine)
    if now is None:
        return
    path = home / _FILE
    fresh = path.with_suffix(f".{os.getpid()}")
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with fresh.open("wb") as file:
            file.write(msgspec.json.encode(_Memory(now.incarnation, now.touch, now.attempt)))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}.", hint="Set MEDIA_PIPELINE_HOME to a directory of your own."
        ) from error
