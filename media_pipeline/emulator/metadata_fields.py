"""Structured metadata: definitions of fields, their data sources, and the values assets may have.

Belongs here: definitions and validation. Not here: storing an asset's values, see edits and uploads.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from datetime import date

import msgspec

from media_pipeline.emulator import assets
from media_pipeline.emulator.documents import Document
from media_pipeline.emulator.errors import ApiError, bad_request, invalid_value, missing
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.naming import random_public_id
from media_pipeline.emulator.params import Params

_TYPES = ("string", "integer", "date", "enum", "set")
_LISTS = ("enum", "set")
_FIELD_LIMIT = 100
_ENTRY_LIMIT = 3000
_EDITABLE = ("label", "mandatory", "default_value", "validation", "default_disabled", "restrictions",
             "allow_dynamic_list_values")  # fmt: skip

Definitions = dict[str, Document]


def definitions(db: sqlite3.Connection) -> Definitions:
    """All fields by external id, in their order, inactive data source entries included."""
    rows = db.execute("SELECT external_id, definition FROM metadata_field ORDER BY position, created_at")
    return {external_id: msgspec.json.decode(text) for external_id, text in rows}


def listed(library: Library) -> Document:
    """All definitions, in their order."""
    with library.store.read() as db:
        return {"metadata_fields": [_shown(definition) for definition in definitions(db).values()]}


def one(library: Library, external_id: str) -> Document:
    """One definition; 404 if there is none."""
    with library.store.read() as db:
        return _shown(_get(db, external_id))


def create(library: Library, params: Params) -> Document:
    """Define a field; a missing external id is generated.

    Raises:
        ApiError: 400 for a wrong type or a default that breaks its own validation, 409 for a taken id.
    """
    kind, label = params.required("type"), params.required("label")
    if kind not in _TYPES:
        raise invalid_value(kind, "type")
    external_id = params.text("external_id") or random_public_id()
    definition: Document = {
        "external_id": external_id,
        "type": kind,
        "label": label,
        "mandatory": params.flag("mandatory"),
        "default_value": params.values.get("default_value"),
        "validation": params.values.get("validation"),
        "default_disabled": params.flag("default_disabled"),
        "restrictions": params.values.get("restrictions") or {},
        "allow_dynamic_list_values": params.flag("allow_dynamic_list_values"),
    }
    if kind in _LISTS:
        source = params.values.get("datasource")
        values = source.get("values") if isinstance(source, dict) else None
        definition["datasource"] = {"values": _merged_entries([], values)}
    _check_default(definition)
    with library.store.write() as db:
        existing = definitions(db)
        if external_id in existing:
            raise ApiError(409, f"external_id {external_id} already exists")
        if len(existing) >= _FIELD_LIMIT:
            raise bad_request(f"The maximum of {_FIELD_LIMIT} metadata fields is reached")
        _save(db, definition, len(existing), library.now())
    return _shown(definition)


def update(library: Library, external_id: str, params: Params) -> Document:
    """Change a definition in part; ``external_id`` and ``type`` in the body are ignored."""

    def change(definition: Document) -> None:
        definition.update({name: params[name] for name in _EDITABLE if name in params})
        source = params.values.get("datasource")
        if isinstance(source, dict) and definition["type"] in _LISTS:
            definition["datasource"] = {"values": _merged_entries(_entries(definition), source.get("values"))}
        _check_default(definition)

    return _shown(_changed(library, external_id, change))


def delete(library: Library, external_id: str) -> Document:
    """Remove a field and its values on all assets."""
    with library.store.write() as db:
        _get(db, external_id)
        db.execute("DELETE FROM metadata_field WHERE external_id = ?", (external_id,))
        holding = "EXISTS (SELECT 1 FROM json_each(asset.metadata) AS pair WHERE pair.key = ?)"
        for asset in list(assets.select(db, holding, (external_id,))):
            del asset.metadata[external_id]
            library.save(db, asset)
    return {"message": "ok"}


def update_entries(library: Library, external_id: str, params: Params) -> Document:
    """Merge entries into a data source: known ids get new values, others are appended."""

    def change(definition: Document) -> None:
        definition["datasource"] = {"values": _merged_entries(_entries(definition), params.values.get("values"))}

    return _told_entries(_changed(library, external_id, change))


def set_entries_state(library: Library, external_id: str, params: Params, state: str) -> Document:
    """Soft-delete (``inactive``) or bring back (``active``) entries of a data source."""
    ids = params.required_strings("external_ids", _ENTRY_LIMIT)

    def change(definition: Document) -> None:
        entries = {str(entry["external_id"]): entry for entry in _entries(definition)}
        for entry_id in ids:
            if entry_id not in entries:
                raise bad_request(f"External IDs {entry_id} do not exist in the datasource of field {external_id}")
            entries[entry_id]["state"] = state

    return _told_entries(_changed(library, external_id, change))


def order_entries(library: Library, external_id: str, params: Params) -> Document:
    """Sort the entries of a data source by value."""
    if params.required("order_by") != "value":
        raise invalid_value(params["order_by"], "order_by")
    backwards = _is_backwards(params)

    def change(definition: Document) -> None:
        _entries(definition).sort(key=lambda entry: str(entry["value"]), reverse=backwards)

    return _told_entries(_changed(library, external_id, change))


def order_fields(library: Library, params: Params) -> Document:
    """Sort the definitions by label, id or time of creation."""
    by = params.required("order_by")
    if by not in ("label", "external_id", "created_at"):
        raise invalid_value(by, "order_by")
    with library.store.write() as db:
        rows = db.execute("SELECT external_id, created_at, position FROM metadata_field").fetchall()
        times = {external_id: (created_at, position) for external_id, created_at, position in rows}
        known = definitions(db)
        names = sorted(known, reverse=_is_backwards(params), key=lambda name: (
            times[name] if by == "created_at" else str(known[name][by])
        ))  # fmt: skip
        db.executemany("UPDATE metadata_field SET position = ? WHERE external_id = ?", list(enumerate(names)))
    return listed(library)


def search_entries(library: Library, params: Params) -> list[Document]:
    """Active entries of all data sources whose value holds a term."""
    term, limit = params.required("term").casefold(), params.integer("max_results", 100, 1, 100)
    with library.store.read() as db:
        found = [
            {"field_id": external_id, "id": entry["external_id"], "value": entry["value"]}
            for external_id, definition in definitions(db).items()
            for entry in _entries(definition)
            if entry["state"] == "active" and term in str(entry["value"]).casefold()
        ]
    return found[:limit]


def defaults(known: Definitions) -> Document:
    """Values a new asset gets."""
    return {
        name: definition["default_value"]
        for name, definition in known.items()
        if definition["default_value"] is not None and not definition["default_disabled"]
    }


def check_mandatory(known: Definitions, values: Document) -> None:
    """Refuse values that lack a mandatory field.

    Raises:
        ApiError: 400, naming the field.
    """
    for name, definition in known.items():
        if definition["mandatory"] and name not in values:
            raise bad_request(f"Missing required metadata field - {name}")


def merged(known: Definitions, current: Document, given: dict[str, str], clear_invalid: bool = False) -> Document:
    """Current values of an asset overlaid with given texts; an empty text removes the value.

    Raises:
        ApiError: 400 for an unknown field, or for a wrong value unless `clear_invalid`.
    """
    values = dict(current)
    for name, text in given.items():
        if name not in known:
            raise bad_request("Invalid value  for parameter kind")
        if text == "":
            values.pop(name, None)
            continue
        try:
            values[name] = _checked(known[name], _read(known[name], text))
        except ValueError as error:
            if not clear_invalid:
                raise bad_request(f"Value {text} is invalid for field {name}: {error}") from None
            values.pop(name, None)
    check_mandatory({name: known[name] for name in given}, values)
    return values


def _read(definition: Document, text: str) -> object:
    kind = definition["type"]
    if kind == "integer":
        return int(text)
    if kind == "set":
        return msgspec.json.decode(text, type=list[str]) if text.startswith("[") else text.split(",")
    return text.replace('\\"', '"')


def _checked(definition: Document, value: object) -> object:
    """A value that fits its field, else ValueError with the reason."""
    kind = definition["type"]
    active = {str(entry["external_id"]) for entry in _entries(definition) if entry["state"] == "active"}
    if kind == "set":
        if not isinstance(value, list) or not set(value) <= active:
            raise ValueError("not in the datasource")
    elif kind == "enum":
        if value not in active:
            raise ValueError("not in the datasource")
    elif kind == "integer":
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError("not an integer")
    elif not isinstance(value, str):
        raise ValueError("not a text")
    elif kind == "date":
        date.fromisoformat(value)
    validation = definition["validation"]
    if isinstance(validation, dict) and not _satisfies(value, validation):
        raise ValueError("the validation refuses it")
    return value


def _satisfies(value: object, rule: Document) -> bool:
    bound, size = rule.get("value"), len(value) if isinstance(value, str) else 0
    match rule.get("type"):
        case "and":
            rules = rule.get("rules")
            return isinstance(rules, list) and all(_satisfies(value, part) for part in rules)
        case "greater_than":
            return value > bound or (bool(rule.get("equals")) and value == bound)  # type: ignore[operator]
        case "less_than":
            return value < bound or (bool(rule.get("equals")) and value == bound)  # type: ignore[operator]
        case "strlen":
            low, high = rule.get("min"), rule.get("max")
            return (low is None or size >= int(str(low))) and (high is None or size <= int(str(high)))
        case "strregex" | "regex":
            return re.search(str(bound), str(value)) is not None
        case other:
            raise invalid_value(other, "validation")


def _check_default(definition: Document) -> None:
    default = definition["default_value"]
    if default is None:
        return
    try:
        _checked(definition, default)
    except (ValueError, TypeError) as error:
        raise bad_request(f"Value {default} is invalid for field {definition['external_id']}: {error}") from None


def _merged_entries(current: list[Document], given: object) -> list[Document]:
    if not isinstance(given, list) or not all(isinstance(entry, dict) and entry.get("value") for entry in given):
        raise missing("datasource")
    entries = {str(entry["external_id"]): entry for entry in current}
    for entry in given:
        entry_id = str(entry.get("external_id") or random_public_id())
        entries[entry_id] = {"external_id": entry_id, "value": entry["value"], "state": "active"}
    if len(entries) > _ENTRY_LIMIT:
        raise bad_request(f"A datasource holds at most {_ENTRY_LIMIT} values")
    return list(entries.values())


def _entries(definition: Document) -> list[Document]:
    source = definition.get("datasource")
    return source["values"] if isinstance(source, dict) else []


def _told_entries(definition: Document) -> Document:
    """The answer to a change of a data source: active entries, without their state."""
    active = (entry for entry in _entries(definition) if entry["state"] == "active")
    return {"values": [{"external_id": entry["external_id"], "value": entry["value"]} for entry in active]}


def _shown_entries(definition: Document) -> Document:
    return {"values": [entry for entry in _entries(definition) if entry["state"] == "active"]}


def _shown(definition: Document) -> Document:
    return definition | {"datasource": _shown_entries(definition)} if "datasource" in definition else definition


def _is_backwards(params: Params) -> bool:
    return (params.text("direction") or "asc").lower() == "desc"


def _get(db: sqlite3.Connection, external_id: str) -> Document:
    found = definitions(db).get(external_id)
    if found is None:
        raise ApiError(404, f"External ID {external_id} doesn't exist")
    return found


def _changed(library: Library, external_id: str, change: Callable[[Document], None]) -> Document:
    with library.store.write() as db:
        definition = _get(db, external_id)
        change(definition)
        text = msgspec.json.encode(definition).decode()
        db.execute("UPDATE metadata_field SET definition = ? WHERE external_id = ?", (text, external_id))
    return definition


def _save(db: sqlite3.Connection, definition: Document, position: int, now: int) -> None:
    text = msgspec.json.encode(definition).decode()
    db.execute("INSERT INTO metadata_field VALUES (?, ?, ?, ?)", (definition["external_id"], position, now, text))
