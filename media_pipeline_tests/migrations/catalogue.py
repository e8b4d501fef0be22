"""Asking the catalogue of a database, and trying what Postgres should refuse.

Belongs here: reads by the owner, attempts that leave nothing behind.
Not here: what the answers should be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from media_pipeline.db.engine import read_only, sqlstate

OURS: Final = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
"""Schemas that are not of Postgres itself, as a condition over pg_namespace n."""

RELATIONS: Final = "pg_class c join pg_namespace n on n.oid = c.relnamespace"
NAME: Final = "quote_ident(n.nspname) || '.' || quote_ident(c.relname)"
"""Name of a relation with its schema, whatever the search path."""

INSUFFICIENT_PRIVILEGE: Final = "42501"
CHECK_VIOLATION: Final = "23514"


def rows(engine: Engine, text: str, **parameters: Any) -> list[Any]:
    """Rows of a read by the owner; a column alone comes without its tuple."""
    with read_only(engine) as connection:
        found = connection.exec_driver_sql(text, parameters or None).all()
    return [row[0] if len(row) == 1 else tuple(row) for row in found]


def refused(work: str | Callable[[Connection], object], connection: Connection) -> str | None:
    """The state with which Postgres refuses a statement or some work; None if it does not. Nothing of it stays."""
    savepoint = connection.begin_nested()
    try:
        if isinstance(work, str):
            connection.exec_driver_sql(work)
        else:
            work(connection)
    except DBAPIError as error:
        return sqlstate(error)
    finally:
        savepoint.rollback()
    return None
