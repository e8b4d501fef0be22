"""What a materialization shows on Dagster's page: counts, tables, columns, calls, samples.

Belongs here: turning results of rooms and rows of the database into Dagster's metadata.
Not here: which asset shows what (``assets``). No setting, address or secret is ever metadata.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg
from sqlalchemy import Engine, Row

from media_pipeline.db import statements
from media_pipeline.db.engine import read_only
from media_pipeline.listing import ListingResult
from media_pipeline.push import Plan, PlanItem
from media_pipeline.reads import operations
from media_pipeline.reads.operations import Pushed
from media_pipeline.vocabulary import PlanState

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def counts_of(result: "DataclassInstance") -> dict[str, int | float]:
    """The numbers of a room's result, those of its parts under ``part.name``; all else is left out."""
    found: dict[str, int | float] = {}
    for one in fields(result):
        value = getattr(result, one.name)
        if is_dataclass(value) and not isinstance(value, type):
            found.update({f"{one.name}.{name}": number for name, number in counts_of(value).items()})
        elif isinstance(value, int | float):
            found[one.name] = round(value, 3) if isinstance(value, float) else value
    return found


def table(engine: Engine, name: str, row_count: int) -> dict[str, dg.MetadataValue[Any]]:
    """Name, size and columns of a table, read from the database's own catalogue.

    Args:
        name: ``schema.table``.
        row_count: rows in it, or those of them that this materialization is about.
    """
    with read_only(engine) as connection:
        rows = statements.run(connection, "reads/510_list_columns", table_name=name).all()
    columns = [
        dg.TableColumn(
            row.name,
            type=row.type,
            description=row.description or None,
            constraints=dg.TableColumnConstraints(nullable=row.is_nullable),
        )
        for row in rows
    ]
    return {
        "dagster/row_count": dg.MetadataValue.int(row_count),
        "dagster/table_name": dg.MetadataValue.text(f"{engine.url.database}.{name}"),
        "dagster/column_schema": dg.MetadataValue.table_schema(dg.TableSchema(columns=columns)),
    }


def calls(engine: Engine, used: int) -> dict[str, dg.MetadataValue[Any]]:
    """Admin API calls of this step, and what is left of the hour's allowance."""
    found: dict[str, dg.MetadataValue[Any]] = {"api_calls_used": dg.MetadataValue.int(used)}
    with read_only(engine) as connection:
        allowance = statements.run(connection, "reads/540_read_allowance").first()
    if allowance is not None:
        found["api_calls_left"] = dg.MetadataValue.int(allowance.remaining_count)
        found["api_calls_allowed_an_hour"] = dg.MetadataValue.int(allowance.limit_count)
        found["api_calls_given_anew_at"] = dg.MetadataValue.timestamp(allowance.reset_at)
    return found


def sample(rows: Iterable[Row[Any]], columns: Sequence[str]) -> dg.MetadataValue[Any]:
    """Rows of the database as a table; lists are joined, a missing value stays empty."""
    return as_table(columns, ([_cell(getattr(row, name)) for name in columns] for row in rows))


def as_table(columns: Sequence[str], rows: Iterable[Sequence[str | int | float | bool]]) -> dg.MetadataValue[Any]:
    """A table as Dagster shows it; unlike Markdown it needs no escaping of names."""
    records = [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in rows]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns=[dg.TableColumn(name) for name in columns]))


def slices(result: ListingResult) -> dg.MetadataValue[Any]:
    """The walk of every slice as a table; ``problem`` is empty where it is complete."""
    columns = ("slice", "pages", "assets", "restarts", "problem")
    rows = (
        (str(one.slice), one.page_count, one.asset_count, one.restart_count, one.problem or "") for one in result.slices
    )
    return as_table(columns, rows)


def plans(some: Iterable[Plan]) -> dg.MetadataValue[Any]:
    """Push plans as a table: what they cost, and why one is held with the command that approves it."""
    columns = ("plan", "part", "state", "operations", "Admin API calls", "seconds", "why", "to approve")
    rows = (
        (
            one.id,
            one.part.value,
            one.state.value,
            one.operation_count,
            one.admin_call_count,
            round(one.estimated_seconds),
            one.reason or "",
            f"media-pipeline plan approve {one.id}" if one.state is PlanState.HELD else "",
        )
        for one in some
    )
    return as_table(columns, rows)


def edits(some: Iterable[PlanItem | Pushed]) -> dg.MetadataValue[Any]:
    """Operations as a table: what each is to do, how it stands, what came of the last try."""
    columns = ("operation", "kind", "state", "public_id", "change", "actor", "outcome")
    rows = (
        (
            one.operation_id,
            one.kind.value,
            (one.operation_state if isinstance(one, PlanItem) else one.state).value,
            one.public_id,
            "; ".join(operations.in_words(one.kind, one.base, one.wanted)),
            one.actor,
            one.outcome or "",
        )
        for one in some
    )
    return as_table(columns, rows)


def by_kind(counts: Mapping[str, int]) -> dg.MetadataValue[Any]:
    """Counts as a small table for people; kinds that did not occur are left out."""
    lines = [f"| {name} | {count:,} |" for name, count in counts.items() if count]
    if not lines:
        return dg.MetadataValue.md("Nothing changed.")
    return dg.MetadataValue.md("\n".join(["| change | assets |", "|---|---:|", *lines]))


def _cell(value: object) -> str | int | float | bool:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    if isinstance(value, str | int | float | bool):
        return value
    return str(value)
