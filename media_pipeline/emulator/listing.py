"""Lists of the Admin API: slices, prefixes, ids, tags, context, moderation, folders, with keyset cursors.

Belongs here: which rows a list call shows, in which order, from where. Not here: how an item looks, see documents.
"""

# ruff: noqa: S608 -- statements are put together from names this package writes itself; values are bound.

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from media_pipeline.emulator.assets import RESOURCE_TYPES
from media_pipeline.emulator.clock import parse_time
from media_pipeline.emulator.cursors import Cursors
from media_pipeline.emulator.documents import MEMBERS, list_members_wanted
from media_pipeline.emulator.errors import bad_request, invalid_value, missing
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.params import Params

PAGE_LIMIT = 500
_PAGE_DEFAULT = 10
_FOLDER_PAGE_DEFAULT = 50
_IDS_LIMIT = 100
_FLAGS = ("tags", "context", "metadata", "moderations", "moderation")
_MODERATION_KINDS = frozenset(
    {"manual", "aws_rek", "webpurify", "perception_point", "google_video_moderation",
     "aws_rek_video", "duplicate", "cld", "metascan"}
)  # fmt: skip
_MODERATION_STATUSES = frozenset({"pending", "approved", "rejected", "queued", "aborted"})
_LAST_CHARACTER = "\U0010ffff"


def check_resource_type(value: str) -> str:
    """Return a known resource type.

    Raises:
        ApiError: 400 for any other word.
    """
    if value not in RESOURCE_TYPES:
        raise invalid_value(value, "resource_type")
    return value


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows of a list call as SQL: `tables` joined, `condition` true, in the order of `keys`."""

    tables: str
    condition: str
    values: tuple[object, ...]
    keys: tuple[str, ...] = ("asset.created_at", "asset.seq")
    descending: bool = True


def by_slice(library: Library, params: Params, resource_type: str, type_: str | None) -> bytes:
    """One page of a resource type, or of one delivery type of it."""
    check_resource_type(resource_type)
    ids = params.strings("public_ids")
    if ids:
        if len(ids) > _IDS_LIMIT:
            raise bad_request(f"Too many public_ids: {len(ids)}, at most {_IDS_LIMIT} in one call")
        condition = f"resource_type = ? AND type = ? AND public_id IN ({_marks(ids)})"
        return _all(library, params, condition, (resource_type, type_ or "upload", *ids))
    return _page(library, params, f"{resource_type}/{type_ or ''}", slice_selection(params, resource_type, type_))


def slice_selection(params: Params, resource_type: str, type_: str | None) -> Selection:
    """The rows of a slice: by time of creation, or by name below a prefix."""
    condition, values = "asset.resource_type = ?", [resource_type]
    if type_:
        condition, values = condition + " AND asset.type = ?", [*values, type_]
    prefix = params.text("prefix")
    if not prefix:
        return _by_creation(params, "asset", condition, tuple(values))
    if not type_:
        raise missing("type")
    condition, values = condition + " AND asset.public_id < ?", [*values, prefix + _LAST_CHARACTER]
    if not _is_behind_the_start(params):
        condition, values = condition + " AND asset.public_id >= ?", [*values, prefix]
    return Selection("asset", condition, tuple(values), ("asset.public_id",), descending=False)


def by_tag(library: Library, params: Params, resource_type: str, tag: str) -> bytes:
    """One page of the assets of a resource type that have a tag."""
    check_resource_type(resource_type)
    selection = _by_creation(
        params,
        "asset_tag JOIN asset ON asset.seq = asset_tag.seq",
        "asset_tag.resource_type = ? AND asset_tag.tag = ?",
        (resource_type, tag),
        ("asset_tag.created_at", "asset_tag.seq"),
    )
    return _page(library, params, f"{resource_type}/tags/{tag}", selection)


def by_context(library: Library, params: Params, resource_type: str) -> bytes:
    """One page of the assets that have a context key, or a key with a value."""
    check_resource_type(resource_type)
    key, value = params.required("key"), params.text("value")
    condition = (
        "asset.resource_type = ? AND asset.status = 'active' AND EXISTS"
        " (SELECT 1 FROM json_each(asset.context) AS pair WHERE pair.key = ? AND (? IS NULL OR pair.value = ?))"
    )
    selection = _by_creation(params, "asset", condition, (resource_type, key, value, value))
    return _page(library, params, f"{resource_type}/context", selection)


def by_moderation(library: Library, params: Params, resource_type: str, kind: str, status: str) -> bytes:
    """One page of the assets with a moderation result."""
    check_resource_type(resource_type)
    if kind not in _MODERATION_KINDS:
        raise invalid_value(kind, "moderation_kind")
    if status not in _MODERATION_STATUSES:
        raise invalid_value(status, "moderation_status")
    condition = "asset.resource_type = ? AND asset.moderation_kind = ? AND asset.moderation_status = ?"
    selection = _by_creation(params, "asset", condition, (resource_type, kind, status))
    return _page(library, params, f"{resource_type}/moderations/{kind}/{status}", selection)


def by_asset_folder(library: Library, params: Params) -> bytes:
    """Assets directly in a folder, of all types; upper and lower case are the same."""
    folder = params.required("asset_folder").strip("/").casefold()
    selection = _by_creation(params, "asset", "asset.folder_key = ?", (folder,))
    return _page(library, params, "by_asset_folder", selection, _FOLDER_PAGE_DEFAULT)


def by_asset_ids(library: Library, params: Params) -> bytes:
    """Assets by id; deleted and unknown ones are silently missing."""
    ids = params.required_strings("asset_ids", library.settings.by_asset_ids_limit, split=True)
    return _all(library, params, f"asset_id IN ({_marks(ids)}) AND status = 'active'", tuple(ids))


def tags(library: Library, params: Params, resource_type: str) -> dict[str, object]:
    """Distinct tags of a resource type, in alphabetical order."""
    check_resource_type(resource_type)
    limit = params.integer("max_results", _PAGE_DEFAULT, 1, PAGE_LIMIT)
    prefix = params.text("prefix") or ""
    cursors = Cursors(library.config.api_secret, f"tags/{resource_type}", params.values)
    (after,) = cursors.open(params.text("next_cursor")) or ("",)
    with library.store.read() as db:
        found = _distinct_tags(db, resource_type, prefix, str(after), limit + 1)
    answer: dict[str, object] = {"tags": found[:limit]}
    if len(found) > limit:
        answer["next_cursor"] = cursors.seal(found[limit - 1])
    return answer


def _distinct_tags(db: sqlite3.Connection, resource_type: str, prefix: str, after: str, limit: int) -> list[str]:
    # Steps from tag to tag through the index, so that the cost does not depend on the number of assets.
    rows = db.execute(
        "WITH RECURSIVE step (tag) AS ("
        " SELECT min(tag) FROM asset_tag WHERE resource_type = ?1 AND tag > ?2 AND tag >= ?3"
        " UNION ALL SELECT (SELECT min(tag) FROM asset_tag WHERE resource_type = ?1 AND tag > step.tag)"
        " FROM step WHERE step.tag IS NOT NULL)"
        " SELECT tag FROM step WHERE tag IS NOT NULL AND tag < ?4 LIMIT ?5",
        (resource_type, after, prefix, prefix + _LAST_CHARACTER, limit),
    )
    return [str(tag) for (tag,) in rows]


def _by_creation(
    params: Params,
    tables: str,
    condition: str,
    values: tuple[object, ...],
    keys: tuple[str, str] = ("asset.created_at", "asset.seq"),
) -> Selection:
    direction = (params.text("direction") or "desc").lower()
    if direction not in ("asc", "desc", "1", "-1"):
        raise invalid_value(direction, "direction")
    descending = direction in ("desc", "-1")
    start_at = params.text("start_at")
    if start_at:
        try:
            start = parse_time(start_at)
        except ValueError:
            raise invalid_value(start_at, "start_at") from None
        if descending or not _is_behind_the_start(params):
            condition, values = condition + f" AND {keys[0]} >= ?", (*values, start)
    return Selection(tables, condition, values, keys, descending)


def _is_behind_the_start(params: Params) -> bool:
    """Whether a page of an ascending list begins at a cursor.

    The cursor takes the place of the list's own start then: of two lower bounds SQLite reads from the first, and would
    pass everything in between once more for every page.
    """
    return bool(params.text("next_cursor"))


def _wanted(library: Library, params: Params) -> tuple[str, ...]:
    flags = [flag for flag in _FLAGS if params.flag(flag)]
    return list_members_wanted(flags, params.strings("fields", split=True), library.config.folder_mode)


def page_statement(
    selection: Selection, position: Sequence[object] | None, limit: int
) -> tuple[str, tuple[object, ...]]:
    """The SQL of one page behind a position; the rows are the rendered members and the keys."""
    keys, order = ", ".join(selection.keys), "DESC" if selection.descending else "ASC"
    condition, values = selection.condition, selection.values
    if position:
        # Comparing rows keeps the cost of a page the same at every depth.
        condition += f" AND ({keys}) {'<' if selection.descending else '>'} ({_marks(position)})"
        values = (*values, *position)
    by = ", ".join(f"{key} {order}" for key in selection.keys)
    statement = f"SELECT {MEMBERS}, {keys} FROM {selection.tables} WHERE {condition} ORDER BY {by} LIMIT ?"
    return statement, (*values, limit)


def _page(
    library: Library, params: Params, route: str, selection: Selection, default_limit: int = _PAGE_DEFAULT
) -> bytes:
    limit = params.integer("max_results", default_limit, 1, PAGE_LIMIT)
    wanted = _wanted(library, params)
    cursors = Cursors(library.config.api_secret, route, params.values)
    statement, values = page_statement(selection, cursors.open(params.text("next_cursor")), limit + 1)
    with library.store.read() as db:
        rows = db.execute(statement, values).fetchall()
    following = cursors.seal(*rows[limit - 1][1:]) if len(rows) > limit else None
    return _answer(library, [row[0] for row in rows[:limit]], wanted, following)


def _all(library: Library, params: Params, condition: str, values: tuple[object, ...]) -> bytes:
    wanted = _wanted(library, params)
    statement = f"SELECT {MEMBERS} FROM asset WHERE {condition} ORDER BY created_at DESC, seq DESC"
    with library.store.read() as db:
        rows = db.execute(statement, values).fetchall()
    return _answer(library, [row[0] for row in rows], wanted, None)


def _answer(library: Library, rows: list[bytes], wanted: Sequence[str], next_cursor: str | None) -> bytes:
    page = library.documents.list_page(rows, wanted)
    following = f',"next_cursor":"{next_cursor}"' if next_cursor else ""
    return b'{"resources":' + page + following.encode() + b"}"


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
