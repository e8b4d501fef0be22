"""The two searches, of assets and of folders: a page in a sorted order, with the count of the whole.

Belongs here: order, cursors, the choice of members. Not here: expressions, see search_language and search_fields.
"""

# ruff: noqa: S608 -- statements are put together from names this package writes itself; values are bound.

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from media_pipeline.emulator.clock import offset_form
from media_pipeline.emulator.cursors import Cursors
from media_pipeline.emulator.documents import FOUND_COLUMNS, ON_DEMAND, Document
from media_pipeline.emulator.errors import invalid_value
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.params import Params
from media_pipeline.emulator.search_fields import (
    ASSET_FIELDS,
    FOLDER_FIELDS,
    Catalog,
    Kind,
    Sql,
    prepare,
    to_sql,
)
from media_pipeline.emulator.search_language import fields_of, parse

_PAGE_DEFAULT = 50
_PAGE_LIMIT = 500
_ALWAYS = ("asset_id", "public_id", "asset_folder", "folder", "created_at", "status", "type", "resource_type")
# May be asked for, but there is nothing to tell.
_WITH_FIELDS = frozenset({"image_analysis", "cinemagraph_analysis", "accessibility_analysis"})
_AGGREGATES = ("format", "resource_type", "type")
_RANGED = {
    "bytes": "bytes",
    "image_pixels": "iif(resource_type = 'image', width * height, NULL)",
    "video_pixels": "iif(resource_type = 'video', width * height, NULL)",
    "duration": "duration",
}


@dataclass(frozen=True, slots=True)
class _Order:
    """One part of an order; a missing value sorts as the smallest."""

    sql: str
    descending: bool


def search_assets(library: Library, params: Params) -> Document:
    """One page of the assets an expression finds; only active ones unless it names ``status``.

    Raises:
        ApiError: 400 for an expression, an order or a cursor that makes no sense.
    """
    started = time.perf_counter()
    condition = parse(params.text("expression") or "")
    where = to_sql(condition, ASSET_FIELDS, library.now())
    if "status" not in fields_of(condition):
        where = Sql(f"{where.text} AND status = 'active'", where.values)
    order = _order(params, ASSET_FIELDS, "seq", [{"created_at": "desc"}])
    names = _chosen(library.documents.found_names, params)
    table = library.index_lag.table("asset")
    with library.store.read() as db:
        prepare(db)
        total, rows, following = _page(library, db, params, "resources/search", FOUND_COLUMNS, table, where, order)
        aggregations = _aggregations(db, table, params, where)
    found = msgspec.Raw(library.documents.found_page(rows, names))
    answer = _answer(started, total, following, found, "resources")
    return answer | {"aggregations": aggregations} if aggregations else answer


def search_folders(library: Library, params: Params) -> Document:
    """One page of the folders an expression finds."""
    started = time.perf_counter()
    where = to_sql(parse(params.text("expression") or ""), FOLDER_FIELDS, library.now())
    order = _order(params, FOLDER_FIELDS, "path", [{"created_at": "desc"}])
    table = library.index_lag.table("folder")
    with library.store.read() as db:
        prepare(db)
        columns = "name, path, created_at, external_id"
        total, rows, following = _page(library, db, params, "folders/search", columns, table, where, order)
    found: list[Document] = [
        {
            "name": name,
            "path": path,
            "created_at": offset_form(int(str(created_at))),
            "external_id": external_id,
        }
        for name, path, created_at, external_id in rows
    ]
    return _answer(started, total, following, found, "folders")


def _answer(started: float, total: int, following: str | None, found: object, key: str) -> Document:
    milliseconds = int((time.perf_counter() - started) * 1000)
    answer: Document = {"total_count": total, "time": milliseconds}
    if following:
        answer["next_cursor"] = following
    return answer | {key: found}


def _order(params: Params, catalog: Catalog, key: str, default: list[dict[str, str]]) -> list[_Order]:
    """The order asked for, made total by a unique key in the direction of its last part."""
    given = params.values.get("sort_by") or default
    try:
        given = msgspec.json.decode(given) if isinstance(given, str) else given
        parts = [pair for part in msgspec.convert(given, list[dict[str, str]]) for pair in part.items()]
    except msgspec.MsgspecError:
        raise invalid_value(given, "sort_by") from None
    order = []
    for name, direction in parts:
        if direction not in ("asc", "desc"):
            raise invalid_value(direction, "sort_by")
        field = catalog.find(name)
        if name == "score":
            continue
        if field is None or field.kind in (Kind.LIST, Kind.JSON):
            raise invalid_value(name, "sort_by")
        smallest = "-1" if field.kind in (Kind.NUMBER, Kind.TIME) else "''"
        # Columns that are never null stay bare, so that their index gives the order.
        sql = field.sql if name in _NEVER_NULL else f"coalesce({field.sql}, {smallest})"
        order.append(_Order(sql, direction == "desc"))
    return [*order, _Order(key, order[-1].descending if order else True)]


_NEVER_NULL = frozenset({"created_at", "uploaded_at", "last_updated.updated_at", "public_id", "asset_id", "path"})


def _page(
    library: Library,
    db: sqlite3.Connection,
    params: Params,
    route: str,
    columns: str,
    table: str,
    where: Sql,
    order: Sequence[_Order],
) -> tuple[int, list[tuple[object, ...]], str | None]:
    """Total, rows of the page, cursor of the next; rows come without the order's values."""
    limit = params.integer("max_results", _PAGE_DEFAULT, 1, _PAGE_LIMIT)
    cursors = Cursors(library.config.api_secret, route, params.values)
    position = cursors.open(params.text("next_cursor"))
    total = library.store.count(db, f"{table} WHERE {where.text}", where.values)
    rest = where
    if position:
        after = _after(order, position)
        # Only the position may say where to begin: a bound of the expression would pass all former pages once more.
        rest = Sql(f"({where.text}) IS TRUE AND {after.text}", where.values + after.values)
    by = ", ".join(f"{part.sql} {'DESC' if part.descending else 'ASC'}" for part in order)
    keys = ", ".join(part.sql for part in order)
    statement = f"SELECT {columns}, {keys} FROM {table} WHERE {rest.text} ORDER BY {by} LIMIT ?"
    rows = db.execute(statement, (*rest.values, limit + 1)).fetchall()
    following = cursors.seal(*rows[limit - 1][-len(order) :]) if len(rows) > limit else None
    return total, [row[: -len(order)] for row in rows[:limit]], following


def _after(order: Sequence[_Order], position: Sequence[object]) -> Sql:
    """Rows behind a position; a single comparison of rows if the directions agree, since an index can answer that."""
    if len({part.descending for part in order}) == 1:
        keys, marks = ", ".join(part.sql for part in order), ", ".join("?" * len(order))
        return Sql(f"({keys}) {'<' if order[0].descending else '>'} ({marks})", tuple(position))
    texts: list[str] = []
    values: list[object] = []
    for depth, part in enumerate(order):
        equal = [f"{above.sql} = ?" for above in order[:depth]]
        texts.append(" AND ".join([*equal, f"{part.sql} {'<' if part.descending else '>'} ?"]))
        values += position[: depth + 1]
    return Sql("(" + " OR ".join(texts) + ")", tuple(values))


def _chosen(names: Sequence[str], params: Params) -> list[str]:
    """The members asked for, of all there are: ``fields`` beats ``with_field``."""
    fields = params.strings("fields", split=True)
    if fields:
        return [name for name in names if name in _ALWAYS or name in fields]
    wanted = set(params.strings("with_field", split=True))
    unknown = wanted - _WITH_FIELDS - set(names)
    if unknown:
        raise invalid_value(unknown.pop(), "with_field")
    return [name for name in names if name not in ON_DEMAND or name in wanted]


def _aggregations(db: sqlite3.Connection, table: str, params: Params, where: Sql) -> Document:
    """Counts by value of a field, or by ranges that the call names."""
    counted: Document = {}
    given = params.values.get("aggregate") or []
    for item in given if isinstance(given, list) else [given]:
        if isinstance(item, dict):
            counted[str(item.get("type"))] = _in_ranges(db, table, item, where)
            continue
        if item not in _AGGREGATES:
            raise invalid_value(item, "aggregate")
        statement = f"SELECT {item}, count(*) FROM {table} WHERE {where.text} AND {item} IS NOT NULL GROUP BY 1"
        counted[str(item)] = dict(db.execute(statement, where.values).fetchall())
    return counted


def _in_ranges(db: sqlite3.Connection, table: str, item: dict[object, object], where: Sql) -> Document:
    """Counts of a number by ranges, both ends included."""
    value = _RANGED.get(str(item.get("type")))
    try:
        ranges = msgspec.convert(item.get("ranges"), list[_Range])
    except msgspec.ValidationError:
        ranges = []
    if value is None or not ranges:
        raise invalid_value(item, "aggregate")
    counted: Document = {}
    for part in ranges:
        low, high = (-math.inf if part.from_ is None else part.from_), (math.inf if part.to is None else part.to)
        statement = f"SELECT count(*) FROM {table} WHERE {where.text} AND {value} >= ? AND {value} <= ?"
        (counted[part.key],) = db.execute(statement, (*where.values, low, high)).fetchone()
    return counted


class _Range(msgspec.Struct, rename={"from_": "from"}):
    key: str
    from_: float | None = None
    to: float | None = None
