"""Transformations as Cloudinary keeps them: named ones, and a record of every text that was ever used.

Belongs here: the ``/transformations`` resource. Not here: the texts, see transformations; pictures, see derivation.
"""

# ruff: noqa: S608 -- statements are put together from names this package writes itself; values are bound.

from __future__ import annotations

import sqlite3

from media_pipeline.emulator import transformations
from media_pipeline.emulator.cursors import NEWEST, Cursors
from media_pipeline.emulator.documents import Document
from media_pipeline.emulator.errors import ApiError, bad_request
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.params import Params
from media_pipeline.emulator.transformations import Component

_PREFIX = "t_"
_PAGE_DEFAULT = 10
_PAGE_LIMIT = 500
_DERIVED_LIMIT = 1000
_INSERT = "INSERT INTO transformation (name, definition, named, allowed_for_strict, created_at) VALUES (?, ?, ?, ?, ?)"
_USED = "EXISTS (SELECT 1 FROM derived WHERE derived.transformation IN (transformation.name, 't_' || name))"


def note(db: sqlite3.Connection, name: str, now: int) -> None:
    """Remember a text that a derived asset was made with."""
    if not name.startswith(_PREFIX):
        db.execute(f"{_INSERT} ON CONFLICT DO NOTHING", (name, name, False, False, now))


def resolved(db: sqlite3.Connection, text: str) -> list[Component]:
    """The steps of a transformation, with the steps of named ones in their places.

    Raises:
        ApiError: 404 for a name nobody defined, 400 for a text that is no transformation.
    """
    steps: list[Component] = []
    for step in transformations.components(text):
        steps += transformations.components(_without_format(_get(db, step["t"])[1])) if set(step) == {"t"} else [step]
    return steps


def listed(library: Library, params: Params) -> Document:
    """One page of all transformations, newest first; ``named`` keeps one of the two kinds."""
    limit = params.integer("max_results", _PAGE_DEFAULT, 1, _PAGE_LIMIT)
    cursors = Cursors(library.config.api_secret, "transformations", params.values)
    (before,) = cursors.open(params.text("next_cursor")) or (NEWEST,)
    condition, values = "seq < ?", [before]
    if "named" in params:
        condition, values = condition + " AND named = ?", [*values, params.flag("named")]
    with library.store.read() as db:
        rows = db.execute(
            f"SELECT name, named, allowed_for_strict, {_USED}, seq FROM transformation WHERE {condition}"
            " ORDER BY seq DESC LIMIT ?",
            (*values, limit + 1),
        ).fetchall()
    answer: Document = {"transformations": [_item(*row[:-1]) for row in rows[:limit]]}
    if len(rows) > limit:
        answer["next_cursor"] = cursors.seal(rows[limit - 1][-1])
    return answer


def one(library: Library, params: Params) -> Document:
    """A transformation by name or text, with its parts and a page of what was derived with it."""
    limit = params.integer("max_results", _PAGE_DEFAULT, 1, _PAGE_LIMIT)
    cursors = Cursors(library.config.api_secret, "transformation", params.values)
    (after,) = cursors.open(params.text("next_cursor")) or ("",)
    with library.store.read() as db:
        name, definition, named, strict = _get(db, params.required("transformation"))
        (used,) = db.execute(f"SELECT {_USED} FROM transformation WHERE name = ?", (name,)).fetchone()
        rows = db.execute(
            "SELECT derived.id, derived.format, derived.bytes, derived.transformation, asset.public_id,"
            " asset.resource_type, asset.type FROM derived JOIN asset USING (seq)"
            " WHERE derived.transformation IN (?, ?) AND derived.id > ? ORDER BY derived.id LIMIT ?",
            (name, _PREFIX + name, after, limit + 1),
        ).fetchall()
    answer = _item(name, named, strict, used)
    answer["info"] = transformations.info(definition)
    answer["derived"] = [
        {
            "public_id": public_id,
            "resource_type": resource_type,
            "type": type_,
            "format": format_,
            "bytes": size,
            "id": id_,
            "transformation": transformation,
        }
        for id_, format_, size, transformation, public_id, resource_type, type_ in rows[:limit]
    ]
    if len(rows) > limit:
        answer["next_cursor"] = cursors.seal(rows[limit - 1][0])
    return answer


def create(library: Library, params: Params) -> Document:
    """Define a transformation under a name.

    Raises:
        ApiError: 409 for a taken name, 400 for a text that is no transformation.
    """
    name, definition = params.required("name").removeprefix(_PREFIX), _definition(params.required("transformation"))
    named = name != definition
    with library.store.write() as db:
        if _find(db, name) is not None:
            raise ApiError(409, f"Transformation {name} already exists")
        strict = params.flag("allowed_for_strict", default=named)
        db.execute(_INSERT, (name, definition, named, strict, library.now()))
    return {"message": "created"}


def update(library: Library, params: Params) -> Document:
    """Allow a transformation in strict mode, or give a named one another text (``unsafe_update``)."""
    with library.store.write() as db:
        name, definition, named, strict = _get(db, params.required("transformation"))
        unsafe = params.text("unsafe_update")
        if unsafe:
            if not named:
                raise bad_request("Only named transformations can be updated")
            definition = _definition(unsafe)
        strict = params.flag("allowed_for_strict", default=strict)
        db.execute(
            "UPDATE transformation SET definition = ?, allowed_for_strict = ? WHERE name = ?",
            (definition, strict, name),
        )
    return {"message": "updated"}


def delete(library: Library, params: Params) -> Document:
    """Forget a transformation together with everything derived with it.

    Raises:
        ApiError: 403 if 1000 or more assets were derived with it.
    """
    with library.store.write() as db:
        name = _get(db, params.required("transformation"))[0]
        names = (name, _PREFIX + name)
        (count,) = db.execute("SELECT count(*) FROM derived WHERE transformation IN (?, ?)", names).fetchone()
        if count >= _DERIVED_LIMIT:
            raise ApiError(403, f"Transformation {name} has {count} derived assets: at most {_DERIVED_LIMIT - 1}")
        db.execute("DELETE FROM derived WHERE transformation IN (?, ?)", names)
        db.execute("DELETE FROM transformation WHERE name = ?", (name,))
    return {"message": "deleted"}


def _definition(text: str) -> str:
    found = transformations.wanted(text)
    return f"{found.text}/{found.format or ''}" if found.format or text.endswith("/") else found.text


def _without_format(definition: str) -> str:
    return transformations.wanted(definition).text


def _item(name: str, named: bool, strict: bool, used: bool) -> Document:
    return {
        "name": f"{_PREFIX}{name}" if named else name,
        "allowed_for_strict": bool(strict),
        "used": bool(used),
        "named": bool(named),
    }


def _find(db: sqlite3.Connection, name: str) -> tuple[str, str, bool, bool] | None:
    row = db.execute(
        "SELECT name, definition, named, allowed_for_strict FROM transformation WHERE name = ?", (name,)
    ).fetchone()
    return None if row is None else (str(row[0]), str(row[1]), bool(row[2]), bool(row[3]))


def _get(db: sqlite3.Connection, asked: str) -> tuple[str, str, bool, bool]:
    """A transformation by its name, by its name behind ``t_``, or by a text in any order."""
    found = _find(db, asked) or _find(db, asked.removeprefix(_PREFIX))
    if found is None and transformations.looks_like_steps(asked.partition("/")[0]):
        found = _find(db, _definition(asked.rstrip("/")))
    if found is None:
        raise ApiError(404, f"Transformation not found - {asked}")
    return found
