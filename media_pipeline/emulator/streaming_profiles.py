"""Streaming profiles: ladders of film sizes; kept, never used, since no film is made.

Belongs here: the ``/streaming_profiles`` resource and its predefined members. Not here: transformations.
"""

from __future__ import annotations

import msgspec

from media_pipeline.emulator.documents import Document
from media_pipeline.emulator.errors import ApiError, invalid_value, missing
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.params import Params
from media_pipeline.emulator.registered import Kind, Registered
from media_pipeline.emulator.transformations import info, text_of

_PROFILES = Kind("streaming_profiles", "Streaming profile")
# Width, height and bit rate of each step; the names are Cloudinary's, the bit rates ours.
_LADDER: tuple[tuple[int, int, str], ...] = (
    (3840, 2160, "35m"), (2560, 1440, "16m"), (1920, 1080, "9m"), (1280, 720, "6m"), (960, 540, "3m"),
    (640, 360, "1500k"), (480, 270, "800k"),
)  # fmt: skip
_STEPS = {
    "4k": slice(0, 7),
    "full_hd": slice(2, 7),
    "hd": slice(3, 7),
    "sd": slice(4, 7),
    "full_hd_wifi": slice(2, 5),
    "full_hd_lean": slice(2, 7, 2),
    "hd_lean": slice(3, 7, 2),
}
_PREDEFINED = {
    name: [f"br_{rate},c_limit,h_{height},w_{width}" for width, height, rate in _LADDER[steps]]
    for name, steps in _STEPS.items()
}


def listed(library: Library) -> Document:
    """All profiles by name, without their representations."""
    with library.store.read() as db:
        rows = db.execute("SELECT name FROM registered WHERE kind = ?", (_PROFILES.kind,)).fetchall()
        names = sorted(_PREDEFINED.keys() | {row[0] for row in rows})
        profiles = [_find(_PROFILES.find(db, name), name) for name in names]
    return {"data": [{key: p[key] for key in ("name", "display_name", "predefined")} for p in profiles]}


def one(library: Library, name: str) -> Document:
    """One profile; 404 if there is none."""
    with library.store.read() as db:
        return {"data": _find(_PROFILES.find(db, name), name)}


def create(library: Library, params: Params) -> Document:
    """Keep a profile.

    Raises:
        ApiError: 409 for a taken name, 400 without representations.
    """
    name = params.required("name")
    if name in _PREDEFINED:
        raise ApiError(409, f"Streaming profile {name} already exists")
    with library.store.write() as db:
        created = _PROFILES.create(db, name, _body(params, None))
    return {"message": "created", "data": _find(created, name)}


def update(library: Library, params: Params, name: str) -> Document:
    """Change a profile in part, a predefined one too; 404 if there is none."""
    with library.store.write() as db:
        former = _find(_PROFILES.find(db, name), name)
        known = _PROFILES.find(db, name) or Registered(name, name, {})
        changed = Registered(name, known.external_id, _body(params, former))
        _PROFILES.save(db, changed)
    return {"message": "updated", "data": _find(changed, name)}


def delete(library: Library, name: str) -> Document:
    """Forget a profile; a predefined one becomes again what it was."""
    with library.store.write() as db:
        if name not in _PREDEFINED or _PROFILES.find(db, name) is not None:
            _PROFILES.delete(db, name)
    if name in _PREDEFINED:
        return {"message": "reset", "data": _find(None, name)}
    return {"message": "deleted"}


def _body(params: Params, former: Document | None) -> Document:
    given = params.values.get("representations")
    if given is None and former is None:
        raise missing("representations")
    try:
        decoded = msgspec.json.decode(given) if isinstance(given, str) else given
        steps = msgspec.convert(decoded, list[dict[str, object]] | None)
        texts = None if steps is None else [text_of(step["transformation"]) for step in steps]
    except (msgspec.MsgspecError, KeyError):
        raise invalid_value(given, "representations") from None
    representations = [{"transformation": info(text)} for text in texts or []]
    return {
        "display_name": params.text("display_name") or (former or {}).get("display_name"),
        "representations": representations if texts is not None else (former or {}).get("representations"),
    }


def _find(registered: Registered | None, name: str) -> Document:
    """A profile as it is shown: changed, or as predefined."""
    if registered is not None:
        return {"name": name, "predefined": name in _PREDEFINED, **registered.body}
    if name not in _PREDEFINED:
        raise ApiError(404, f"Streaming profile not found - {name}")
    return {
        "name": name,
        "predefined": True,
        "display_name": name.replace("_", " "),
        "representations": [{"transformation": info(text)} for text in _PREDEFINED[name]],
    }
